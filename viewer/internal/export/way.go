package export

import (
	"context"
	"log/slog"
	"slices"

	"github.com/slogship/slogship"
)

// way is the Handler of a source, and which of its records are not settled yet. The
// cursor depends on it, so it asks the Handler and does not rely on OnDrop: that is
// not called for a record in a request that does not end in time.
type way struct {
	handler *slogship.Handler
	next    slogship.Mark // after the last record
	open    []open        // the oldest first; some of them are settled by now
	sweep   int           // length of open at which the settled ones are taken out
}

// open is a record between its marks.
type open struct {
	key      int64
	from, to slogship.Mark
}

// leastSweep keeps the cost of sweeps small while few records are held.
const leastSweep = 1024

func newWay(h *slogship.Handler) *way {
	return &way{handler: h, next: h.Mark(), sweep: leastSweep}
}

// take hands a record to the Handler.
func (w *way) take(ctx context.Context, key int64, rec slog.Record) error {
	if err := w.handler.Handle(ctx, rec); err != nil {
		return err
	}
	to := w.handler.Mark()
	w.open = append(w.open, open{key, w.next, to})
	w.next = to
	if len(w.open) >= w.sweep {
		w.forget()
		w.sweep = max(leastSweep, 2*len(w.open)) // a record is looked at twice, on average
	}
	return nil
}

// forget takes out what is settled.
func (w *way) forget() {
	w.open = slices.DeleteFunc(w.open, func(o open) bool { return w.handler.Settled(o.from, o.to) })
}

// unsent returns the lowest key of those that are not settled. After Shutdown it does
// not change any more.
func (w *way) unsent() (key int64, ok bool) {
	w.forget()
	if len(w.open) == 0 {
		return 0, false
	}
	return w.open[0].key, true
}
