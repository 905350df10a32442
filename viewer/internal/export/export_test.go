package export

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/internal/api"
	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/store"
)

const traceID = "4bf92f3577b34da6a3ce929d0e0e4736"

// viewer is an API with n records of three sources in it, four a millisecond: keys
// follow each other closely.
type viewer struct {
	*store.Store
	mux   *http.ServeMux
	start time.Time
	asked atomic.Int64 // pages
}

func newViewer(t *testing.T, n int) *viewer {
	t.Helper()
	s, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	v := &viewer{Store: s, mux: http.NewServeMux(), start: time.Now().Add(-time.Hour).Truncate(time.Millisecond)}
	(&api.API{Store: s, Now: time.Now}).Register(v.mux)
	v.add(t, 0, n)
	return v
}

// when is the time of a record.
func (v *viewer) when(i int) time.Time {
	return v.start.Add(time.Duration(i/4)*time.Millisecond + time.Duration(i%4)*100*time.Microsecond + 3456)
}

func (v *viewer) add(t *testing.T, from, to int) {
	t.Helper()
	trace, _ := event.ParseTrace(traceID)
	var logs []event.Log
	for i := from; i < to; i++ {
		logs = append(logs, event.Log{
			Time: v.when(i).UnixNano(), Level: []int{0, 4, 8, 2}[i%4], Source: []string{"api", "web", "db 1"}[i%3],
			Message: fmt.Sprint("request ", i), Attrs: fmt.Appendf(nil, `{"n":%d,"user":{"id":%d},"list":[1,2]}`, i, i%7), Trace: trace, Span: [8]byte{1},
		})
	}
	if err := v.Append(t.Context(), &store.Batch{Logs: logs}); err != nil {
		t.Fatal(err)
	}
}

func (v *viewer) get(ctx context.Context, path string, params url.Values) (io.ReadCloser, error) {
	if path == "/api/logs" {
		v.asked.Add(1)
	}
	r := httptest.NewRequestWithContext(ctx, "GET", path+"?"+params.Encode(), nil)
	w := httptest.NewRecorder()
	v.mux.ServeHTTP(w, r)
	if w.Code != 200 {
		return nil, fmt.Errorf("%d %s", w.Code, w.Body)
	}
	return io.NopCloser(w.Body), nil
}

// collect is a Sink that keeps what it takes.
type collect struct {
	messages []string
	onTake   func(n int) error
}

func (c *collect) Take(r *api.Record) error {
	if c.onTake != nil {
		if err := c.onTake(len(c.messages)); err != nil {
			return err
		}
	}
	c.messages = append(c.messages, r.Message)
	return nil
}

func (c *collect) Close(taken int64) (int64, error) { return taken, nil }

func messages(from, to int) (list []string) {
	for i := from; i < to; i++ {
		list = append(list, fmt.Sprint("request ", i))
	}
	return list
}

// All that a query finds is taken, once, the oldest first.
func TestRun(t *testing.T) {
	v := newViewer(t, 3500)
	for q, want := range map[string]int{"": 3500, "level>=error": 875, "user.id=3 source:web": 167, "nowhere": 0, "last:2h n<1000": 1000, "last:1m": 0, "since:2999-01-01": 0, "until:2001-01-01": 0} {
		var c collect
		p, err := (&Export{Get: v.get, Query: q}).Run(t.Context(), &c)
		if err != nil || len(c.messages) != want || p.Records != int64(want) || p.Broken {
			t.Errorf("%s: %d records, %+v, %v; want %d", q, len(c.messages), p, err, want)
		}
		if !slices.IsSortedFunc(c.messages, func(a, b string) int { return number(a) - number(b) }) {
			t.Errorf("%s: not in order", q)
		}
	}
	if _, err := (&Export{Get: v.get, Query: "level:loud"}).Run(t.Context(), &collect{}); err == nil {
		t.Error("a wrong query is no error")
	}
}

func number(message string) int {
	n, _ := strconv.Atoi(strings.TrimPrefix(message, "request "))
	return n
}

// Wherever an export breaks off, its cursor leads to the rest: all records come
// once. What came in the meantime is not part of it, and "last" means the same.
func TestGoOn(t *testing.T) {
	v := newViewer(t, 1000)
	broken := errors.New("broken")
	for _, at := range []int{0, 1, 99, 100, 101, 500, 999} {
		first := &collect{onTake: func(n int) error {
			if n == at {
				return broken
			}
			return nil
		}}
		p, err := (&Export{Get: v.get, Query: "last:2h"}).Run(t.Context(), first)
		if !errors.Is(err, broken) || !p.Broken || p.Records != int64(at) {
			t.Fatalf("at %d: %+v, %v", at, p, err)
		}
		var second collect
		if at == 500 { // all are newer than what there was
			v.add(t, 1000, 1010)
		}
		if _, err := (&Export{Get: v.get, Query: p.Query, Cursor: p.Cursor}).Run(t.Context(), &second); err != nil {
			t.Fatal(err)
		}
		want := 1000
		if at == 999 {
			want = 1010
		}
		if !slices.Equal(slices.Concat(first.messages, second.messages), messages(0, want)) {
			t.Errorf("at %d, then from %d: %d and %d records", at, p.Cursor, len(first.messages), len(second.messages))
		}
	}
}

// A viewer that ends in the midst of an export breaks it off where it was.
func TestViewerGone(t *testing.T) {
	v := newViewer(t, 1000)
	for name, get := range map[string]Get{
		"refuses": func(ctx context.Context, path string, params url.Values) (io.ReadCloser, error) {
			if v.asked.Load() == 2 {
				return nil, errors.New("connection refused")
			}
			return v.get(ctx, path, params)
		},
		"is cut": func(ctx context.Context, path string, params url.Values) (io.ReadCloser, error) {
			body, err := v.get(ctx, path, params)
			if v.asked.Load() == 3 {
				return io.NopCloser(io.LimitReader(body, 5000)), err
			}
			return body, err
		},
	} {
		v.asked.Store(0)
		var first, second collect
		p, err := (&Export{Get: get}).Run(t.Context(), &first)
		if err == nil || !p.Broken || len(first.messages) != 300 {
			t.Errorf("%s: %d records, %+v, %v", name, len(first.messages), p, err)
		}
		if _, err := (&Export{Get: v.get, Query: p.Query, Cursor: p.Cursor}).Run(t.Context(), &second); err != nil || !slices.Equal(slices.Concat(first.messages, second.messages), messages(0, 1000)) {
			t.Errorf("%s: %d and %d records, %v", name, len(first.messages), len(second.messages), err)
		}
	}
}

// While a sink waits, one page is read ahead and no more; the reader ends with Run.
func TestReadsOneAhead(t *testing.T) {
	v := newViewer(t, 3000)
	before := runtime.NumGoroutine()
	c := &collect{}
	c.onTake = func(n int) error {
		// 100, 200, 400, 800, 1000 and 500 records: of the page that is taken, one in the
		// channel, one in the reader's hand.
		if took := pagesOf(n); v.asked.Load() > took+2 {
			return fmt.Errorf("%d pages were asked for at record %d, %d are begun", v.asked.Load(), n, took)
		}
		if n == 2000 {
			return errStop
		}
		return nil
	}
	if _, err := (&Export{Get: v.get}).Run(t.Context(), c); !errors.Is(err, errStop) {
		t.Error(err)
	}
	for range 1000 {
		if runtime.NumGoroutine() <= before {
			return
		}
		runtime.Gosched()
		time.Sleep(time.Millisecond) // a goroutine has no event to wait for
	}
	t.Errorf("%d goroutines, %d before", runtime.NumGoroutine(), before)
}

var errStop = errors.New("stop")

func pagesOf(n int) int64 {
	pages, size := int64(0), firstPage
	for n >= 0 {
		n -= size
		size = min(size*2, mostPage)
		pages++
	}
	return pages
}

// Pages of long records are short, so that a page is of bounded size.
func TestLongRecords(t *testing.T) {
	s, err := store.Open(t.TempDir(), store.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for i := range 20 {
		logs := make([]event.Log, 10)
		for j := range logs {
			logs[j] = event.Log{Time: time.Now().UnixNano() + int64(i), Source: "a", Message: "long", Attrs: []byte(`{"x":"` + strings.Repeat("x", 100_000) + `"}`)}
		}
		if err := s.Append(t.Context(), &store.Batch{Logs: logs}); err != nil {
			t.Fatal(err)
		}
	}
	v := &viewer{Store: s, mux: http.NewServeMux()}
	(&api.API{Store: s, Now: time.Now}).Register(v.mux)
	longest := 0
	get := func(ctx context.Context, path string, params url.Values) (io.ReadCloser, error) {
		body, err := v.get(ctx, path, params)
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(body)
		if v.asked.Load() > 1 {
			longest = max(longest, len(text))
		}
		return io.NopCloser(strings.NewReader(string(text))), err
	}
	var c collect
	if _, err := (&Export{Get: get}).Run(t.Context(), &c); err != nil || len(c.messages) != 200 || longest > 2*bigPage {
		t.Errorf("%d records, pages of %d bytes, %v", len(c.messages), longest, err)
	}
}
