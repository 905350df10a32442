package main

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/hashicorp/go-hclog"
	"github.com/hashicorp/raft"
	raftwal "github.com/hashicorp/raft-wal"
)

// raftSystem stores a MiB at once: it syncs every time.
func raftSystem() *system {
	var w *raftwal.WAL
	open := func(dir string) (*raftwal.WAL, error) {
		return raftwal.Open(dir, raftwal.WithLogger(hclog.NewNullLogger()))
	}
	return &system{
		name: "hashicorp/raft-wal v0.4.2", note: "CRC per batch; never without a sync", durableOnly: true,
		write: func(dir string, in *input, _ bool) (err error) {
			if w, err = open(dir); err != nil {
				return err
			}
			var logs []raft.Log
			var part []*raft.Log
			index, bytes := uint64(0), 0
			for i := range in.batches {
				for _, rec := range in.batches[i].recs {
					index++
					logs = append(logs, raft.Log{Index: index, Data: rec})
				}
				if bytes += len(in.batches[i].data); bytes < syncBytes && i < len(in.batches)-1 {
					continue
				}
				for i := range logs {
					part = append(part, &logs[i])
				}
				if err := w.StoreLogs(part); err != nil {
					return err
				}
				logs, part, bytes = logs[:0], part[:0], 0
			}
			return nil
		},
		finish: func() error { return w.Close() },
		read: func(dir string, ready func(), each func([]byte)) error {
			w, err := open(dir)
			if err != nil {
				return err
			}
			last, err := w.LastIndex()
			ready()
			var log raft.Log
			for i := uint64(1); i <= last && err == nil; i++ {
				if err = w.GetLog(i, &log); err == nil {
					each(log.Data)
				}
			}
			return errors.Join(err, w.Close())
		},
	}
}

// seedSystem is async-append-only-log, in node, which measures itself: from the first
// append until it has drained, and reading. It syncs nothing.
func seedSystem(script string) *system {
	var records string
	return &system{
		name: "async-append-only-log 4.3.10", note: "node; no checksum; until it has drained", finish: nothing,
		external: func(dir string, in *input, check bool) (wrote, read float64, err error) {
			if records == "" {
				records = filepath.Join(filepath.Dir(dir), "records")
				if err := in.save(records); err != nil {
					return 0, 0, err
				}
			}
			args := []string{"--max-old-space-size=4096", script, records, filepath.Join(dir, "log")}
			if check {
				args = append(args, "check")
			}
			cmd := exec.Command("node", args...)
			cmd.Stderr = os.Stderr
			out, err := cmd.Output()
			if err != nil {
				return 0, 0, err
			}
			_, err = fmt.Sscan(string(out), &wrote, &read)
			return wrote, read, err
		},
	}
}

// save writes each record after its length.
func (in *input) save(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	w := bufio.NewWriter(f)
	for i := range in.batches {
		for _, rec := range in.batches[i].recs {
			w.Write(binary.LittleEndian.AppendUint32(w.AvailableBuffer(), uint32(len(rec))))
			w.Write(rec)
		}
	}
	return errors.Join(w.Flush(), f.Close())
}
