package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/slogship/slogship/slogshiptest"
)

// A writer that never stops, whose file is renamed, truncated after a copy, and
// deleted, and a follower that is killed again and again: every line arrives, and
// by its id once.
//
//	SLOGSHIP_TEST_LINES=1000000 go test -run RotationAndKill -timeout 30m ./slogship
func TestRotationAndKill(t *testing.T) {
	t.Parallel()
	n := linesOf(t, 100_000)
	most := n / 3000 // kills
	s := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
	dir := t.TempDir()
	w := &writer{t: t, s: s, path: filepath.Join(dir, "app.log"), rotated: map[string][2]int{}}
	s.RejectRecords(w.note)
	w.open()

	stop := make(chan struct{})
	kills := make(chan int, 1)
	var said strings.Builder // by the processes that were killed
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the processes said:\n%s", said.String())
		}
	})
	go func() { // a process after the other
		killed := 0
		for {
			p := slogshipWith(t, s, "-state", filepath.Join(dir, "state"), "-follow", w.path, "-interval", "50ms")
			if err := p.Start(); err != nil {
				t.Error(err)
				break
			}
			var kill <-chan time.Time // nil at last: a slow machine might get nowhere between two kills
			if killed < most {
				kill = time.After(200*time.Millisecond + rand.N(time.Second))
			}
			select {
			case <-kill:
				if status := p.end(t, syscall.SIGKILL); status != -1 {
					t.Errorf("a process ended with %d before it was killed:\n%s", status, &p.stderr)
				}
				killed++
				said.WriteString(p.stderr.String())
				continue
			case <-stop:
			}
			if status := p.end(t, syscall.SIGTERM); status != 0 {
				t.Errorf("the last process ended with %d:\n%s", status, &p.stderr)
			}
			break
		}
		kills <- killed
	}()

	for w.next < n {
		for range 50 {
			w.line()
		}
		time.Sleep(time.Millisecond)
		w.rotate()
	}
	n = w.next
	arrived(t, s, n)
	close(stop)
	killed := <-kills
	once(t, s, n)
	t.Logf("%d lines; killed %d times; renamed %d, truncated %d, deleted %d times; %d records came again",
		n, killed, w.renamed, w.truncated, w.deleted, s.Duplicates())
	if killed == 0 || w.renamed+w.truncated == 0 {
		t.Error("nothing was killed, or nothing rotated")
	}
}

// writer writes numbered lines to a file that is rotated.
type writer struct {
	t    *testing.T
	s    *slogshiptest.Server
	path string
	f    *os.File
	next int

	lines   int // in the file; once all of them have arrived it has been found
	files   int
	rotated map[string][2]int // name -> its first line, and that after its last

	renamed, truncated, deleted int

	mu   sync.Mutex // guards seen
	seen []bool     // which lines have arrived
}

// note notes an arrival. It rejects nothing.
func (w *writer) note(r slogshiptest.Record) string {
	if i, err := strconv.Atoi(strings.TrimPrefix(r.Message, "line ")); err == nil {
		w.mu.Lock()
		defer w.mu.Unlock()
		for len(w.seen) <= i {
			w.seen = append(w.seen, false)
		}
		w.seen[i] = true
	}
	return ""
}

// arrived reports whether all of some lines have arrived.
func (w *writer) arrived(lines [2]int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen) >= lines[1] && !slices.Contains(w.seen[lines[0]:lines[1]], false)
}

func (w *writer) open() {
	f, err := os.OpenFile(w.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		w.t.Fatal(err)
	}
	w.f = f
}

// line writes a line, in two parts sometimes.
func (w *writer) line() {
	text := fmt.Sprintf(`{"level":"info","msg":"line %d"}`, w.next) + strings.Repeat(" ", w.next%40) + "\n"
	if w.next%97 == 0 {
		half := rand.IntN(len(text))
		w.f.WriteString(text[:half])
		text = text[half:]
	}
	if _, err := w.f.WriteString(text); err != nil {
		w.t.Fatal(err)
	}
	w.next++
	w.lines++
}

// rotate rotates now and then, but not before the follower has seen the file: one
// that comes and goes between two looks is not seen by anybody.
func (w *writer) rotate() {
	if w.lines < 2000 || w.s.Len() <= w.next-w.lines || rand.IntN(10) > 0 {
		return
	}
	w.files++
	first := w.next - w.lines
	name := fmt.Sprintf("%s.%d", w.path, w.files)
	if w.files%2 == 0 {
		w.truncated++
		w.copyTo(name)
		if err := w.f.Truncate(0); err != nil {
			w.t.Fatal(err)
		}
	} else {
		w.renamed++
		if err := os.Rename(w.path, name); err != nil {
			w.t.Fatal(err)
		}
		for range rand.IntN(100) { // the writer has not noticed yet
			w.line()
		}
		w.f.Close()
		w.open()
	}
	w.lines = 0
	w.rotated[name] = [2]int{first, w.next}
	for name, lines := range w.rotated {
		if w.arrived(lines) { // of it nothing is needed any more
			if err := os.Remove(name); err != nil {
				w.t.Fatal(err)
			}
			delete(w.rotated, name)
			w.deleted++
		}
	}
}

func (w *writer) copyTo(name string) {
	from, err := os.Open(w.path)
	if err != nil {
		w.t.Fatal(err)
	}
	defer from.Close()
	to, err := os.Create(name)
	if err != nil {
		w.t.Fatal(err)
	}
	defer to.Close()
	if _, err := io.Copy(to, from); err != nil {
		w.t.Fatal(err)
	}
}
