package integration

import (
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
	"github.com/slogship/slogship/integration/server"
)

// intoLoki are the ways into Loki.
var intoLoki = []struct {
	name     string
	url      func(*server.Loki) string
	format   slogship.Format
	selector string
}{
	{"push", (*server.Loki).Push, formats.Loki(formats.LokiOptions{Labels: map[string]string{"app": "x"}}), `{app="x"}`},
	{"OTLP protobuf", (*server.Loki).OTLP, otlp(formats.OTLPProtobuf), `{service_name="x"}`},
	{"OTLP JSON", (*server.Loki).OTLP, otlp(formats.OTLPJSON), `{service_name="x"}`},
}

// wantNumbers checks that there is one entry each for the numbers below n that
// want says.
func wantNumbers(t *testing.T, entries []server.Entry, n int, want func(i int) bool) {
	t.Helper()
	times := count(entries, func(e server.Entry) string { return e.Metadata["n"] })
	for i := range n {
		expected := 0
		if want(i) {
			expected = 1
		}
		if got := times[strconv.Itoa(i)]; got != expected {
			t.Errorf("record %d is there %d times, want %d", i, got, expected)
		}
	}
}

func all(int) bool { return true }

// tenant is the header of one. Formats have no say in it here, for OTLP has none.
func tenant(name string) http.Header { return http.Header{"X-Scope-Orgid": {name}} }

// Without a tenant Loki answers 401. The records are held, none is lost, and
// each arrives, once, when a transport has put it right.
func TestMissingTenant(t *testing.T) {
	for i, c := range intoLoki {
		t.Run(c.name, func(t *testing.T) {
			l := loki(t)
			name := fmt.Sprint("missing", i)
			var right atomic.Bool
			book := &ledger{change: func(r *http.Request) {
				if right.Load() {
					r.Header.Set("X-Scope-Orgid", name)
				}
			}}
			h := newHandler(t, c.url(l), slogship.Options{Format: c.format, Client: book.client()})
			held(t, h, book, http.StatusUnauthorized)
			right.Store(true)
			flush(t, h)
			wantStats(t, h, numHeld, slogship.Dropped{})
			wantNumbers(t, lokiEntries(t, l, name, c.selector), numHeld, all)
		})
	}
}

const numHeld = 500

// held logs records, and checks that they are held while the server answers with
// a status.
func held(t *testing.T, h *slogship.Handler, book *ledger, status int) {
	t.Helper()
	for n := range numHeld {
		log(h, time.Now(), n, "held")
	}
	eventually(t, "the server has refused twice", func() bool { return book.count(status) >= 2 })
	s := h.Stats()
	if s.Pending+s.InFlight != numHeld || s.LastError == nil || !strings.Contains(s.LastError.Error(), strconv.Itoa(status)) {
		t.Errorf("%d held, want %d, for %v", s.Pending+s.InFlight, numHeld, s.LastError)
	}
}

// With a wrong password, and without a table, ClickHouse has the records held.
func TestClickHouseSetUp(t *testing.T) {
	c := clickHouse(t)
	table(t, c, "password", "Int64", "Log")
	for _, s := range []struct {
		name, table string
		status      int
		putRight    func(r *http.Request)
	}{
		{"wrong password", "password", http.StatusUnauthorized, func(r *http.Request) { r.Header.Set("X-ClickHouse-Key", "right") }},
		{"no table", "missing", http.StatusNotFound, nil},
	} {
		t.Run(s.name, func(t *testing.T) {
			var right atomic.Bool
			book := &ledger{change: func(r *http.Request) {
				if s.putRight != nil && right.Load() {
					s.putRight(r)
				}
			}}
			o := slogship.Options{
				Format: formats.ClickHouse(formats.ClickHouseOptions{TimeLayout: formats.UnixNano}), Client: book.client(),
			}
			if s.putRight != nil {
				o.Header = http.Header{"X-ClickHouse-User": {"app"}, "X-ClickHouse-Key": {"wrong"}}
			}
			h := newHandler(t, c.Insert(s.table), o)
			held(t, h, book, s.status)
			if s.putRight == nil {
				table(t, c, s.table, "Int64", "Log")
			}
			right.Store(true)
			flush(t, h)
			wantStats(t, h, numHeld, slogship.Dropped{})
			rows, err := c.Rows(s.table + " SETTINGS max_threads = 1")
			if err != nil {
				t.Fatal(err)
			}
			if len(rows) != numHeld {
				t.Fatalf("%d rows, want %d", len(rows), numHeld)
			}
			for n, row := range rows {
				if want := fmt.Sprintf(`{"n":%d}`, n); row.Attributes != want {
					t.Errorf("row %d is %s", n, row.Attributes)
				}
			}
		})
	}
}

// A row that ClickHouse cannot read, or for which it has no column, is isolated;
// its neighbours arrive once.
func TestBadRowInClickHouse(t *testing.T) {
	c := clickHouse(t)
	for _, s := range []struct {
		name string
		bad  slog.Attr
	}{
		{"not a number", slog.String("price", "cheap")},
		{"no column", slog.Int("nowhere", 1)},
	} {
		t.Run(s.name, func(t *testing.T) {
			name := "bad_" + strings.ReplaceAll(s.name, " ", "_")
			if err := c.Exec("CREATE TABLE " + name + " (timestamp Int64, level String, message String, event_id FixedString(48)," +
				" n Int64, price Int64, attributes String) ENGINE = Log"); err != nil {
				t.Fatal(err)
			}
			h := newHandler(t, c.Insert(name), slogship.Options{
				Format: formats.ClickHouse(formats.ClickHouseOptions{TimeLayout: formats.UnixNano, Spread: true}),
			})
			const n, bad = 300, 123
			for i := range n {
				attr := slog.Int("price", i)
				if i == bad {
					attr = s.bad
				}
				log(h, time.Now(), i, strconv.Itoa(i), attr)
			}
			flush(t, h)
			wantStats(t, h, n-1, slogship.Dropped{Rejected: 1})
			rows, err := c.Rows(name)
			if err != nil {
				t.Fatal(err)
			}
			times := count(rows, func(r server.Row) string { return r.Message })
			for i := range n {
				if want := map[bool]int{true: 0, false: 1}[i == bad]; times[strconv.Itoa(i)] != want {
					t.Errorf("row %d is there %d times, want %d", i, times[strconv.Itoa(i)], want)
				}
			}
		})
	}
}

// Loki limits the rate of a tenant, and of a stream, with 429. Everything
// arrives in the end, once.
func TestRateLimit(t *testing.T) {
	for _, limit := range []string{"tenant-limited", "stream-limited"} {
		for _, c := range intoLoki[:2] { // one encoding of OTLP will do
			t.Run(limit+" "+c.name, func(t *testing.T) {
				l := loki(t)
				book := &ledger{}
				h := newHandler(t, c.url(l), slogship.Options{
					Format: c.format, Header: tenant(limit), Client: book.client(), BatchBytes: 40 << 10,
				})
				const n = 400
				for i := range n {
					log(h, time.Now(), i, strings.Repeat("x", 1000))
				}
				flush(t, h)
				wantStats(t, h, n, slogship.Dropped{})
				if book.count(http.StatusTooManyRequests) == 0 {
					t.Error("there was no 429")
				}
				wantNumbers(t, lokiEntries(t, l, limit, c.selector), n, all)
			})
		}
	}
}

// Loki refuses entries that are too old, too new or too long, and has stored
// their neighbours when it says so: these are there once.
func TestRefusedByLoki(t *testing.T) {
	for way, c := range intoLoki {
		for _, bad := range []struct {
			name, tenant string
			time         func(now time.Time, i int) time.Time
			message      func(i int) string
		}{
			{"too old", "old", func(now time.Time, i int) time.Time {
				if i%10 == 5 {
					return now.AddDate(0, -1, 0)
				}
				return now
			}, nil},
			{"too new", "new", func(now time.Time, i int) time.Time {
				if i%10 == 5 {
					return now.AddDate(0, 0, 1)
				}
				return now
			}, nil},
			{"too old and too new", "both", func(now time.Time, i int) time.Time {
				switch i % 20 {
				case 5:
					return now.AddDate(0, -1, 0)
				case 15:
					return now.AddDate(0, 0, 1)
				}
				return now
			}, nil},
			{"too far behind", "behind", func(now time.Time, i int) time.Time {
				if i%10 == 5 {
					return now.Add(-2 * time.Hour)
				}
				return now
			}, nil},
			{"too long", "long", nil, func(i int) string {
				if i%10 == 5 {
					return strings.Repeat("long ", 300)
				}
				return "short"
			}},
		} {
			t.Run(bad.name+" "+c.name, func(t *testing.T) {
				l := loki(t)
				name := bad.tenant + strconv.Itoa(way)
				book := &ledger{}
				h := newHandler(t, c.url(l), slogship.Options{Format: c.format, Header: tenant(name), Client: book.client()})
				const n = 200
				for i := range n {
					at, message := time.Now(), "in time"
					if bad.time != nil {
						at = bad.time(at, i)
					}
					if bad.message != nil {
						message = bad.message(i)
					}
					log(h, at, i, message)
				}
				flush(t, h)
				wantStats(t, h, n-n/10, slogship.Dropped{Rejected: n / 10})
				if book.count(http.StatusBadRequest) == 0 {
					t.Error("there was no 400")
				}
				for id, times := range book.sent() {
					if times != 1 { // which Loki's own search for doubles would hide
						t.Errorf("%s was sent %d times", id, times)
					}
				}
				entries, err := l.Entries(name, c.selector, time.Now().AddDate(0, 0, -20), time.Now().AddDate(0, 0, 7))
				if err != nil {
					t.Fatal(err)
				}
				wantNumbers(t, entries, n, func(i int) bool { return i%10 != 5 })
			})
		}
	}
}

// What Loki's ingester refuses of one stream is lost without a word if it takes
// the next one in the same request: the answer is 204. Streams of a handler are
// of one request each, unless LabelAttrs or LevelLabel make more.
func TestLokiAnswersForTheLastStream(t *testing.T) {
	l := loki(t)
	h := newHandler(t, l.Push(), slogship.Options{
		Format:        formats.Loki(formats.LokiOptions{Labels: map[string]string{"app": "x"}, LabelAttrs: []string{"shop"}, Tenant: "streams"}),
		FlushInterval: time.Hour, // until Flush is called: both go in one request
	})
	log(h, time.Now(), 0, "new", slog.String("shop", "a"))
	flush(t, h)
	log(h, time.Now().Add(-2*time.Hour), 1, "too far behind", slog.String("shop", "a"))
	log(h, time.Now(), 2, "new", slog.String("shop", "b"))
	flush(t, h)
	wantStats(t, h, 3, slogship.Dropped{}) // as far as anybody can know
	entries, err := l.Entries("streams", `{app="x"}`, time.Now().Add(-3*time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	wantNumbers(t, entries, 3, func(i int) bool { return i != 1 })
}

// Of an attribute's name without a letter or digit Loki makes nothing, and
// refuses the request. By its own protocol the name is written in hexadecimal;
// by OTLP that record is isolated, and its neighbours arrive once.
func TestNamesThatLokiCannotHave(t *testing.T) {
	for i, c := range intoLoki {
		t.Run(c.name, func(t *testing.T) {
			l := loki(t)
			name := fmt.Sprint("names", i)
			h := newHandler(t, c.url(l), slogship.Options{Format: c.format, Header: tenant(name)})
			const n, odd = 200, 77
			for k := range n {
				var attrs []slog.Attr
				if k == odd {
					attrs = append(attrs, slog.String("世界", "world"))
				}
				log(h, time.Now(), k, "x", attrs...)
			}
			flush(t, h)
			entries := lokiEntries(t, l, name, c.selector)
			if c.name == "push" {
				wantStats(t, h, n, slogship.Dropped{})
				wantNumbers(t, entries, n, all)
				for _, e := range entries {
					if e.Metadata["n"] == strconv.Itoa(odd) && e.Metadata["key_4e16_754c"] != "world" {
						t.Errorf("the metadata is %v", e.Metadata)
					}
				}
				return
			}
			wantStats(t, h, n-1, slogship.Dropped{Rejected: 1})
			wantNumbers(t, entries, n, func(k int) bool { return k != odd })
		})
	}
}

// A body that is too large is divided until it is not. A record that is too
// large alone is dropped, and its neighbours arrive once.
func TestOversizedBody(t *testing.T) {
	const n, large, limit = 400, 123, 40 << 10
	ship := func(t *testing.T, url string, f slogship.Format, dropped slogship.Dropped) *ledger {
		t.Helper()
		book := &ledger{}
		h := newHandler(t, url, slogship.Options{Format: f, Header: tenant("oversized"), Client: book.client(), Compression: slogship.None})
		for i := range n {
			size := 500
			if i == large {
				size = 2 * limit
			}
			log(h, time.Now(), i, strings.Repeat("x", size))
		}
		flush(t, h)
		wantStats(t, h, n-1, dropped)
		return book
	}
	for _, c := range encodings {
		t.Run("collector "+c.name, func(t *testing.T) {
			col := started[*server.Collector](t)(server.NewCollector(server.CollectorConfig{MaxBody: limit}))
			book := ship(t, col.Logs(), otlp(c.encoding), slogship.Dropped{TooLarge: 1})
			if book.count(http.StatusBadRequest) == 0 {
				t.Error("there was no 400")
			}
			records := collectedRecords(t, col, "x", n-1)
			times := count(records, func(r server.LogRecord) string { return otlpNumber(r.Attributes) })
			if len(records) != n-1 || len(times) != n-1 || times[strconv.Itoa(large)] != 0 {
				t.Errorf("%d records, %d different ones, want %d", len(records), len(times), n-1)
			}
		})
	}
	for _, c := range intoLoki {
		t.Run("loki "+c.name, func(t *testing.T) {
			l := started[*server.Loki](t)(server.NewLoki(server.LokiConfig{MaxBody: limit}))
			if c.name == "push" {
				// Loki reads the front of the body, and complains of bad JSON.
				ship(t, c.url(l), c.format, slogship.Dropped{Rejected: 1})
			} else if book := ship(t, c.url(l), c.format, slogship.Dropped{TooLarge: 1}); book.count(http.StatusRequestEntityTooLarge) == 0 {
				t.Error("there was no 413")
			}
			wantNumbers(t, lokiEntries(t, l, "oversized", c.selector), n, func(i int) bool { return i != large })
		})
	}
}
