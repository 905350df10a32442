// Measure fills a viewer and measures what it does: the figures of README.md.
//
//	go run ./measure -viewer .build/slogship-viewer -rows 8000000
//	go run ./measure -viewer .build/slogship-viewer -kill 20
//
// It talks to a real process over HTTP on loopback. Absolute figures do not
// transfer to other machines; ratios within one run mostly do.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

func main() {
	binary := flag.String("viewer", ".build/slogship-viewer", "the program to measure")
	rows := flag.Int("rows", 1_000_000, "how many records, in the end; all questions are asked at half of them, too; 0: those of -dir")
	kills := flag.Int("kill", 0, "instead: kill -9 so often while records come in, and count what is there in the end")
	spans := flag.Int("spans", -1, "how many spans, in a database of their own, -dir with -spans after it; -1: as many as records; 0: none, or those that are there")
	dir := flag.String("dir", "", "where the database is put; empty: a temporary directory")
	flag.Parse()
	var err error
	if *kills > 0 {
		err = killLoop(*binary, *kills)
	} else {
		err = figures(*binary, *dir, *rows)
		if *spans < 0 {
			*spans = *rows
		}
		if err == nil {
			err = figuresOfSpans(*binary, *dir, *spans)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "measure:", err)
		os.Exit(1)
	}
}

func figures(binary, dir string, rows int) (err error) {
	if dir == "" {
		if dir, err = os.MkdirTemp("", "viewer-measure-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	v, err := startViewer(binary, dir, "-max-bytes", "100000000000", "-max-age", "8760h")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.stop(os.Interrupt)) }()
	if rows == 0 {
		return errors.Join(ask(v), agents(v), exports(v))
	}
	g := newGenerator(rows)
	for _, part := range []int{rows / 2, rows - rows/2} {
		took, latencies, err := ingest(v, g, part, 4)
		if err != nil {
			return err
		}
		fmt.Printf("\n## %d rows\n\n", g.made.Load())
		fmt.Printf("ingest            %8.0f records/s, batches of %d: p50 %v, p99 %v\n", float64(part)/took.Seconds(), batchSize,
			quantile(latencies, 0.5), quantile(latencies, 0.99))
		if err := ask(v); err != nil {
			return err
		}
	}
	if err := errors.Join(agents(v), exports(v), beside(v, g)); err != nil {
		return err
	}
	return v.sizes(dir, int(g.made.Load()))
}

func figuresOfSpans(binary, dir string, n int) (err error) {
	if dir != "" {
		dir += "-spans"
	} else {
		if dir, err = os.MkdirTemp("", "viewer-measure-"); err != nil {
			return err
		}
		defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	}
	v, err := startViewer(binary, dir, "-max-bytes", "100000000000", "-max-age", "8760h")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, v.stop(os.Interrupt)) }()
	return traces(v, n)
}

// ingest posts records by several senders at once, and returns how long each
// batch waited for its answer. The bodies are made before the clock runs: senders
// have cores of their own.
func ingest(v *process, g *generator, rows, senders int) (took time.Duration, latencies []time.Duration, err error) {
	bodies := make(chan []byte, (rows+batchSize-1)/batchSize)
	for made := 0; made < rows; made += batchSize {
		bodies <- g.batch(min(batchSize, rows-made))
	}
	close(bodies)
	var mu sync.Mutex // guards latencies and err
	var wg sync.WaitGroup
	start := time.Now()
	for range senders {
		wg.Go(func() {
			for body := range bodies {
				at := time.Now()
				e := v.post("/logs?source="+g.source(), body)
				mu.Lock()
				latencies, err = append(latencies, time.Since(at)), errors.Join(err, e)
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	return time.Since(start), latencies, err
}

// ask measures each question of a page.
func ask(v *process) error {
	middle, err := v.middle()
	if err != nil {
		return err
	}
	return askAll(v, []question{
		{"latest 100", "/api/logs?limit=100", 100},
		{"a page in the middle", fmt.Sprintf("/api/logs?limit=100&cursor=%d", middle), 100},
		{"the oldest page", fmt.Sprintf("/api/logs?limit=100&order=asc&cursor=%d", 1), 100},
		{"source filter", "/api/logs?limit=100&q=source:svc3", 100},
		{"level>=warn", "/api/logs?limit=100&q=level%3E%3Dwarn", 100},
		{"level>=error source:svc3", "/api/logs?limit=100&q=level%3E%3Derror+source:svc3", 100},
		{"histogram over all", "/api/histogram?bars=120", 30},
		{"histogram of errors", "/api/histogram?bars=120&q=level%3E%3Derror", 30},
		{"messages over all", "/api/templates", 30},
		{"a rare word over all", "/api/logs?q=needle", 10},
		{"a rare attribute over all", "/api/logs?q=request.id:r77", 10},
		{"the page's document", "/", 100},
	})
}

type question struct {
	what, path string
	times      int
}

func askAll(v *process, questions []question) error {
	for _, q := range questions {
		if err := timed(q.what, q.times, func() error { return v.get(q.path, nil) }); err != nil {
			return err
		}
	}
	return nil
}

// timed does something so often, and prints how long it took.
func timed(what string, times int, fn func() error) error {
	var took []time.Duration
	for range times {
		start := time.Now()
		if err := fn(); err != nil {
			return err
		}
		took = append(took, time.Since(start))
	}
	fmt.Printf("%-26s p50 %-10v p95 %v\n", what, quantile(took, 0.5), quantile(took, 0.95))
	return nil
}

// beside measures what readers cost writers: single posts while heavy queries
// run, and ingest while four do.
func beside(v *process, g *generator) error {
	fmt.Printf("\n## beside heavy queries\n\n")
	single := func() (time.Duration, error) {
		var took []time.Duration
		for range 200 {
			start := time.Now()
			if err := v.post("/logs?source=single", g.batch(1)); err != nil {
				return 0, err
			}
			took = append(took, time.Since(start))
		}
		return quantile(took, 0.5), nil
	}
	rate := func() (float64, error) {
		const rows = 200_000
		took, _, err := ingest(v, g, rows, 4)
		return rows / took.Seconds(), err
	}
	alone, err := single()
	if err != nil {
		return err
	}
	var busy time.Duration
	if err := during(v, 1, func() (err error) { busy, err = single(); return err }); err != nil {
		return err
	}
	fmt.Printf("single POST, p50          alone %v, beside one heavy query %v: %.2f\n", alone, busy, float64(busy)/float64(alone))
	fast, err := rate()
	if err != nil {
		return err
	}
	var slow float64
	if err := during(v, 4, func() (err error) { slow, err = rate(); return err }); err != nil {
		return err
	}
	fmt.Printf("ingest, records/s         alone %.0f, beside four %.0f: %.2f\n", fast, slow, slow/fast)
	return nil
}

// during runs fn while n loops ask for what no index answers.
func during(v *process, n int, fn func() error) error {
	ctx, stop := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	var asked atomic.Int64
	for range n {
		wg.Go(func() {
			cursor := ""
			for ctx.Err() == nil {
				var page struct{ Next string }
				_ = v.get("/api/logs?q=latency_ms%3E9999999+-zzz&cursor="+cursor, &page) // its cost is what is measured
				cursor = page.Next
				asked.Add(1)
			}
		})
	}
	time.Sleep(200 * time.Millisecond) // until they are under way
	err := fn()
	stop()
	wg.Wait()
	return err
}

func quantile(list []time.Duration, q float64) time.Duration {
	if len(list) == 0 {
		return 0
	}
	list = slices.Sorted(slices.Values(list))
	return list[min(int(q*float64(len(list))), len(list)-1)].Round(10 * time.Microsecond)
}

func field(text, name string) string {
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			return strings.TrimSpace(rest)
		}
	}
	return ""
}
