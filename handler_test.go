package slogship

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

var (
	_ slog.Handler   = (*Handler)(nil)
	_ io.Closer      = (*Handler)(nil)
	_ fmt.Stringer   = (*Handler)(nil)
	_ fmt.GoStringer = (*Handler)(nil)
)

// New(url, nil) is all it takes.
func TestNewWithoutOptions(t *testing.T) {
	h, err := New("HTTPS://logs.test:8443/a%2Fb/logs?source=x#frag", nil)
	if err != nil {
		t.Fatal(err)
	}
	if got := h.String(); !strings.HasPrefix(got, "https://logs.test:8443/a") || strings.ContainsAny(got, "?#") {
		t.Error(got)
	}
	if s := h.Stats(); s != (Stats{}) {
		t.Errorf("%+v", s)
	}
	if err := h.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if err := h.Close(); err != nil {
		t.Error(err)
	}
}

// Level is what slog.HandlerOptions.Level is, a LevelVar included.
func TestEnabled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var level slog.LevelVar
		for _, c := range []struct {
			option slog.Leveler
			least  slog.Level
		}{{nil, slog.LevelInfo}, {slog.LevelDebug, slog.LevelDebug}, {&level, slog.LevelInfo}} {
			tr := start(t, always(status(200)), Options{Level: c.option})
			derived := tr.WithGroup("g").WithAttrs([]slog.Attr{slog.Int("a", 1)})
			for l := slog.LevelDebug - 4; l < slog.LevelError+4; l++ {
				if got := derived.Enabled(t.Context(), l); got != (l >= c.least) {
					t.Errorf("Level %v: Enabled(%v) is %v", c.option, l, got)
				}
			}
			if c.option == &level {
				level.Set(slog.LevelError)
				if derived.Enabled(t.Context(), slog.LevelWarn) || !tr.Enabled(t.Context(), slog.LevelError) {
					t.Error("a LevelVar that changes does not count")
				}
			}
		}
	})
}

// A cancelled context, or none, does not drop a record; Handle returns nil
// whatever happens.
func TestHandle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := fakeFormat{event: func(dst []byte, e *Event) []byte {
			if e.Message == "bad" {
				panic("boom")
			}
			return logflare{}.AppendEvent(dst, e)
		}}
		tr := start(t, always(status(200)), Options{Format: f})
		for _, m := range []string{"a", "bad", "b"} {
			var none context.Context
			for _, err := range []error{
				tr.Handle(cancelled(t), slog.Record{Message: m}),
				tr.Handle(none, slog.Record{Message: m + "2"}),
			} {
				if err != nil {
					t.Error(err)
				}
			}
		}
		if err := tr.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		tr.wantTaken("a", "a2", "bad2", "b", "b2")
		if err := tr.Handle(t.Context(), slog.Record{Message: "late"}); err != nil {
			t.Error(err)
		}
		if s := tr.Stats(); s.Accepted != 7 || s.Dropped != (Dropped{Rejected: 1, Closed: 1}) {
			t.Errorf("%+v", s)
		}
	})
}

// Derived handlers are *Handlers, and share queue and books with their origin.
// What changes nothing is the handler itself.
func TestDerivedHandlersShare(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200)), Options{})
		a := tr.WithAttrs([]slog.Attr{slog.String("k", "v")}).(*Handler)
		b := a.WithGroup("g").(*Handler)
		if h := tr.WithGroup(""); h != slog.Handler(tr.Handler) {
			t.Error("WithGroup of nothing is another handler")
		}
		if h := tr.WithAttrs(nil); h != slog.Handler(tr.Handler) {
			t.Error("WithAttrs of nothing is another handler")
		}
		logTo(tr.Handler, "1")
		logTo(a, "2")
		logTo(b, "3")
		for _, h := range []*Handler{tr.Handler, a, b} {
			if s := h.Stats(); s.Accepted != 3 || s.Pending != 3 {
				t.Errorf("%+v", s)
			}
			if h.String() != "http://logs.test/logs" {
				t.Error(h)
			}
		}
		if err := b.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		tr.wantTaken("1", "2", "3")
		logTo(b, "4")
		if n := a.Discard(); n != 1 {
			t.Errorf("Discard: %d", n)
		}
		if err := a.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		logTo(tr.Handler, "late")
		tr.wantBooks(3, Dropped{Discarded: 1, Closed: 1}, 0)
	})
}

// Logging does not wait for a backend that hangs, nor for one that is away.
func TestLoggingNeverWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503), status(200).after(time.Hour)), Options{
			MaxPending: 100, RequestTimeout: time.Hour, FlushLevel: slog.LevelWarn,
		})
		tr.say("a")
		time.Sleep(2 * time.Second) // it hangs
		before := time.Now()
		for range 1000 {
			tr.say("a")
			tr.log.Warn("b")
		}
		if passed := time.Since(before); passed != 0 {
			t.Errorf("logging took %v", passed)
		}
		if s := tr.Stats(); s.Pending != 100 || s.InFlight != 1 {
			t.Errorf("%+v", s)
		}
	})
}

// Many goroutines log, flush, discard and read the books, while the server fails
// at random: the balance holds in every snapshot, and each goroutine's records
// arrive in its order, none twice. This one runs in real time.
func TestBalanceUnderLoad(t *testing.T) {
	const producers, each = 8, 1000
	var requests atomic.Int64
	arrived := map[string]bool{} // by id; owned by the transport
	next := make([]int, producers)
	transport := roundTrip(func(req *http.Request) (*http.Response, error) {
		r := readRequest(t, req)
		switch requests.Add(1) % 5 {
		case 1:
			return status(503).response(req), nil
		case 2:
			return nil, errors.New("boom")
		case 3:
			return answered{status: 200, cut: true}.response(req), nil
		}
		for i, id := range r.ids {
			who, what, _ := strings.Cut(r.messages[i], "-")
			p, _ := strconv.Atoi(who)
			n, _ := strconv.Atoi(what)
			if arrived[id] || n < next[p] {
				t.Errorf("%s arrived after %d-%d", r.messages[i], p, next[p])
			}
			arrived[id], next[p] = true, n
		}
		return status(200).response(req), nil
	})
	h, err := New(testEndpoint, &Options{
		Client: &http.Client{Transport: transport}, MaxPending: 3000, BatchRecords: 100, Compression: None,
		FlushInterval: time.Millisecond, MinBackoff: time.Microsecond, MaxBackoff: 100 * time.Microsecond, OnError: func(error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	tr := &trial{t: t, Handler: h}
	var logging, watching sync.WaitGroup
	stop := make(chan struct{})
	for range 2 {
		watching.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					tr.balanced()
				}
			}
		})
	}
	for p := range producers {
		logging.Go(func() {
			for n := range each {
				logTo(h, fmt.Sprint(p, "-", n))
				switch {
				case n%500 == 499 && p == 0:
					h.Discard()
				case n%100 == 99:
					_ = h.Flush(t.Context())
				}
			}
		})
	}
	within(t, time.Minute, func() {
		logging.Wait()
		if err := h.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
	})
	close(stop)
	watching.Wait()
	s := h.Stats()
	if s.Accepted != producers*each || s.Delivered != int64(len(arrived)) || s.Pending+s.InFlight != 0 {
		t.Errorf("%d arrived: %+v", len(arrived), s)
	}
	if other := s.Dropped.Total() - s.Dropped.Overflow - s.Dropped.Discarded; other != 0 {
		t.Errorf("dropped %v", s.Dropped)
	}
	if !slices.ContainsFunc(next, func(n int) bool { return n > each/2 }) {
		t.Errorf("hardly anything arrived: %v", next)
	}
}

type roundTrip func(*http.Request) (*http.Response, error)

func (f roundTrip) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
