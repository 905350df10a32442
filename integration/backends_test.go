package integration

import (
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
	"github.com/slogship/slogship/integration/server"
)

// restartable is a server that a test can kill.
type restartable interface {
	running
	Kill() error
}

// A backend is a server and a format for it.
type backend struct {
	server restartable
	url    string
	format slogship.Format
	header http.Header

	// setUp is called when the server has started for the first time.
	setUp func(t *testing.T)

	// stored is how often the server has each record, by their ids.
	stored func(t *testing.T) map[string]int

	// once says that the server keeps one of two records that are equal.
	once bool
}

// backends prepare a server of their own each.
var backends = []struct {
	name    string
	prepare func(t *testing.T) backend
}{
	{"loki", func(t *testing.T) backend {
		l := own[*server.Loki](t)(server.NewLoki(server.LokiConfig{}))
		f := formats.Loki(formats.LokiOptions{Labels: map[string]string{"app": "x"}, Tenant: "outage"})
		return lokiBackend(l, l.Push(), f, `{app="x"}`, "event_id")
	}},
	{"loki by OTLP", func(t *testing.T) backend {
		l := own[*server.Loki](t)(server.NewLoki(server.LokiConfig{}))
		return lokiBackend(l, l.OTLP(), otlp(formats.OTLPProtobuf), `{service_name="x"}`, "log_record_uid")
	}},
	{"collector", func(t *testing.T) backend {
		c := own[*server.Collector](t)(server.NewCollector(server.CollectorConfig{}))
		return collectorBackend(c, otlp(formats.OTLPJSON))
	}},
	{"collector with batches", func(t *testing.T) backend {
		c := own[*server.Collector](t)(server.NewCollector(server.CollectorConfig{Batch: true}))
		return collectorBackend(c, otlp(formats.OTLPProtobuf))
	}},
	{"clickhouse", func(t *testing.T) backend {
		c := own[*server.ClickHouse](t)(server.NewClickHouse())
		return backend{
			server: c, url: c.Insert("logs"), once: true,
			format: formats.ClickHouse(formats.ClickHouseOptions{TimeLayout: formats.UnixNano}),
			setUp:  func(t *testing.T) { table(t, c, "logs", "Int64", "ReplacingMergeTree() ORDER BY event_id") },
			stored: func(t *testing.T) map[string]int {
				rows, err := c.Rows("logs FINAL")
				if err != nil {
					t.Fatal(err)
				}
				return count(rows, func(r server.Row) string { return r.EventID })
			},
		}
	}},
}

func otlp(e formats.OTLPEncoding) slogship.Format {
	return formats.OTLP(formats.OTLPOptions{Encoding: e, Resource: []slog.Attr{slog.String("service.name", "x")}, ScopeName: "x"})
}

func lokiBackend(l *server.Loki, url string, f slogship.Format, selector, id string) backend {
	return backend{
		server: l, url: url, format: f, once: true,
		header: http.Header{"X-Scope-Orgid": {"outage"}},
		setUp:  func(*testing.T) {},
		stored: func(t *testing.T) map[string]int {
			return count(lokiEntries(t, l, "outage", selector), func(e server.Entry) string { return e.Metadata[id] })
		},
	}
}

func collectorBackend(c *server.Collector, f slogship.Format) backend {
	return backend{
		server: c, url: c.Logs(), format: f,
		setUp: func(*testing.T) {},
		stored: func(t *testing.T) map[string]int {
			records, err := c.Records()
			if err != nil {
				t.Fatal(err)
			}
			return count(records, func(r server.LogRecord) string {
				attrs, _ := collectedAttrs(r.Attributes)
				id, _ := attrs["log.record.uid"].(string)
				return id
			})
		},
	}
}

func count[E any](all []E, id func(E) string) map[string]int {
	n := map[string]int{}
	for _, e := range all {
		n[id(e)]++
	}
	return n
}

func start(t *testing.T, s restartable) {
	t.Helper()
	if err := s.Start(); err != nil {
		t.Fatal(err)
	}
}

// What is logged before the server has ever run arrives when it does, once.
func TestServerStartsAfterApplication(t *testing.T) {
	for _, c := range backends {
		t.Run(c.name, func(t *testing.T) {
			b := c.prepare(t)
			book := &ledger{}
			h := newHandler(t, b.url, slogship.Options{Format: b.format, Header: b.header, Client: book.client()})
			const n = 2000
			for i := range n {
				log(h, time.Now(), i, "early")
			}
			eventually(t, "a request has failed", func() bool { return h.Stats().LastError != nil })
			if s := h.Stats(); s.Pending+s.InFlight != n {
				t.Errorf("%d records are held, want %d", s.Pending+s.InFlight, n)
			}
			start(t, b.server)
			b.setUp(t)
			flush(t, h)
			wantStats(t, h, n, slogship.Dropped{})
			var stored map[string]int
			eventually(t, "all are stored", func() bool { stored = b.stored(t); return len(stored) >= n })
			for id, times := range stored {
				if times != 1 {
					t.Errorf("%s is there %d times", id, times)
				}
			}
			if len(stored) != n {
				t.Errorf("%d are stored, want %d", len(stored), n)
			}
		})
	}
}

// Where the answers of a server are lost, and it was sent records that it has
// already, it has them once, or can tell the doubles by their ids.
func TestAnswersAreLost(t *testing.T) {
	for _, c := range backends {
		t.Run(c.name, func(t *testing.T) {
			b := c.prepare(t)
			start(t, b.server)
			b.setUp(t)
			book := &ledger{lose: func(n int) bool { return n%3 != 2 }}
			h := newHandler(t, b.url, slogship.Options{Format: b.format, Header: b.header, Client: book.client(), BatchRecords: 100})
			const n = 500
			for i := range n {
				log(h, time.Now(), i, "m")
			}
			flush(t, h)
			wantStats(t, h, n, slogship.Dropped{})
			sent := book.sent()
			copies := 0
			for _, times := range sent {
				copies += times
			}
			if copies < 2*n {
				t.Errorf("%d records were sent %d times: that proves nothing", n, copies)
			}
			var stored map[string]int
			eventually(t, "all are stored", func() bool {
				stored = b.stored(t)
				there := 0
				for _, times := range stored {
					there += times
				}
				return len(stored) == n && (b.once || there == copies)
			})
			for id, times := range stored {
				if b.once && times != 1 || times > sent[id] {
					t.Errorf("%s is there %d times, and was sent %d times", id, times, sent[id])
				}
			}
		})
	}
}

// A server is killed in the middle of the stream, three times, and started again
// on its port. slogship loses nothing: the server acknowledges every record in
// the end, and has all that it acknowledged after its last return. What it had
// acknowledged before a kill, and lost, is the server's.
func TestServerIsKilled(t *testing.T) {
	for _, c := range backends {
		t.Run(c.name, func(t *testing.T) {
			b := c.prepare(t)
			start(t, b.server)
			b.setUp(t)
			book := &ledger{}
			h := newHandler(t, b.url, slogship.Options{
				Format: b.format, Header: b.header, Client: book.client(),
				FlushInterval: 10 * time.Millisecond, BatchRecords: 200, MaxPending: 1 << 20,
			})
			acknowledge := func(n int) {
				t.Helper()
				before := h.Stats().Batches
				eventually(t, "more batches are acknowledged", func() bool { return h.Stats().Batches >= before+int64(n) })
			}

			stop, stopped := make(chan struct{}), make(chan int)
			go func() { // ends when stop is closed, and says how many it has logged
				n := 0
				for {
					select {
					case <-stop:
						stopped <- n
						return
					case <-time.After(2 * time.Millisecond):
					}
					if h.Stats().Pending > 20_000 {
						continue // the server takes long to return: nothing is to overflow
					}
					for range 20 {
						log(h, time.Now(), n, "a record of a stream", slog.String("user", "ada"), slog.Float64("ratio", 0.5))
						n++
					}
				}
			}()
			var returned time.Time
			for range 3 {
				acknowledge(20)
				if err := b.server.Kill(); err != nil {
					t.Fatal(err)
				}
				eventually(t, "it is seen, and records wait", func() bool {
					s := h.Stats()
					return s.LastError != nil && s.Pending > 1000
				})
				returned = time.Now() // nothing was acknowledged since the kill
				start(t, b.server)
			}
			acknowledge(20)
			close(stop)
			logged := <-stopped
			flush(t, h)

			wantStats(t, h, logged, slogship.Dropped{})
			acknowledged := book.acknowledged()
			if len(acknowledged) != logged {
				t.Errorf("slogship lost %d of %d records: no answer acknowledges them", logged-len(acknowledged), logged)
			}
			sent := book.sent()
			var stored map[string]int
			missing := 0 // of those acknowledged after the last return
			eventually(t, "all that it acknowledged after its last return is stored", func() bool {
				stored, missing = b.stored(t), 0
				for id, at := range acknowledged {
					if stored[id] == 0 && at.After(returned) {
						missing++
					}
				}
				return missing == 0
			})
			lost, twice := 0, 0
			for id := range acknowledged {
				if stored[id] == 0 {
					lost++
				}
			}
			for id, times := range stored {
				if sent[id] == 0 {
					t.Fatalf("%q was never sent", id)
				}
				if times > 1 {
					twice++
				}
				if times > sent[id] || times > 1 && b.once {
					t.Errorf("%s is there %d times, and was sent %d times", id, times, sent[id])
				}
			}
			t.Logf("%d logged, all acknowledged; the server lost %d that it had acknowledged, and has %d twice", logged, lost, twice)
		})
	}
}
