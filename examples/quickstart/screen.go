package main

import (
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/slogship/slogship"
)

// A screen shows what happens. On a terminal the last line is the current
// state, and changes in place; elsewhere each state is a line of its own.
type screen struct {
	live  bool
	every time.Duration // between two states
	start time.Time

	mu sync.Mutex // guards what follows, because events come from several goroutines
	w  io.Writer
}

// eraseLine returns to the beginning of the line and clears it, on a terminal.
const eraseLine = "\r\x1b[K"

func newScreen(f *os.File) *screen {
	info, err := f.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	return newScreenOn(f, terminal)
}

func newScreenOn(w io.Writer, terminal bool) *screen {
	s := &screen{w: w, live: terminal, every: time.Second, start: time.Now()}
	if terminal {
		s.every = 100 * time.Millisecond
	}
	return s
}

// event prints a line that stays.
func (s *screen) event(format string, args ...any) {
	s.print(format+"\n", args...)
}

// state shows the counters of st.
func (s *screen) state(st *slogship.Stats) {
	format := "accepted %d, delivered %d, held %d, dropped %d"
	if st.LastError != nil {
		format += ", failing"
	}
	if !s.live {
		format += "\n"
	}
	s.print(format, st.Accepted, st.Delivered, st.Pending+st.InFlight+st.Spooled, st.Dropped.Total())
}

func (s *screen) print(format string, args ...any) {
	s.write(fmt.Sprintf("%5.1f s  ", time.Since(s.start).Seconds()) + fmt.Sprintf(format, args...))
}

// write replaces the state, if one is on the screen, by text.
func (s *screen) write(text string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live {
		text = eraseLine + text
	}
	_, _ = io.WriteString(s.w, text) // who does not look cannot be told
}

// books checks a handler's Stats again and again, and shows them.
type books struct {
	handler *slogship.Handler
	quit    chan struct{} // closed by stop
	done    chan struct{} // closed by run at its end

	wrong error // the first snapshot that did not balance; owned by run until done
}

// watchBooks shows the Stats of h on out until stop.
func watchBooks(h *slogship.Handler, out *screen) *books {
	b := &books{handler: h, quit: make(chan struct{}), done: make(chan struct{})}
	go b.run(out)
	return b
}

func (b *books) run(out *screen) {
	defer close(b.done)
	ticker := time.NewTicker(out.every)
	defer ticker.Stop()
	for {
		select {
		case <-b.quit:
			return
		case <-ticker.C:
		}
		st := b.handler.Stats()
		b.check(&st)
		out.state(&st)
	}
}

func (b *books) check(st *slogship.Stats) {
	known := st.Delivered + st.Dropped.Total() + st.Pending + st.InFlight + st.Spooled
	if b.wrong == nil && st.Accepted != known {
		b.wrong = fmt.Errorf("%d records accepted, %d accounted for", st.Accepted, known)
	}
}

// stop ends the watching, and returns an error if Stats did not balance once.
func (b *books) stop() error {
	close(b.quit)
	<-b.done
	st := b.handler.Stats()
	b.check(&st)
	return b.wrong
}
