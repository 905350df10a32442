// Command spool measures logs on disk side by side: slogship's spool, Prometheus'
// write-ahead log, tidwall/wal, hashicorp/raft-wal, bbolt, async-append-only-log where
// node has it, and a buffer that is only written, which is what no log can beat.
//
// One process, the same records and file system, round robin, so that a disturbance meets
// all; the median of the rounds counts. Columns are not comparable with each
// other, and figures of two machines even less: read along a column.
package main

import (
	"encoding/binary"
	"flag"
	"fmt"
	"hash/crc32"
	"math/rand/v2"
	"os"
	"runtime"
	"slices"
	"time"
)

// A system is one of the logs that are compared. All records go in in batches
// of about 64 KiB.
type system struct {
	name string
	// write appends all batches to dir, and returns when they are with the kernel;
	// with sync they are made durable for each MiB, and at the end.
	write func(dir string, in *input, sync bool) error
	// finish, untimed, ends the last write.
	finish func() error
	// read opens dir, calls ready, and then each with every record, in order,
	// having checked what it can.
	read func(dir string, ready func(), each func(rec []byte)) error
	note string

	durableOnly bool // it does not write without a sync
	// external is a process that measures itself: seconds of writing and of reading.
	external func(dir string, in *input, check bool) (wrote, read float64, err error)
}

// input is the records.
type input struct {
	batches []batch
	records int
	bytes   int
	sum     uint32
}

type batch struct {
	data  []byte
	sizes []uint32
	recs  [][]byte // the same, one by one
}

// makeInput makes records of 154.7 bytes in the mean: many are short, few long.
func makeInput(records int) *input {
	in := &input{}
	rng := rand.New(rand.NewPCG(1, 1))
	for in.records < records {
		var b batch
		for len(b.data) < 63<<10 && in.records < records {
			n := min(60+int(rng.ExpFloat64()*94.7), 1500)
			at := len(b.data)
			b.data = append(b.data, make([]byte, n)...)
			binary.LittleEndian.PutUint64(b.data[at:], rng.Uint64())
			b.sizes = append(b.sizes, uint32(n))
			in.records++
		}
		rest := b.data
		for _, n := range b.sizes {
			b.recs = append(b.recs, rest[:n:n])
			rest = rest[n:]
		}
		in.bytes += len(b.data)
		in.sum = crc32.Update(in.sum, crc32.IEEETable, b.data)
		in.batches = append(in.batches, b)
	}
	return in
}

const (
	syncBytes = 1 << 20

	spoolIndex, wlogIndex = 1, 2 // which of the systems they are
)

type result struct {
	kernel, durable, read []float64 // M records/s
	allocs                float64   // per record, of the write to the kernel, or of the only one there is
}

func main() {
	rounds := flag.Int("rounds", 5, "how often each system is measured")
	records := flag.Int("records", 1_000_000, "how many records")
	seed := flag.String("seed", "", "the script that measures async-append-only-log; default: it is left out")
	base := flag.String("dir", "", "where to write; default: a temporary directory")
	flag.Parse()
	if err := run(*rounds, *records, *base, *seed); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(rounds, records int, base, seed string) error {
	dir, err := os.MkdirTemp(base, "bench-spool-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	in := makeInput(records)
	systems := []*system{rawSystem(), spoolSystem(), wlogSystem(), tidwallSystem(), raftSystem(), bboltSystem()}
	if seed != "" {
		systems = append(systems, seedSystem(seed))
	}
	results := make([]result, len(systems))
	var syncs []time.Duration
	for round := range rounds {
		syncs = append(syncs, probe(dir)...)
		for i, sys := range systems {
			if err := measure(sys, in, dir, &results[i], round == 0); err != nil {
				return fmt.Errorf("%s: %w", sys.name, err)
			}
		}
	}
	report(systems, results, in, rounds, syncs)
	return nil
}

// measure takes one round of one system.
func measure(sys *system, in *input, base string, r *result, check bool) error {
	dir, err := os.MkdirTemp(base, "")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if sys.external != nil {
		wrote, read, err := sys.external(dir, in, check)
		if err != nil {
			return err
		}
		r.kernel = append(r.kernel, float64(in.records)/wrote/1e6)
		r.read = append(r.read, float64(in.records)/read/1e6)
		return nil
	}
	for _, sync := range []bool{true, false} {
		if !sync && sys.durableOnly {
			break
		}
		at := fmt.Sprintf("%s/%t", dir, sync)
		if err := os.Mkdir(at, 0o700); err != nil {
			return err
		}
		runtime.GC()
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		start := time.Now()
		if err := sys.write(at, in, sync); err != nil {
			return err
		}
		rate := float64(in.records) / time.Since(start).Seconds() / 1e6
		runtime.ReadMemStats(&after)
		if err := sys.finish(); err != nil {
			return err
		}
		if sync {
			r.durable = append(r.durable, rate)
			if !sys.durableOnly {
				continue
			}
		} else {
			r.kernel = append(r.kernel, rate)
		}
		r.allocs = float64(after.Mallocs-before.Mallocs) / float64(in.records)
		if check { // untimed: what comes out is what went in
			n, sum := 0, uint32(0)
			if err := sys.read(at, func() {}, func(rec []byte) { n++; sum = crc32.Update(sum, crc32.IEEETable, rec) }); err != nil {
				return err
			}
			if n != in.records || sum != in.sum {
				return fmt.Errorf("%d of %d records, sum %x of %x", n, in.records, sum, in.sum)
			}
		}
		n, first := 0, 0
		if err := sys.read(at, func() { start = time.Now() }, func(rec []byte) { n++; first += int(rec[0]) }); err != nil {
			return err
		}
		r.read = append(r.read, float64(n)/time.Since(start).Seconds()/1e6)
		if n != in.records {
			return fmt.Errorf("read %d of %d", n, in.records)
		}
	}
	return nil
}

// probe measures what a sync of 64 KiB costs here.
func probe(dir string) []time.Duration {
	f, err := os.CreateTemp(dir, "")
	if err != nil {
		return nil
	}
	defer os.Remove(f.Name())
	defer f.Close()
	var took []time.Duration
	b := make([]byte, 64<<10)
	for range 50 {
		start := time.Now()
		f.Write(b)
		f.Sync()
		took = append(took, time.Since(start))
	}
	return took
}

func median(v []float64) float64 {
	s := slices.Sorted(slices.Values(v))
	return s[len(s)/2]
}

// ratio is the median of a over b, round by round.
func ratio(a, b []float64) string {
	if len(a) == 0 || len(b) == 0 {
		return "-"
	}
	v := make([]float64, len(a))
	for i := range a {
		v[i] = a[i] / b[i]
	}
	return fmt.Sprintf("%.2f", median(v))
}

func report(systems []*system, results []result, in *input, rounds int, syncs []time.Duration) {
	fmt.Printf("%d records of %.1f bytes, %d rounds, %s %s/%s, %d CPUs; M records/s, median (least to most)\n\n",
		in.records, float64(in.bytes)/float64(in.records), rounds, runtime.Version(), runtime.GOOS, runtime.GOARCH, runtime.NumCPU())
	fmt.Println("| system | to the kernel | durable, a sync per MiB | read | allocs per record | |")
	fmt.Println("| --- | --- | --- | --- | --- | --- |")
	cell := func(v []float64) string {
		if len(v) == 0 {
			return "-"
		}
		return fmt.Sprintf("%.2f (%.2f to %.2f)", median(v), slices.Min(v), slices.Max(v))
	}
	for i, sys := range systems {
		r := results[i]
		allocs := fmt.Sprintf("%.3f", r.allocs)
		if sys.external != nil {
			allocs = "-"
		}
		fmt.Printf("| %s | %s | %s | %s | %s | %s |\n", sys.name, cell(r.kernel), cell(r.durable), cell(r.read), allocs, sys.note)
	}
	fmt.Printf("\nTimes %s in the same round, and the spool times each, median:\n\n", systems[wlogIndex].name)
	fmt.Println("| system | to the kernel | durable | read | spool: to the kernel | durable | read |")
	fmt.Println("| --- | --- | --- | --- | --- | --- | --- |")
	w, spool := results[wlogIndex], results[spoolIndex]
	for i, sys := range systems {
		r := results[i]
		fmt.Printf("| %s | %s | %s | %s | %s | %s | %s |\n", sys.name,
			ratio(r.kernel, w.kernel), ratio(r.durable, w.durable), ratio(r.read, w.read),
			ratio(spool.kernel, r.kernel), ratio(spool.durable, r.durable), ratio(spool.read, r.read))
	}
	slices.Sort(syncs)
	fmt.Printf("\nA write of 64 KiB and its fsync here: p50 %v, p99 %v.\n", syncs[len(syncs)/2], syncs[len(syncs)*99/100])
}
