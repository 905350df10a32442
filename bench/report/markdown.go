package report

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
)

// Write writes results.json, RESULTS.md and plots/ into dir.
func Write(dir string, r *Results) error {
	if err := r.Save(dir); err != nil {
		return err
	}
	if err := plots(filepath.Join(dir, "plots"), r); err != nil {
		return err
	}
	var d doc
	d.head(r)
	d.targets(r)
	d.enqueue(r)
	d.throughput(r)
	d.outage(r)
	d.writers(r)
	d.distance(r)
	d.defaults(r)
	d.thousand(r)
	d.settings(r)
	return os.WriteFile(filepath.Join(dir, "RESULTS.md"), bytes.TrimLeft(d.Bytes(), "\n"), 0o644)
}

// doc is the report while it is written.
type doc struct{ bytes.Buffer }

func (d *doc) say(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

func (d *doc) table(head []string, rows [][]string) {
	d.say("\n| %s |", strings.Join(head, " | "))
	d.say("|%s", strings.Repeat(" --- |", len(head)))
	for _, r := range rows {
		d.say("| %s |", strings.Join(r, " | "))
	}
}

// plot shows a chart, for a dark page its dark version.
func (d *doc) plot(name, what string) {
	d.say("\n<picture><source media=\"(prefers-color-scheme: dark)\" srcset=\"plots/%s-dark.svg\">"+
		"<img src=\"plots/%s.svg\" alt=\"%s\"></picture>", name, name, what)
}

func (d *doc) section(r *Results, table int, title string) bool {
	run, ok := r.Runs[table]
	if !ok {
		return false
	}
	d.say("\n## %d. %s", table, title)
	if run.Quick {
		d.say("\n**From a quick run: a rough picture only.**")
	}
	if run != r.latest() {
		d.say("\nMeasured %s by `%s`.", run.Date, run.Command)
	}
	return true
}

// latest is the newest run among the tables'.
func (r *Results) latest() Run {
	var l Run
	for _, run := range r.Runs {
		if run.Date > l.Date {
			l = run
		}
	}
	return l
}

func (d *doc) head(r *Results) {
	l := r.latest()
	d.say("# The peers side by side")
	d.say("\nMeasured %s on %d cores of %s, %s, %s, %s, by", l.Date, r.Machine.Cores, r.Machine.CPU, r.Machine.Memory, r.Machine.Kernel, r.Machine.Go)
	d.say("\n    %s", l.Command)
	d.say("\nwhich writes this page, the plots and [results.json](results.json) (every sample). All peers are given the same\n" +
		"records, a message and five scalar attributes through slog.Logger, and ship them to a receiver in another process\n" +
		"on loopback, which checks and counts what arrives. Figures are medians; ± is half of (max - min) / median. A ratio is\n" +
		"taken within each round of measurements, in which what it compares ran within seconds; it is the median of the rounds.\n" +
		"What the tables mean and which traps they avoid: [README.md](README.md). How each peer is set up:\n" +
		"[at the end](#how-each-peer-is-set-up).")
}

func title(name string) string {
	p, ok := peers.Find(name)
	if !ok {
		return name
	}
	if p.Name == "slogship" {
		return "**slogship**"
	}
	return p.Title
}

// order is where a peer stands in the report.
func order(name string) int {
	all := append(peers.All(), peers.Ceilings()...)
	return slices.IndexFunc(all, func(p peers.Peer) bool { return p.Name == name })
}

// group is the samples of one row.
type group[K comparable, T any] struct {
	key     K
	samples []T
}

// groups gathers samples by key, in the order of the first of each.
func groups[K comparable, T any](samples []T, key func(T) K) []group[K, T] {
	var gs []group[K, T]
	for _, s := range samples {
		k := key(s)
		i := slices.IndexFunc(gs, func(g group[K, T]) bool { return g.key == k })
		if i < 0 {
			gs = append(gs, group[K, T]{key: k})
			i = len(gs) - 1
		}
		gs[i].samples = append(gs[i].samples, s)
	}
	return gs
}

func values[T any](samples []T, f func(T) float64) []float64 {
	vs := make([]float64, len(samples))
	for i, s := range samples {
		vs[i] = f(s)
	}
	return vs
}

// median returns the median of f and, of several samples, the spread.
func median[T any](samples []T, f func(T) float64) (m float64, spread string) {
	vs := values(samples, f)
	m = measure.Median(vs)
	if len(vs) > 1 && m > 0 {
		spread = fmt.Sprintf(" ±%.0f %%", 50*measure.Spread(vs))
	}
	return m, spread
}

func descending[T any](rows []T, f func(T) float64) {
	slices.SortStableFunc(rows, func(a, b T) int { return cmp.Compare(f(b), f(a)) })
}

func ascending[T any](rows []T, f func(T) float64) {
	slices.SortStableFunc(rows, func(a, b T) int { return cmp.Compare(f(a), f(b)) })
}

// thousands writes 1234567 as 1,234,567.
func thousands(f float64) string {
	s := fmt.Sprintf("%.0f", f)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

func mib(b float64) string { return fmt.Sprintf("%.0f MiB", b/(1<<20)) }

func short(t time.Duration) string {
	switch {
	case t < time.Microsecond:
		return fmt.Sprintf("%d ns", t.Nanoseconds())
	case t < time.Millisecond:
		return fmt.Sprintf("%.1f µs", float64(t)/1e3)
	case t < time.Second:
		return fmt.Sprintf("%.1f ms", float64(t)/1e6)
	}
	return fmt.Sprintf("%.1f s", t.Seconds())
}

func percent(part, whole int) string {
	switch {
	case whole == 0:
		return "-"
	case part == whole:
		return "100 %"
	}
	return fmt.Sprintf("%.1f %%", 100*float64(part)/float64(whole))
}

// settings says how each peer was set up.
func (d *doc) settings(r *Results) {
	d.say("\n## How each peer is set up")
	d.say("\nAs well as its own documentation allows: tables 1 to 5 and 7. As its README, or else its package example, has it: table 6.")
	var rows [][]string
	for _, p := range append(peers.All(), peers.Ceilings()...) {
		var vs []string
		for _, m := range p.Modules {
			vs = append(vs, m+" "+r.Versions[m])
		}
		rows = append(rows, []string{p.Title, strings.Join(vs, "<br>"), p.Settings, p.Defaults})
	}
	d.table([]string{"peer", "versions", "as well as it can be", "as its README has it"}, rows)
	d.say("\nThe queue's bound is %s records, and %s in an outage (table 3). Processes run with Go's default GOGC and GOMAXPROCS.",
		thousands(measure.Queue), thousands(measure.OutageQueue))
}
