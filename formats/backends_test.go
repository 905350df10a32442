package formats_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
	"github.com/slogship/slogship/slogshiptest"
)

// A pair is a backend of slogshiptest and a format for it.
type pair struct {
	name    string
	backend slogshiptest.Backend
	format  slogship.Format
}

// pairs are all backends but Logflare.
func pairs() []pair {
	return []pair{
		{"Axiom", slogshiptest.Axiom, formats.Axiom(formats.AxiomOptions{})},
		{"BetterStack", slogshiptest.BetterStack, formats.BetterStack(formats.BetterStackOptions{})},
		{"Datadog", slogshiptest.Datadog, formats.Datadog(formats.DatadogOptions{Service: "checkout"})},
		{"Elasticsearch", slogshiptest.Elasticsearch, formats.Elasticsearch(formats.ElasticsearchOptions{Index: "logs"})},
		{"Honeycomb", slogshiptest.Honeycomb, formats.Honeycomb(formats.HoneycombOptions{})},
		{"Loki", slogshiptest.Loki, formats.Loki(formats.LokiOptions{})},
		{"Loki level label", slogshiptest.Loki, formats.Loki(formats.LokiOptions{LevelLabel: "level"})},
		{"NewRelic", slogshiptest.NewRelic, formats.NewRelic(formats.NewRelicOptions{})},
		{"OTLP protobuf", slogshiptest.OTLP, formats.OTLP(formats.OTLPOptions{})},
		{"OTLP JSON", slogshiptest.OTLP, formats.OTLP(formats.OTLPOptions{Encoding: formats.OTLPJSON})},
		{"Seq", slogshiptest.Seq, formats.Seq(formats.SeqOptions{})},
		{"Splunk", slogshiptest.Splunk, formats.Splunk(formats.SplunkOptions{Host: "web-17"})},
		{"VictoriaLogs", slogshiptest.VictoriaLogs, formats.VictoriaLogs(formats.VictoriaLogsOptions{})},
	}
}

// has reports whether a record has the attribute n=i, which Loki keeps as text.
func has(r slogshiptest.Record, i int) bool { return fmt.Sprint(r.Attrs["n"]) == fmt.Sprint(i) }

// shipTo returns a handler that ships to r as a user would: gzip, if the format
// has it, and the receiver's own credentials.
func shipTo(t *testing.T, r *slogshiptest.Receiver, f slogship.Format) *slogship.Handler {
	t.Helper()
	h, err := slogship.New(r.URL, &slogship.Options{
		Format: f, Header: r.Header(), Client: r.Client(), OnError: func(err error) { t.Log(err) },
	})
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// messages are those of what r has taken, each once.
func messages(r *slogshiptest.Receiver) (all []string) {
	for _, got := range r.Records() {
		all = append(all, got.Message)
	}
	return all
}

// overBackends runs f for each pair, in fake time.
func overBackends(t *testing.T, f func(t *testing.T, b slogshiptest.Backend, format slogship.Format)) {
	for _, p := range pairs() {
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { f(t, p.backend, p.format) })
		})
	}
}

// overFailures runs f for each documented failure of each pair, in fake time.
func overFailures(t *testing.T, f func(t *testing.T, p pair, failure slogshiptest.Failure)) {
	for _, p := range pairs() {
		for _, failure := range p.backend.Failures() {
			if p.name == "Loki level label" && failure.Status == 400 {
				continue // one error for one stream, and these are several
			}
			t.Run(fmt.Sprint(p.name, " ", failure.Status, " ", failure.Body), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { f(t, p, failure) })
			})
		}
	}
}

// logNumbered logs "record 0", "record 1", ... and returns those for which keep
// reports true.
func logNumbered(h *slogship.Handler, n int, keep func(i int) bool) (kept []string) {
	for i := range n {
		m := fmt.Sprintf("record %d", i)
		h.Handle(context.Background(), record(slog.LevelInfo, m, slog.Int("n", i)))
		if keep == nil || keep(i) {
			kept = append(kept, m)
		}
	}
	return kept
}

// A record arrives with all that it had, where the backend looks for it.
func TestBackendsReadRecords(t *testing.T) {
	millis := someTime.Truncate(time.Millisecond)
	overBackends(t, func(t *testing.T, b slogshiptest.Backend, f slogship.Format) {
		r := slogshiptest.NewReceiver(b)
		h := shipTo(t, r, f)
		h.Handle(context.Background(), record(slog.LevelWarn, "quote \" and 日本", slog.String("s", "x"), slog.Group("g", slog.Int("n", 1))))
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		if r.Len() != 1 {
			t.Fatalf("%d records, want 1; %+v", r.Len(), h.Stats())
		}
		got := r.Records()[0]
		wantTime, wantLevel := someTime, "warn"
		switch b {
		case slogshiptest.Datadog, slogshiptest.NewRelic:
			wantTime = millis
		case slogshiptest.Seq:
			wantLevel = "Warning"
		case slogshiptest.OTLP:
			wantLevel = "WARN"
		}
		if got.Message != "quote \" and 日本" || got.Level != wantLevel || !got.Time.Equal(wantTime) || len(got.ID) != 48 {
			t.Errorf("got %+v, want level %q and time %v", got, wantLevel, wantTime)
		}
		want := object{"s": "x", "g": object{"n": json.Number("1")}}
		if b == slogshiptest.Loki {
			want = object{"s": "x", "g_n": "1"}
		}
		if fmt.Sprint(got.Attrs) != fmt.Sprint(want) {
			t.Errorf("attributes %v, want %v", got.Attrs, want)
		}
		if again := r.Requests()[0].Records(); len(again) != 1 || again[0].Message != got.Message {
			t.Errorf("the request has the records %+v", again)
		}
	})
}

// zstd arrives like gzip, where the backend inflates it.
func TestBackendsInflateZstd(t *testing.T) {
	overBackends(t, func(t *testing.T, b slogshiptest.Backend, f slogship.Format) {
		if !f.Layout().Zstd {
			return
		}
		r := slogshiptest.NewReceiver(b)
		h, err := slogship.New(r.URL, &slogship.Options{Format: f, Header: r.Header(), Client: r.Client(), Compression: slogship.Zstd})
		if err != nil {
			t.Fatal(err)
		}
		want := logNumbered(h, 100, nil)
		h.Close()
		q := r.Requests()[0]
		if got := messages(r); !slices.Equal(got, want) || q.Header.Get("Content-Encoding") != "zstd" || len(q.Records()) != 100 {
			t.Errorf("%d records and %d in the request, encoded %q", len(got), len(q.Records()), q.Header.Get("Content-Encoding"))
		}
	})
}

// A record is the same in both encodings of OTLP, whatever is in it.
func TestOTLPBackendReadsBothEncodings(t *testing.T) {
	attrs := []slog.Attr{
		slog.String("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"), slog.String("span_id", "00f067aa0ba902b7"),
		slog.Int64("int64", -1<<63), slog.Float64("float64", 0.1), slog.Float64("nan", math.NaN()), slog.Bool("bool", true),
		slog.Any("bytes", []byte("ab")), slog.Any("nil", nil), slog.Any("list", []any{1, "two", []int{3}}),
		slog.Group("g", slog.Group("h", slog.String("empty", ""), slog.String("quote", "\" \\ \n é 🚢"))),
	}
	want := object{
		"trace_id": "4bf92f3577b34da6a3ce929d0e0e4736", "span_id": "00f067aa0ba902b7",
		"int64": json.Number("-9223372036854775808"), "float64": json.Number("0.1"), "nan": "NaN", "bool": true,
		"bytes": "YWI=", "nil": nil, "list": []any{json.Number("1"), "two", []any{json.Number("3")}},
		"g": object{"h": object{"empty": "", "quote": "\" \\ \n é 🚢"}},
	}
	for _, e := range []formats.OTLPEncoding{formats.OTLPProtobuf, formats.OTLPJSON} {
		r := slogshiptest.NewReceiver(slogshiptest.OTLP)
		h := shipTo(t, r, formats.OTLP(formats.OTLPOptions{Encoding: e, Resource: []slog.Attr{slog.String("service.name", "shop"), slog.Int("n", 7)}}))
		h.Handle(context.Background(), record(slog.LevelInfo, "m", attrs...))
		if err := h.Close(); err != nil {
			t.Fatal(err)
		}
		got := r.Records()[0]
		if !reflect.DeepEqual(got.Attrs, want) {
			t.Errorf("%d: attributes\n%v, want\n%v", e, got.Attrs, want)
		}
		if want := (object{"service.name": "shop", "n": json.Number("7")}); !reflect.DeepEqual(got.Context, want) {
			t.Errorf("%d: context %v, want %v", e, got.Context, want)
		}
		if !json.Valid(got.Raw) || got.Level != "INFO" || got.Message != "m" {
			t.Errorf("%d: %+v", e, got)
		}
	}
}

// One bad answer loses nothing, whichever it is: everything is there in the end,
// once, and in order.
func TestBackendsFailOnce(t *testing.T) {
	overFailures(t, func(t *testing.T, p pair, f slogshiptest.Failure) {
		r := slogshiptest.NewReceiver(p.backend)
		h := shipTo(t, r, p.format)
		r.Fail(f)
		want := logNumbered(h, 4, nil)
		if err := h.Flush(contextFor(t, time.Hour)); err != nil {
			t.Errorf("Flush: %v", err)
		}
		h.Close()
		if got := messages(r); !slices.Equal(got, want) || r.Duplicates() != 0 {
			t.Errorf("%q and %d duplicates, want %q", got, r.Duplicates(), want)
		}
		if got := h.Stats(); got.Delivered != 4 || got.Dropped.Total() != 0 || len(r.Requests()) < 2 {
			t.Errorf("%d requests, %d delivered, dropped %+v", len(r.Requests()), got.Delivered, got.Dropped)
		}
	})
}

// A backend that gives the same bad answer to everything, whichever it is, costs
// nothing.
func TestBackendsGoOnFailing(t *testing.T) {
	overFailures(t, func(t *testing.T, p pair, f slogshiptest.Failure) {
		r := slogshiptest.NewReceiver(p.backend)
		h := shipTo(t, r, p.format)
		f.Requests = 0
		r.Fail(f)
		want := logNumbered(h, 4, nil)
		time.Sleep(10 * time.Minute)
		r.Recover()
		h.Flush(contextFor(t, time.Hour))
		h.Close()
		if got := h.Stats(); got.Delivered != 4 || !slices.Equal(messages(r), want) || r.Duplicates() != 0 {
			t.Errorf("%q and %d duplicates, want %q; %+v", messages(r), r.Duplicates(), want, got)
		}
	})
}

// A record that a backend refuses costs only itself, be it named, counted, or
// made to refuse its batch.
func TestBackendsRejectRecords(t *testing.T) {
	const records = 40
	bad := []int{0, 7, 8, 39}
	overBackends(t, func(t *testing.T, b slogshiptest.Backend, f slogship.Format) {
		r := slogshiptest.NewReceiver(b)
		r.RejectRecords(func(got slogshiptest.Record) string {
			if slices.ContainsFunc(bad, func(i int) bool { return has(got, i) }) {
				return "no good"
			}
			return ""
		})
		h := shipTo(t, r, f)
		want := logNumbered(h, records, func(i int) bool { return !slices.Contains(bad, i) })
		h.Flush(contextFor(t, time.Hour))
		h.Close()
		if got := messages(r); !slices.Equal(got, want) || r.Duplicates() != 0 {
			t.Errorf("%q and %d duplicates, want %q", got, r.Duplicates(), want)
		}
		wantRejected := int64(len(bad))
		switch b {
		case slogshiptest.NewRelic, slogshiptest.VictoriaLogs:
			wantRejected = 0 // acknowledged and dropped: nobody can know
		}
		if got := h.Stats(); got.Dropped.Rejected != wantRejected || got.Delivered != records-wantRejected {
			t.Errorf("%d delivered, dropped %+v, want %d rejected", got.Delivered, got.Dropped, wantRejected)
		}
	})
}

// VictoriaLogs says of a request that it could read nothing of it.
func TestVictoriaLogsReadsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := slogshiptest.NewReceiver(slogshiptest.VictoriaLogs)
		r.RejectRecords(func(slogshiptest.Record) string { return "no good" })
		h := shipTo(t, r, formats.VictoriaLogs(formats.VictoriaLogsOptions{}))
		logNumbered(h, 3, nil)
		h.Flush(contextFor(t, time.Hour))
		if got := h.Stats(); got.Pending != 3 {
			t.Errorf("%+v, want 3 pending", got)
		}
		h.Close()
	})
}

// Events that a backend does not take now are sent again, those alone, until it
// does; those that it never takes are dropped; and what is there already is
// delivered.
func TestBackendsAnswerRecords(t *testing.T) {
	for _, p := range pairs() {
		if p.backend != slogshiptest.Elasticsearch && p.backend != slogshiptest.Honeycomb {
			continue
		}
		t.Run(p.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := slogshiptest.NewReceiver(p.backend)
				tries := map[string]int{}
				r.AnswerRecords(func(got slogshiptest.Record) int {
					tries[got.Message]++
					switch {
					case got.Message == "record 3":
						return 400
					case got.Message == "record 5" && tries[got.Message] < 4:
						return 429
					case got.Message == "record 7" && tries[got.Message] < 3:
						return 503
					}
					return 0
				})
				r.Fail(slogshiptest.Failure{Requests: 1, Cut: true}) // what was taken comes again
				h := shipTo(t, r, p.format)
				logNumbered(h, 10, nil)
				h.Flush(contextFor(t, time.Hour))
				h.Close()
				got := messages(r)
				slices.Sort(got)
				want := []string{"record 0", "record 1", "record 2", "record 4", "record 5", "record 6", "record 7", "record 8", "record 9"}
				if !slices.Equal(got, want) {
					t.Errorf("%q, want %q", got, want)
				}
				if got := h.Stats(); got.Delivered != 9 || got.Dropped.Rejected != 1 {
					t.Errorf("%d delivered, dropped %+v", got.Delivered, got.Dropped)
				}
				if tries["record 0"] != 2 || tries["record 5"] < 4 || tries["record 7"] < 3 {
					t.Errorf("tries: %v", tries)
				}
			})
		})
	}
}

// Wrong credentials are wrong set-up in every backend that has some: the records
// wait until they are right.
func TestBackendsRefuseCredentials(t *testing.T) {
	overBackends(t, func(t *testing.T, b slogshiptest.Backend, f slogship.Format) {
		r := slogshiptest.NewReceiver(b)
		wrong := r.Header()
		for name := range wrong {
			wrong[name] = []string{wrong.Get(name) + "x"}
		}
		for _, header := range []map[string][]string{nil, wrong} {
			if len(wrong) == 0 {
				continue
			}
			r.Reset()
			h, err := slogship.New(r.URL, &slogship.Options{Format: f, Header: header, Client: r.Client(), OnError: func(error) {}})
			if err != nil {
				t.Fatal(err)
			}
			logNumbered(h, 1, nil)
			time.Sleep(10 * time.Minute)
			if got := h.Stats(); got.Pending != 1 || got.Dropped.Total() != 0 || r.Len() != 0 {
				t.Errorf("%+v, want that the record waits", got)
			}
			if n := len(r.Requests()); n < 10 || n > 25 {
				t.Errorf("%d requests in 10 minutes, want one each MaxBackoff", n)
			}
			h.Discard()
			h.Close()
		}
	})
}

// No limit of a backend is met, however much is logged at once.
func TestBackendsHaveTheirLimitsKept(t *testing.T) {
	const records = 2_500 // 2.5 MB
	message := strings.Repeat("x", 1_000)
	overBackends(t, func(t *testing.T, b slogshiptest.Backend, f slogship.Format) {
		r := slogshiptest.NewReceiver(b)
		h, err := slogship.New(r.URL, &slogship.Options{
			Format: f, Header: r.Header(), Client: r.Client(), BatchRecords: 1 << 20, BatchBytes: 1 << 30, MaxPendingBytes: 1 << 28,
		})
		if err != nil {
			t.Fatal(err)
		}
		for range records {
			h.Handle(context.Background(), record(slog.LevelInfo, message))
		}
		if err := h.Close(); err != nil {
			t.Error(err)
		}
		if r.Len() != records || r.Duplicates() != 0 {
			t.Errorf("%d records and %d duplicates, want %d; %+v", r.Len(), r.Duplicates(), records, h.Stats())
		}
		for _, q := range r.Requests() {
			if q.Status/100 != 2 {
				t.Errorf("a request got a %d", q.Status)
			}
		}
	})
}
