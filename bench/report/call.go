package report

import (
	"fmt"
	"slices"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/records"
)

type enqueueKey struct{ peer, variant string }

func enqueueOf(e measure.Enqueue) enqueueKey { return enqueueKey{e.Peer, e.Variant} }

func (d *doc) enqueue(r *Results) {
	if !d.section(r, 1, "What a call costs the caller") {
		return
	}
	d.say("\nOne goroutine logs without a pause; the backend is healthy. B and allocs are the whole process's, its sending" +
		"\nincluded, until the last call returned. Peers that block when their queue is full show the time they blocked for.")
	d.plot("enqueue", "ns per record on the caller")
	type line struct {
		ns    float64
		cells []string
	}
	var lines []line
	for _, g := range groups(r.Throughput, rowOf) {
		if !plain(g.key) {
			continue
		}
		ns, spread := median(g.samples, measure.Throughput.EnqueueNS)
		b, _ := median(g.samples, func(t measure.Throughput) float64 { return t.LogBytes })
		a, _ := median(g.samples, func(t measure.Throughput) float64 { return t.LogAllocs })
		lines = append(lines, line{ns, []string{title(g.key.peer), thousands(ns) + spread, fmt.Sprintf("%.0f", b), fmt.Sprintf("%.2f", a)}})
	}
	for _, g := range groups(r.Enqueue, enqueueOf) {
		if ships(g.key.peer) || g.key.variant != measure.Plain {
			continue
		}
		ns, spread := median(g.samples, callNS)
		b, _ := median(g.samples, func(e measure.Enqueue) float64 { return e.Bytes })
		a, _ := median(g.samples, func(e measure.Enqueue) float64 { return e.Allocs })
		lines = append(lines, line{ns, []string{"*" + title(g.key.peer) + "*", thousands(ns) + spread, fmt.Sprintf("%.0f", b), fmt.Sprintf("%.2f", a)}})
	}
	ascending(lines, func(l line) float64 { return l.ns })
	d.table([]string{"peer (*in-process ceiling*)", "ns a record", "B", "allocs"}, column(lines, func(l line) []string { return l.cells }))
	d.shapes(r)
	d.formats(r)
	d.pending(r)
}

// shapes compares handlers call by call, inside one process.
func (d *doc) shapes(r *Results) {
	if len(r.Beside) == 0 {
		return
	}
	d.say("\nBy what is logged, ns a call and its ratio to phuslu/log's in the same round: all handlers in one process, in turns of"+
		"\na few milliseconds; slogship's ring of %s is full and its backend hangs. The last shapes are those of the benchmark of"+
		"\nslog handlers at github.com/madkins23/go-slog; the big group is 63 groups with three attributes each.", thousands(measure.OutageQueue))
	handlers := []string{measure.HandlerFull, "phuslu", "slogjson", "zerolog", "zap"}
	head := []string{"what is logged"}
	for _, h := range handlers {
		head = append(head, title(h))
	}
	var rows [][]string
	for _, s := range records.Shapes() {
		row := []string{s.Name}
		for _, h := range handlers {
			row = append(row, besideCell(r.beside(s.Name, h), r.beside(s.Name, "phuslu")))
		}
		rows = append(rows, row)
	}
	d.table(append(head, "slogship's allocs"), appendAllocs(rows, r))

	five := r.beside(records.Five, measure.HandlerFull)
	rows = nil
	for _, l := range []struct{ what, handler string }{
		{"the same five attributes, the backend takes everything at once", measure.HandlerIdle},
		{"with the call site (AddSource)", measure.HandlerSource},
		{"a fresh handler, its ring of a million records still growing", measure.HandlerFresh},
	} {
		rows = append(rows, []string{l.what, besideCell(r.beside(records.Five, l.handler), five)})
	}
	d.say("\nslogship beside itself, the ratio to the ring that is full:")
	d.table([]string{"slogship", "ns a call"}, rows)
}

func besideCell(a, b series) string {
	c := compare(a, b)
	if len(c.rounds) == 0 {
		return "-"
	}
	return fmt.Sprintf("%s, %.2f x", thousands(c.a), c.median())
}

// appendAllocs adds what slogship allocates a call to the rows of shapes.
func appendAllocs(rows [][]string, r *Results) [][]string {
	for i, s := range records.Shapes() {
		of := slices.DeleteFunc(slices.Clone(r.Beside), func(b measure.Beside) bool {
			return b.Shape != s.Name || b.Handler != measure.HandlerFull
		})
		a, _ := median(of, func(b measure.Beside) float64 { return b.Allocs })
		rows[i] = append(rows[i], fmt.Sprintf("%.2f", a))
	}
	return rows
}

// formats compares slogship's formats.
func (d *doc) formats(r *Results) {
	if len(r.Formats) == 0 {
		return
	}
	d.say("\nBy slogship's format, each as a ratio to Logflare's in the same round: what a call takes, and the CPU time in which" +
		"\na record is delivered afterwards, uncompressed, in requests of 1,000, to a backend inside the process that reads the" +
		"\nbody and takes it: decoding, encoding, and net/http's share. To encode alone is BenchmarkAppendEvent in formats/.")
	var rows [][]string
	for _, g := range groups(r.Formats, func(f measure.PerFormat) string { return f.Format }) {
		call := compare(r.format(g.key, formatCall), r.format(measure.FormatLogflare, formatCall))
		encode := compare(r.format(g.key, formatEncode), r.format(measure.FormatLogflare, formatEncode))
		rows = append(rows, []string{g.key, thousands(call.a), call.String(), thousands(encode.a), encode.String()})
	}
	d.table([]string{"format", "ns a call", "ratio", "CPU ns a record delivered", "ratio"}, rows)
}

// pending says what waiting records cost in memory.
func (d *doc) pending(r *Results) {
	var rows [][]string
	for _, p := range peers.All() {
		more := r.pendingBytes(p.Name)
		if len(more) == 0 {
			continue
		}
		of := slices.DeleteFunc(slices.Clone(r.Enqueue), func(e measure.Enqueue) bool {
			return e.Peer != p.Name || e.Variant != measure.Full
		})
		held, _ := median(of, func(e measure.Enqueue) float64 { return float64(e.Held) })
		objects, _ := median(of, func(e measure.Enqueue) float64 { return float64(e.Objects) })
		gc, _ := median(of, func(e measure.Enqueue) float64 { return float64(e.GC) / 1e3 })
		ns, spread := median(of, callNS)
		rows = append(rows, []string{
			title(p.Name), thousands(more.median()) + " B", mib(held), thousands(objects), thousands(gc) + " µs", thousands(ns) + spread,
		})
	}
	if len(rows) == 0 {
		return
	}
	d.say("\nMemory while the backend hangs and the queue of %s is full: a pending record is what one more costs (a queue of"+
		"\ntwice the bound less this one); the heap also holds what is in flight.", thousands(measure.OutageQueue))
	d.table([]string{"peer", "a pending record", "heap", "objects", "a full garbage collection", "ns a call"}, rows)
}
