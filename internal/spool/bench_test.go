package spool

import (
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math/rand/v2"
	"os"
	"testing"
	"time"
)

// benchSpans are about 64 KiB of records each, 154.7 bytes in the mean: many
// are short, few are long.
func benchSpans(spans int) (all []Span, records, bytes int) {
	rng := rand.New(rand.NewPCG(1, 1))
	for range spans {
		var p Span
		for len(p.Data) < 63<<10 {
			n := 60 + int(rng.ExpFloat64()*94.7)
			n = min(n, 1500)
			p.Sizes = append(p.Sizes, uint32(n))
			at := len(p.Data)
			p.Data = append(p.Data, make([]byte, n)...)
			binary.LittleEndian.PutUint64(p.Data[at:], rng.Uint64())
		}
		records += len(p.Sizes)
		bytes += len(p.Data)
		all = append(all, p)
	}
	return all, records, bytes
}

func appendAll(b testing.TB, s *Spool, spans []Span, seq uint64) uint64 {
	for _, p := range spans {
		p.First = seq
		for len(p.Sizes) > 0 {
			n, err := s.Append(p)
			if n < len(p.Sizes) && !errors.Is(err, ErrFull) {
				b.Fatal(err)
			}
			p.First += uint64(n)
			for _, size := range p.Sizes[:n] {
				p.Data = p.Data[size:]
			}
			p.Sizes = p.Sizes[n:]
			if len(p.Sizes) > 0 {
				if err := s.WaitRoom(context.Background()); err != nil {
					b.Fatal(err)
				}
			}
		}
		seq = p.First
	}
	return seq
}

// BenchmarkAppend takes 64 MiB of records per op. kernel: until all are
// written. durable: with a sync for each MiB, until the last one is done.
func BenchmarkAppend(b *testing.B) {
	spans, records, bytes := benchSpans(1024)
	for _, mode := range []struct {
		name  string
		bytes int64
	}{{"kernel", -1}, {"durable", 1 << 20}} {
		b.Run(mode.name, func(b *testing.B) {
			b.SetBytes(int64(bytes))
			b.ReportAllocs()
			n := 0
			for b.Loop() {
				b.StopTimer()
				s := mustOpen(b, Options{Dir: b.TempDir(), MaxBytes: 2 << 30, SyncBytes: mode.bytes, SyncDelay: -1})
				b.StartTimer()
				last := appendAll(b, s, spans, 1) - 1
				var err error
				if mode.bytes > 0 {
					err = s.WaitDurable(context.Background(), last)
				} else {
					err = s.WaitWritten(context.Background(), last)
				}
				if err != nil {
					b.Fatal(err)
				}
				n += records
				b.StopTimer()
				s.Settle(1, last)
				s.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mrec/s")
			b.ReportMetric(0, "ns/op")
		})
	}
}

// BenchmarkRead reads and checks 64 MiB of records per op, from warm files.
func BenchmarkRead(b *testing.B) {
	spans, records, bytes := benchSpans(1024)
	dir := b.TempDir()
	s := mustOpen(b, Options{Dir: dir, MaxBytes: 2 << 30})
	appendAll(b, s, spans, 1)
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(bytes))
	b.ReportAllocs()
	n := 0
	var sum uint32
	for b.Loop() {
		b.StopTimer()
		s := mustOpen(b, Options{Dir: dir, MaxBytes: 2 << 30})
		b.StartTimer()
		var p Page
		got := 0
		for {
			err := s.Read(&p)
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				b.Fatal(err)
			}
			data := p.Data
			for _, size := range p.Sizes {
				sum += uint32(data[0])
				data = data[size:]
			}
			got += len(p.Sizes)
		}
		b.StopTimer()
		if got != records {
			b.Fatalf("%d of %d", got, records)
		}
		s.Close()
		n += records
		b.StartTimer()
	}
	_ = sum
	b.ReportMetric(float64(n)/b.Elapsed().Seconds()/1e6, "Mrec/s")
	b.ReportMetric(0, "ns/op")
}

// BenchmarkWaitWritten is what a record at SyncLevel costs its caller: append,
// write, and back.
func BenchmarkWaitWritten(b *testing.B) {
	s := mustOpen(b, Options{Dir: b.TempDir(), MaxBytes: 2 << 30, Delay: 50 * time.Millisecond, SyncBytes: -1, SyncDelay: -1})
	defer s.Close()
	data := make([]byte, 155)
	seq := s.Next()
	b.ReportAllocs()
	for b.Loop() {
		if _, err := s.Append(Span{seq, data, []uint32{155}}); err != nil {
			b.Fatal(err)
		}
		if err := s.WaitWritten(context.Background(), seq); err != nil {
			b.Fatal(err)
		}
		seq++
	}
}

// BenchmarkGroupCommit is 64 goroutines that wait for the sync of a record of
// their own.
func BenchmarkGroupCommit(b *testing.B) {
	s := mustOpen(b, Options{Dir: b.TempDir(), MaxBytes: 2 << 30, SyncBytes: -1, SyncDelay: -1})
	defer s.Close()
	data := make([]byte, 155)
	turn := make(chan uint64, 1)
	turn <- s.Next()
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			seq := <-turn
			s.Append(Span{seq, data, []uint32{155}})
			turn <- seq + 1
			if err := s.WaitDurable(context.Background(), seq); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// BenchmarkOpen opens a directory that a process left when it was killed: the
// last segment is read, its 64 MiB were allocated, and hardly used.
func BenchmarkOpen(b *testing.B) {
	dir := b.TempDir()
	s := mustOpen(b, Options{Dir: dir})
	mustAppend(b, s, 1, 100)
	s.Sync(b.Context())
	name := dir + "/" + segmentName(1)
	data, err := os.ReadFile(name)
	if err != nil {
		b.Fatal(err)
	}
	s.Close()
	for b.Loop() {
		b.StopTimer()
		if err := os.WriteFile(name, data, 0o600); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		s := mustOpen(b, Options{Dir: dir})
		b.StopTimer()
		s.Close()
		b.StartTimer()
	}
}
