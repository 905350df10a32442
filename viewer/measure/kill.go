package main

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"sync"
	"time"
)

// killLoop kills the viewer again and again while records come in. A batch whose
// answer was lost is sent again with the same ids, as slogship does. In the end
// each record that was acknowledged is there, and none twice.
func killLoop(binary string, kills int) (err error) {
	dir, err := os.MkdirTemp("", "viewer-kill-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	prefix := fmt.Sprintf("%016x%016x", rand.Uint64(), rand.Uint64())
	next := 0
	acknowledged := map[int]bool{}
	var pending [][2]int // batches without an answer: first and last
	for round := range kills {
		v, err := startViewer(binary, dir)
		if err != nil {
			return fmt.Errorf("after %d kills: %w", round, err)
		}
		var mu sync.Mutex // guards pending, next, acknowledged
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for {
					mu.Lock()
					var b [2]int
					if len(pending) > 0 {
						b, pending = pending[0], pending[1:]
					} else {
						n := 1 + rand.IntN(500)
						b, next = [2]int{next, next + n}, next+n
					}
					mu.Unlock()
					err := v.post("/logs?source=kill", numbered(prefix, b))
					mu.Lock()
					if err != nil {
						pending = append(pending, b)
						mu.Unlock()
						return
					}
					for i := b[0]; i < b[1]; i++ {
						acknowledged[i] = true
					}
					mu.Unlock()
				}
			})
		}
		time.Sleep(time.Duration(300+rand.IntN(700)) * time.Millisecond)
		if err := v.stop(os.Kill); err != nil {
			return err
		}
		wg.Wait()
	}
	v, err := startViewer(binary, dir)
	if err != nil {
		return err
	}
	for _, b := range pending {
		if err := v.post("/logs?source=kill", numbered(prefix, b)); err != nil {
			return err
		}
		for i := b[0]; i < b[1]; i++ {
			acknowledged[i] = true
		}
	}
	times := map[int]int{}
	for cursor := ""; ; {
		var page struct {
			Records []struct{ Msg string }
			Next    string
		}
		if err := v.get("/api/logs?limit=1000&cursor="+cursor, &page); err != nil {
			return err
		}
		for _, r := range page.Records {
			times[number(r.Msg)]++
		}
		if cursor = page.Next; cursor == "" {
			break
		}
	}
	lost, doubled := 0, 0
	for i := range acknowledged {
		if times[i] == 0 {
			lost++
		}
	}
	for _, n := range times {
		if n > 1 {
			doubled++
		}
	}
	fmt.Printf("%d kills, %d records acknowledged, %d kept: %d lost, %d doubled\n", kills, len(acknowledged), len(times), lost, doubled)
	if lost+doubled > 0 {
		return errors.Join(errors.New("the promise is broken"), v.stop(os.Interrupt))
	}
	return v.stop(os.Interrupt)
}

// numbered is a batch whose messages are their numbers.
func numbered(prefix string, b [2]int) []byte {
	var out bytes.Buffer
	fmt.Fprint(&out, `{"batch":[`)
	for i := b[0]; i < b[1]; i++ {
		if i > b[0] {
			fmt.Fprint(&out, ",")
		}
		fmt.Fprintf(&out, `{"id":"%s%016x","timestamp":%q,"message":"n%d","metadata":{"level":"info"}}`, prefix, i, time.Now().UTC().Format(time.RFC3339Nano), i)
	}
	fmt.Fprint(&out, "]}")
	return gzipped(out.Bytes())
}
