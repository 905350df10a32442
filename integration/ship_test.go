package integration

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"regexp"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/slogship/slogship"
)

// patience is how long a test waits for what must happen. Nothing is said of
// how long it takes.
const patience = 3 * time.Minute

// newHandler returns a Handler with options fit for tests where they are not
// set, and has it closed at the end.
func newHandler(t *testing.T, url string, o slogship.Options) *slogship.Handler {
	t.Helper()
	if o.FlushInterval == 0 {
		o.FlushInterval = 50 * time.Millisecond
	}
	if o.MinBackoff == 0 {
		o.MinBackoff, o.MaxBackoff = 20*time.Millisecond, 500*time.Millisecond
	}
	if o.OnError == nil {
		o.OnError = func(err error) { t.Log(err) }
	}
	o.Level = slog.Level(-100)
	h, err := slogship.New(url, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		h.Shutdown(ctx) // with an error where the test left records on purpose
	})
	return h
}

// flush waits until all is delivered, or dropped.
func flush(t *testing.T, h *slogship.Handler) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	if err := h.Flush(ctx); err != nil {
		t.Logf("Flush: %v", err)
	}
}

// wantStats compares what became of the records.
func wantStats(t *testing.T, h *slogship.Handler, delivered int, dropped slogship.Dropped) {
	t.Helper()
	s := h.Stats()
	if s.Delivered != int64(delivered) || s.Dropped != dropped || s.Pending+s.InFlight != 0 {
		t.Errorf("%d delivered, dropped %v, %d held; want %d, %v, none: %v",
			s.Delivered, s.Dropped, s.Pending+s.InFlight, delivered, dropped, s.LastError)
	}
}

// eventually waits until done, and fails after patience.
func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(patience); !done(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v still not: %s", patience, what)
		}
	}
}

// A ledger is a transport that notes which records each request had, by their
// ids, and how the server answered.
type ledger struct {
	change func(*http.Request) // if not nil, is called with each request
	lose   func(n int) bool    // if not nil, says whether the n-th answer gets lost

	mu       sync.Mutex // guards what follows
	requests []request
}

type request struct {
	ids      []string
	status   int // 0 if there was no answer
	answered time.Time
}

// eventID finds ids in the body of any format: behind a quote in JSON, behind
// tag and length in protobuf.
var eventID = regexp.MustCompile(`(?:"|\n0)([0-9a-f]{48})`)

func (l *ledger) client() *http.Client { return &http.Client{Transport: l} }

func (l *ledger) RoundTrip(r *http.Request) (*http.Response, error) {
	sent, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	r = r.Clone(r.Context())
	r.Body = io.NopCloser(bytes.NewReader(sent))
	if l.change != nil {
		l.change(r)
	}
	text := sent
	if r.Header.Get("Content-Encoding") == "gzip" {
		z, err := gzip.NewReader(bytes.NewReader(sent))
		if err != nil {
			return nil, err
		}
		if text, err = io.ReadAll(z); err != nil {
			return nil, err
		}
	}
	q := request{}
	for _, match := range eventID.FindAllSubmatch(text, -1) {
		q.ids = append(q.ids, string(match[1]))
	}
	resp, err := http.DefaultTransport.RoundTrip(r)
	if err == nil {
		var body []byte
		if body, err = io.ReadAll(resp.Body); err == nil {
			q.status = resp.StatusCode
		}
		resp.Body.Close()
		resp.Body = io.NopCloser(bytes.NewReader(body))
	}
	l.mu.Lock()
	if l.lose != nil && err == nil && l.lose(len(l.requests)) {
		q.status, err = 0, errors.New("the answer is lost")
	}
	q.answered = time.Now()
	l.requests = append(l.requests, q)
	l.mu.Unlock()
	if err != nil {
		return nil, err
	}
	return resp, nil
}

func (l *ledger) all() []request {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.requests)
}

// count is the number of answers of a status.
func (l *ledger) count(status int) (n int) {
	for _, q := range l.all() {
		if q.status == status {
			n++
		}
	}
	return n
}

// sent is how often each record was sent.
func (l *ledger) sent() map[string]int {
	ids := map[string]int{}
	for _, q := range l.all() {
		for _, id := range q.ids {
			ids[id]++
		}
	}
	return ids
}

// acknowledged is the records that the server has acknowledged, and when first.
func (l *ledger) acknowledged() map[string]time.Time {
	ids := map[string]time.Time{}
	for _, q := range l.all() {
		if q.status/100 != 2 {
			continue
		}
		for _, id := range q.ids {
			if _, ok := ids[id]; !ok {
				ids[id] = q.answered
			}
		}
	}
	return ids
}

// log logs a record of the given time with its number as the attribute n.
func log(h slog.Handler, at time.Time, n int, message string, attrs ...slog.Attr) {
	r := slog.NewRecord(at, slog.LevelInfo, message, 0)
	r.AddAttrs(slog.Int("n", n))
	r.AddAttrs(attrs...)
	h.Handle(context.Background(), r) // always nil
}
