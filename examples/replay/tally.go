package main

import (
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

// levels are those that recognise gives.
var levels = [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

// A tally is what became of the lines of one file, or of several.
type tally struct {
	lines, bytes int                // read
	timed        int                // lines with a time of their own
	first, last  time.Time          // the earliest and the latest of these
	levels       map[slog.Level]int // of all lines
	took         time.Duration      // reading, logging and waiting

	// From the handler's Stats.
	delivered, cut, retries int64
	dropped                 slogship.Dropped
	encoded, sent           int64 // bytes of request bodies, before and after compression

	compared bool  // with what the receiver has
	mistakes int   // lines that arrived wrong, or not, or were never sent
	mistaken error // the first of them
}

// note counts a line that was read.
func (t *tally) note(line sentLine) {
	t.lines++
	t.bytes += len(line.text)
	if t.levels == nil {
		t.levels = map[slog.Level]int{}
	}
	t.levels[line.entry.level]++
	if at := line.entry.time; !at.IsZero() {
		t.timed++
		t.spread(at)
	}
}

// spread widens the range of times to one that is not zero. Lines need not be in
// the order of their times, nor files in that of theirs.
func (t *tally) spread(at time.Time) {
	if t.first.IsZero() || at.Before(t.first) {
		t.first = at
	}
	if t.last.IsZero() || at.After(t.last) {
		t.last = at
	}
}

// books notes what the handler did between two looks at its Stats.
func (t *tally) books(before, after slogship.Stats) {
	t.delivered = after.Delivered - before.Delivered
	t.cut = after.Cut - before.Cut
	t.retries = after.Retries - before.Retries
	t.encoded = after.BytesEncoded - before.BytesEncoded
	t.sent = after.BytesSent - before.BytesSent
	t.dropped = sum(after.Dropped, before.Dropped, -1)
}

// sum is a + sign*b.
func sum(a, b slogship.Dropped, sign int64) slogship.Dropped {
	return slogship.Dropped{
		Overflow:  a.Overflow + sign*b.Overflow,
		Rejected:  a.Rejected + sign*b.Rejected,
		TooLarge:  a.TooLarge + sign*b.TooLarge,
		Discarded: a.Discarded + sign*b.Discarded,
		Closed:    a.Closed + sign*b.Closed,
		Shutdown:  a.Shutdown + sign*b.Shutdown,
	}
}

func (t *tally) mistake(err error) {
	if t.mistakes++; t.mistakes == 1 {
		t.mistaken = err
	}
}

// add adds the tally of another file.
func (t *tally) add(o *tally) {
	if t.levels == nil {
		t.levels = map[slog.Level]int{}
	}
	for level, n := range o.levels {
		t.levels[level] += n
	}
	if o.timed > 0 {
		t.spread(o.first)
		t.spread(o.last)
	}
	t.lines += o.lines
	t.bytes += o.bytes
	t.timed += o.timed
	t.took += o.took
	t.delivered += o.delivered
	t.cut += o.cut
	t.retries += o.retries
	t.dropped = sum(t.dropped, o.dropped, 1)
	t.encoded += o.encoded
	t.sent += o.sent
	t.compared = t.compared || o.compared
	t.mistakes += o.mistakes
	if t.mistaken == nil {
		t.mistaken = o.mistaken
	}
}

// lost reports whether a line did not arrive as it was sent.
func (t *tally) lost() bool { return t.delivered != int64(t.lines) || t.mistakes > 0 }

// lines is a count of lines.
func lines(n int) string {
	if n == 1 {
		return "1 line"
	}
	return fmt.Sprintf("%d lines", n)
}

// String is the report.
func (t *tally) String() string {
	var b strings.Builder
	row := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "  %-9s "+format+"\n", append([]any{name}, args...)...)
	}
	row("lines", "%d read, %d delivered, %d dropped (%v), %d cut", t.lines, t.delivered, t.dropped.Total(), t.dropped, t.cut)
	var counts []string
	for _, level := range levels {
		counts = append(counts, fmt.Sprintf("%s %d", strings.ToLower(level.String()), t.levels[level]))
	}
	row("levels", "%s", strings.Join(counts, ", "))
	if t.timed > 0 {
		const layout = "2006-01-02 15:04:05.000 MST"
		row("times", "%s to %s, on %s", t.first.Format(layout), t.last.Format(layout), lines(t.timed))
	} else {
		row("times", "on no line")
	}
	if t.took > 0 {
		row("speed", "%.0f lines/s: %s in %v, retries: %d", float64(t.lines)/t.took.Seconds(), lines(t.lines), t.took.Round(10*time.Microsecond), t.retries)
	}
	row("bytes", "%d of text; sent: %d before compression, %d after it", t.bytes, t.encoded, t.sent)
	switch {
	case t.mistakes > 0:
		row("compared", "MISTAKES: %d, the first: %v", t.mistakes, t.mistaken)
	case t.compared:
		row("compared", "all lines arrived as they were sent, in order")
	}
	return b.String()
}
