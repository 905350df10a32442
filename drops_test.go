package slogship

import (
	"log/slog"
	"net/http"
	"runtime"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// dropped collects what OnDrop is told: reason and message.
type dropped struct {
	mu   sync.Mutex
	told [][2]string
}

func (d *dropped) note(reason string, e *Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.told = append(d.told, [2]string{reason, string([]byte(e.Message))})
}

func (d *dropped) want(t *testing.T, told ...[2]string) {
	t.Helper()
	d.mu.Lock()
	defer d.mu.Unlock()
	if !slices.Equal(d.told, told) {
		t.Errorf("OnDrop was told %q, want %q", d.told, told)
	}
}

// OnDrop is told which records the server refused.
func TestOnDropRejected(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d dropped
		tr := start(t, func(r *request) answered {
			switch {
			case r.has("bad"):
				return status(http.StatusBadRequest)
			case r.has("long"):
				return status(http.StatusRequestEntityTooLarge)
			}
			return status(200)
		}, Options{OnDrop: d.note})
		tr.say("a", "bad", "b", "long", "c")
		if err := tr.Flush(t.Context()); err == nil {
			t.Fatal("Flush does not tell of the loss")
		}
		tr.wantTaken("a", "b", "c")
		d.want(t, [2]string{"rejected", "bad"}, [2]string{"too_large", "long"})
	})
}

// OnDrop gets the whole event, with the id that was sent.
func TestOnDropEvent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var id string
		var attrs []slog.Attr
		tr := start(t, func(r *request) answered {
			if r.has("bad") {
				return status(http.StatusBadRequest)
			}
			return status(200)
		}, Options{OnDrop: func(_ string, e *Event) {
			id = string([]byte(e.ID))
			attrs = []slog.Attr{slog.Int64(string([]byte(e.Attrs[0].Key)), e.Attrs[0].Value.Int64())}
		}})
		tr.log.Info("bad", "n", 7)
		tr.say("good")
		tr.Flush(t.Context())
		if len(attrs) != 1 || !attrs[0].Equal(slog.Int64("n", 7)) {
			t.Errorf("attributes %v", attrs)
		}
		for _, r := range tr.got() {
			for i, m := range r.messages {
				if m == "bad" && r.ids[i] != id {
					t.Errorf("the id is %s, sent was %s", id, r.ids[i])
				}
			}
		}
	})
}

// OnDrop is told of all that Shutdown leaves, in order: what is pending, in flight,
// or in the middle of a search.
func TestOnDropShutdown(t *testing.T) {
	for _, requests := range []int{1, 2} {
		synctest.Test(t, func(t *testing.T) {
			var d dropped
			tr := start(t, always(status(200).after(time.Hour)),
				Options{OnDrop: d.note, BatchRecords: 2, Requests: requests, RequestTimeout: 2 * time.Hour})
			tr.say("a", "b", "c", "d", "e")
			time.Sleep(time.Second)
			tr.wantRequests(requests)
			if err := tr.Shutdown(cancelled(t)); err == nil {
				t.Error("nothing is unsent")
			}
			tr.wantBooks(0, Dropped{Shutdown: 5}, 0)
			d.want(t, [2]string{"shutdown", "a"}, [2]string{"shutdown", "b"}, [2]string{"shutdown", "c"},
				[2]string{"shutdown", "d"}, [2]string{"shutdown", "e"})
		})
	}
}

func TestOnDropShutdownWhileSearching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d dropped
		tr := start(t, func(r *request) answered {
			switch {
			case r.n > 3:
				return status(200).after(time.Hour)
			case r.has("bad"):
				return status(http.StatusBadRequest)
			}
			return status(200)
		}, Options{OnDrop: d.note, RequestTimeout: 2 * time.Hour})
		tr.say("a", "b", "bad", "c", "d", "e", "f", "g")
		time.Sleep(2 * time.Second)
		tr.wantRequests(5)
		tr.Shutdown(cancelled(t))
		s := tr.Stats()
		if n := len(tr.acknowledged()) + len(d.told); n != 8 || int64(len(d.told)) != s.Dropped.Total() {
			t.Errorf("taken %q, dropped %q: %v", tr.acknowledged(), d.told, s)
		}
	})
}

// OnDrop may panic, end its goroutine, and log.
func TestOnDropContained(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tr *trial
		n := 0
		tr = start(t, func(r *request) answered {
			if r.bad() {
				return status(http.StatusBadRequest)
			}
			return status(200)
		}, Options{OnDrop: func(string, *Event) {
			switch n++; n {
			case 1:
				panic("no")
			case 2:
				runtime.Goexit()
			case 3:
				tr.say("from OnDrop")
			}
		}})
		tr.say("bad1", "a", "bad2", "b", "bad3")
		tr.Flush(t.Context())
		time.Sleep(2 * time.Second)
		tr.wantTaken("a", "b", "from OnDrop")
		tr.wantBooks(3, Dropped{Rejected: 3}, 0)
	})
}

// A record over which the Format panics is told of, too.
func TestOnDropFormatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var d dropped
		tr := start(t, always(status(200)), Options{OnDrop: d.note, Format: panicking{Logflare()}})
		tr.say("a", "panic", "b")
		tr.Flush(t.Context())
		tr.wantTaken("a", "b")
		d.want(t, [2]string{"rejected", "panic"})
	})
}

type panicking struct{ Format }

func (f panicking) AppendEvent(dst []byte, e *Event) []byte {
	if e.Message == "panic" {
		panic("no")
	}
	return f.Format.AppendEvent(dst, e)
}
