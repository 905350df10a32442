package api

import (
	"encoding/json"
	"fmt"
	"net/http"
	"time"
)

// Bounds of a live tail: what a person can look at. The rest is counted.
const (
	tailEvery  = 100 * time.Millisecond
	tailAtOnce = 100
)

// tail sends what is committed from now on, as server-sent events: "records" with
// an array, oldest first, and the number of those that were left out.
func (a *API) tail(w http.ResponseWriter, r *http.Request) {
	sel, err := a.selection(r)
	if err != nil {
		fail(w, err)
		return
	}
	sub := a.Store.Subscribe()
	defer sub.Close()
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := http.NewResponseController(w)
	_, _ = fmt.Fprint(w, "event: hello\ndata: {}\n\n")
	if out.Flush() != nil {
		return
	}
	var waiting []Record
	skipped := 0
	send := func() error {
		data, err := json.Marshal(map[string]any{"records": waiting, "skipped": skipped})
		if err != nil {
			return err
		}
		waiting, skipped = nil, 0
		_ = out.SetWriteDeadline(time.Now().Add(10 * time.Second)) // not every connection has one
		if _, err := fmt.Fprintf(w, "event: records\ndata: %s\n\n", data); err != nil {
			return err
		}
		return out.Flush()
	}
	tick := time.NewTicker(tailEvery)
	defer tick.Stop()
	last := time.Now()
	for {
		select {
		case <-r.Context().Done():
			return
		case records, ok := <-sub.C:
			if !ok {
				return
			}
			for i := range records {
				if !sel.Matches(&records[i]) {
					continue
				}
				if len(waiting) == tailAtOnce {
					waiting = waiting[1:] // the newest are shown
					skipped++
				}
				waiting = append(waiting, NewRecord(&records[i]))
			}
			// The first after a pause goes at once.
			if len(waiting) > 0 && time.Since(last) >= tailEvery {
				last = time.Now()
				if send() != nil {
					return
				}
			}
		case <-tick.C:
			skipped += sub.Dropped()
			if len(waiting) > 0 || skipped > 0 || time.Since(last) > 15*time.Second {
				last = time.Now()
				if send() != nil {
					return
				}
			}
		}
	}
}
