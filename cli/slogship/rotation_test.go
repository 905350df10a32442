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

// A writer whose file is renamed, truncated after a copy, and deleted, and a follower
// that is killed again and again, and stopped for moments as on a machine that is
// busy: every line arrives, and by its id once.
//
//	SLOGSHIP_TEST_LINES=1000000 go test -run RotationAndKill -timeout 30m ./slogship
func TestRotationAndKill(t *testing.T) {
	t.Parallel()
	n := linesOf(t, 100_000)
	s := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
	dir := t.TempDir()
	w := &writer{t: t, s: s, path: filepath.Join(dir, "app.log"), rotated: map[string][2]int{}}
	s.RejectRecords(w.note)
	w.open()
	l := &lives{t: t, s: s, most: n / 1000, end: make(chan syscall.Signal), ended: make(chan struct{})}
	l.args = []string{"-state", filepath.Join(dir, "state"), "-follow", w.path, "-interval", "50ms"}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the processes said:\n%s", l.said.String())
		}
	})
	go l.run()
	defer l.finish(syscall.SIGQUIT) // of no effect after a good end

	for w.next < n {
		w.wait(l, w.next-aheadLines)
		for range 50 {
			w.line()
		}
		time.Sleep(time.Millisecond)
		w.rotate()
	}
	w.wait(l, w.next)
	l.finish(syscall.SIGTERM)
	once(t, s, w.next)
	t.Logf("%d lines; killed %d times; renamed %d, truncated %d, deleted %d times; %d records came again",
		w.next, l.killed, w.renamed, w.truncated, w.deleted, s.Duplicates())
	if l.killed == 0 || w.renamed+w.truncated == 0 {
		t.Error("nothing was killed, or nothing rotated")
	}
}

// aheadLines is how many lines the writer is ahead of what has arrived, so that it
// rotates while processes are killed, and not before all that.
const aheadLines = 5000

// lives are those of processes, one after the other, of which most are killed.
type lives struct {
	t    *testing.T
	s    *slogshiptest.Server
	args []string
	most int // kills

	end   chan syscall.Signal // for the last process; it is not killed
	once  sync.Once           // of finish
	ended chan struct{}       // closed by run, which owns the rest until then

	killed int
	said   strings.Builder // by the processes that were killed
}

func (l *lives) run() {
	defer close(l.ended)
	for {
		p := slogshipWith(l.t, l.s, l.args...)
		if err := p.Start(); err != nil {
			l.t.Error(err)
			return
		}
		if !l.live(p) {
			return
		}
	}
}

// live has a process live, and reports whether it was killed. Each second one brings
// something before it is: a slow machine might get nowhere between two kills.
func (l *lives) live(p *process) (killed bool) {
	var kill <-chan time.Time // nil at last
	if l.killed < l.most {
		kill = time.After(rand.N(600 * time.Millisecond))
	}
	first := l.s.Len()
	pause := time.After(rand.N(50 * time.Millisecond)) // while it starts
	for {
		select {
		case <-pause:
			p.pause(rand.N(150 * time.Millisecond))
			pause = time.After(rand.N(time.Second))
		case <-kill:
			if l.killed%2 > 0 && l.s.Len() == first {
				kill = time.After(10 * time.Millisecond)
				continue
			}
			if status := p.end(l.t, syscall.SIGKILL); status != -1 {
				l.t.Errorf("a process ended with %d before it was killed:\n%s", status, &p.stderr)
			}
			l.killed++
			l.said.WriteString(p.stderr.String())
			return true
		case sig := <-l.end:
			status := p.end(l.t, sig)
			if status != 0 && (status != -1 || sig != syscall.SIGTERM) { // -1: it had hardly begun
				l.t.Errorf("the last process ended with %d:\n%s", status, &p.stderr)
			}
			return false
		}
	}
}

// finish ends the last process.
func (l *lives) finish(sig syscall.Signal) {
	l.once.Do(func() {
		select {
		case l.end <- sig:
			<-l.ended
		case <-l.ended:
		}
	})
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

// missing are the lines that have not arrived, but for those after the last one that
// has, as ranges.
func (w *writer) missing() (text string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for i := 0; i < len(w.seen); i++ {
		first := i
		for !w.seen[i] { // the last one was seen
			i++
		}
		if i > first {
			text += fmt.Sprintf(" %d-%d", first, i-1)
		}
	}
	return text
}

// wait waits until some records have arrived. When nothing comes any more it has the
// process say what it waits for.
func (w *writer) wait(l *lives, records int) {
	w.t.Helper()
	last, since := w.s.Len(), time.Now()
	for {
		got := w.s.Len()
		if got >= records {
			return
		}
		if got > last {
			last, since = got, time.Now()
		} else if time.Since(since) > time.Minute {
			l.finish(syscall.SIGQUIT)
			w.t.Fatalf("%d records arrived, want %d, after %d kills; missing are, before others that arrived:%s",
				got, records, l.killed, w.missing())
		}
		time.Sleep(5 * time.Millisecond)
	}
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
	if w.lines < 500 || w.s.Len() <= w.next-w.lines || rand.IntN(5) > 0 {
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
