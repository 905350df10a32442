package command

import (
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

const (
	progressTerminal = 500 * time.Millisecond
	progressPlain    = time.Minute
)

// showProgress writes a line now and then, over the one before on a terminal. It
// ends with the shipper.
func (s *shipper) showProgress() {
	terminal := isTerminal(s.c.env.Stderr)
	every := s.c.progress
	if every < 0 {
		every = progressPlain
		if terminal {
			every = progressTerminal
		}
	}
	if every == 0 || s.c.quiet || s.c.dryRun {
		return
	}
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	before := s.h.Stats()
	beforeRead := s.read.Load()
	width := 0
	for {
		select {
		case <-s.done:
			if terminal && width > 0 {
				s.c.env.say("\r%s\r", strings.Repeat(" ", width))
			}
			return
		case <-ticker.C:
		}
		now, read := s.h.Stats(), s.read.Load()
		text := progressText(before, now, read-beforeRead, every)
		if s.lag != nil {
			if bytes, files := s.lag(); bytes > 0 {
				text += fmt.Sprintf(", %s in %d files not acknowledged", size(bytes), files)
			}
		}
		before, beforeRead = now, read
		if terminal {
			s.c.env.say("\r%-*s", width, text)
			width = len(text)
		} else {
			s.c.env.say("slogship: %s\n", text)
		}
	}
}

func progressText(before, now slogship.Stats, read int64, every time.Duration) string {
	rate := float64(now.Accepted-before.Accepted) / every.Seconds()
	text := fmt.Sprintf("%.0f lines/s, %s/s, %d delivered, %d held", rate, size(int64(float64(read)/every.Seconds())),
		now.Delivered, now.Pending+now.InFlight+now.Spooled)
	if now.Spooled > 0 {
		text += fmt.Sprintf(", %d of them on disk", now.Spooled)
	}
	if n := now.Dropped.Total(); n > 0 {
		text += fmt.Sprintf(", %d dropped (%v)", n, now.Dropped)
	}
	if now.LastError != nil {
		text += ", failing for " + time.Since(now.FailingSince).Round(time.Second).String()
	}
	return text
}

func summary(s slogship.Stats) string {
	text := fmt.Sprintf("%d delivered", s.Delivered)
	if s.Dropped.Total() > 0 {
		text += fmt.Sprintf(", %d dropped (%v)", s.Dropped.Total(), s.Dropped)
	}
	return text
}

// size is a number of bytes for people.
func size(n int64) string {
	switch {
	case n < 10_000:
		return fmt.Sprintf("%d B", n)
	case n < 10_000_000:
		return fmt.Sprintf("%d kB", n/1000)
	}
	return fmt.Sprintf("%d MB", n/1_000_000)
}

// isTerminal reports whether w is a device that one could look at.
func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	if !ok {
		return false
	}
	info, err := f.Stat()
	if err != nil || info.Mode()&os.ModeCharDevice == 0 {
		return false
	}
	null, err := os.Stat(os.DevNull)
	return err != nil || !os.SameFile(info, null)
}
