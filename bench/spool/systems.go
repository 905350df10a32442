package main

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/prometheus/prometheus/tsdb/wlog"
	"github.com/prometheus/prometheus/util/compression"
	"github.com/tidwall/wal"
	"go.etcd.io/bbolt"

	"github.com/slogship/slogship/internal/spool"
)

func nothing() error { return nil }

// rawSystem writes the batches one after the other, without lengths, checksums
// or a way back but to read the same batches.
func rawSystem() *system {
	var in *input
	return &system{
		name: "write(2) alone (ceiling)", note: "no framing, no checks", finish: nothing,
		write: func(dir string, input *input, sync bool) error {
			in = input
			f, err := os.Create(filepath.Join(dir, "raw"))
			if err != nil {
				return err
			}
			buf := make([]byte, 0, 128<<10)
			unsynced := 0
			for i := range in.batches {
				buf = buf[:0]
				for _, rec := range in.batches[i].recs {
					buf = append(buf, rec...)
				}
				if _, err := f.Write(buf); err != nil {
					return err
				}
				if unsynced += len(buf); sync && unsynced >= syncBytes {
					unsynced = 0
					if err := f.Sync(); err != nil {
						return err
					}
				}
			}
			if sync {
				err = f.Sync()
			}
			return errors.Join(err, f.Close())
		},
		read: func(dir string, ready func(), each func([]byte)) error {
			f, err := os.Open(filepath.Join(dir, "raw"))
			if err != nil {
				return err
			}
			defer f.Close()
			buf := make([]byte, 128<<10)
			ready()
			for _, b := range in.batches {
				if _, err := io.ReadFull(f, buf[:len(b.data)]); err != nil {
					return err
				}
				rest := buf
				for _, n := range b.sizes {
					each(rest[:n])
					rest = rest[n:]
				}
			}
			return nil
		},
	}
}

func spoolSystem() *system {
	var s *spool.Spool
	return &system{
		name: "slogship spool", note: "CRC per frame of 64 KiB",
		write: func(dir string, in *input, sync bool) (err error) {
			opts := spool.Options{Dir: dir, MaxBytes: 16 << 30, SyncBytes: -1, SyncDelay: -1}
			if sync {
				opts.SyncBytes = syncBytes
			}
			if s, err = spool.Open(opts); err != nil {
				return err
			}
			seq := s.Next()
			for i := range in.batches {
				if seq, err = appendSpan(s, seq, &in.batches[i]); err != nil {
					return err
				}
			}
			if sync {
				return s.WaitDurable(context.Background(), seq-1)
			}
			return s.WaitWritten(context.Background(), seq-1)
		},
		finish: func() error { return s.Close() },
		read: func(dir string, ready func(), each func([]byte)) error {
			s, err := spool.Open(spool.Options{Dir: dir, MaxBytes: 16 << 30})
			if err != nil {
				return err
			}
			var p spool.Page
			ready()
			for {
				if err = s.Read(&p); err != nil {
					break
				}
				rest := p.Data
				for _, n := range p.Sizes {
					each(rest[:n])
					rest = rest[n:]
				}
			}
			if errors.Is(err, io.EOF) {
				err = nil
			}
			return errors.Join(err, s.Close())
		},
	}
}

func appendSpan(s *spool.Spool, seq uint64, b *batch) (uint64, error) {
	p := spool.Span{First: seq, Data: b.data, Sizes: b.sizes}
	for len(p.Sizes) > 0 {
		n, err := s.Append(p)
		for _, size := range p.Sizes[:n] {
			p.Data = p.Data[size:]
		}
		p.First, p.Sizes = p.First+uint64(n), p.Sizes[n:]
		if errors.Is(err, spool.ErrFull) {
			err = s.WaitRoom(context.Background())
		}
		if err != nil {
			return 0, err
		}
	}
	return p.First, nil
}

func wlogSystem() *system {
	var w *wlog.WL
	return &system{
		name: "Prometheus tsdb/wlog v0.315.0", note: "CRC per record and page of 32 KiB",
		write: func(dir string, in *input, sync bool) (err error) {
			if w, err = wlog.NewSize(nil, nil, dir, wlog.DefaultSegmentSize, compression.None); err != nil {
				return err
			}
			unsynced := 0
			for i := range in.batches {
				b := &in.batches[i]
				if err := w.Log(b.recs...); err != nil {
					return err
				}
				if unsynced += len(b.data); sync && unsynced >= syncBytes {
					unsynced = 0
					if err := w.Sync(); err != nil {
						return err
					}
				}
			}
			if sync {
				return w.Sync()
			}
			return nil
		},
		finish: func() error { return w.Close() },
		read: func(dir string, ready func(), each func([]byte)) error {
			sr, err := wlog.NewSegmentsReader(dir)
			if err != nil {
				return err
			}
			defer sr.Close()
			r := wlog.NewReader(sr)
			ready()
			for r.Next() {
				each(r.Record())
			}
			return r.Err()
		},
	}
}

func tidwallSystem() *system {
	var l *wal.Log
	return &system{
		name: "tidwall/wal v1.2.1", note: "no checksum",
		write: func(dir string, in *input, sync bool) (err error) {
			if l, err = wal.Open(filepath.Join(dir, "wal"), &wal.Options{NoSync: true, NoCopy: true, SegmentSize: 64 << 20}); err != nil {
				return err
			}
			index, unsynced := uint64(1), 0
			var b wal.Batch
			for i := range in.batches {
				b.Clear()
				for _, rec := range in.batches[i].recs {
					b.Write(index, rec)
					index++
				}
				if err := l.WriteBatch(&b); err != nil {
					return err
				}
				if unsynced += len(in.batches[i].data); sync && unsynced >= syncBytes {
					unsynced = 0
					if err := l.Sync(); err != nil {
						return err
					}
				}
			}
			if sync {
				return l.Sync()
			}
			return nil
		},
		finish: func() error { return l.Close() },
		read: func(dir string, ready func(), each func([]byte)) error {
			l, err := wal.Open(filepath.Join(dir, "wal"), &wal.Options{NoSync: true, NoCopy: true, SegmentSize: 64 << 20})
			if err != nil {
				return err
			}
			defer l.Close()
			last, err := l.LastIndex()
			if err != nil {
				return err
			}
			ready()
			for i := uint64(1); i <= last; i++ {
				rec, err := l.Read(i)
				if err != nil {
					return fmt.Errorf("record %d: %w", i, err)
				}
				each(rec)
			}
			return nil
		},
	}
}

// bboltSystem commits about 1,000 records at once; durable, each MiB.
func bboltSystem() *system {
	var db *bbolt.DB
	name := []byte("log")
	return &system{
		name: "bbolt v1.5.0", note: "a B+ tree",
		write: func(dir string, in *input, sync bool) (err error) {
			if db, err = bbolt.Open(filepath.Join(dir, "bolt"), 0o600, &bbolt.Options{NoSync: !sync}); err != nil {
				return err
			}
			key := uint64(0)
			perCommit := 3 // batches, about 1,200 records
			if sync {
				perCommit = 16
			}
			for at := 0; at < len(in.batches); at += perCommit {
				err := db.Update(func(tx *bbolt.Tx) error {
					b, err := tx.CreateBucketIfNotExists(name)
					if err != nil {
						return err
					}
					b.FillPercent = 1
					for _, batch := range in.batches[at:min(at+perCommit, len(in.batches))] {
						for _, rec := range batch.recs {
							key++
							if err := b.Put(binary.BigEndian.AppendUint64(nil, key), rec); err != nil {
								return err
							}
						}
					}
					return nil
				})
				if err != nil {
					return err
				}
			}
			return nil
		},
		finish: func() error { return db.Close() },
		read: func(dir string, ready func(), each func([]byte)) error {
			db, err := bbolt.Open(filepath.Join(dir, "bolt"), 0o600, &bbolt.Options{ReadOnly: true})
			if err != nil {
				return err
			}
			defer db.Close()
			ready()
			return db.View(func(tx *bbolt.Tx) error {
				return tx.Bucket(name).ForEach(func(_, rec []byte) error {
					each(rec)
					return nil
				})
			})
		},
	}
}
