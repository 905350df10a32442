package slogshiptest

import (
	"context"
	"log/slog"
	"net/http"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// A Target is what [NewHandler] ships to: a [*Receiver] or a [*Server].
type Target interface {
	target() (r *Receiver, client *http.Client)
}

func (r *Receiver) target() (*Receiver, *http.Client) { return r, r.Client() }
func (s *Server) target() (*Receiver, *http.Client)   { return s.Receiver, nil }

// Settings of NewHandler's handlers: a test waits for nothing.
const (
	testFlushInterval = 10 * time.Millisecond
	testMinBackoff    = time.Millisecond
	testMaxBackoff    = 2 * time.Second
	testShutdown      = time.Second
)

// NewHandler returns a Handler that ships to backend, with settings for tests. The
// Handler is shut down when t ends.
//
//	backend := slogshiptest.NewServer(t)
//	h := slogshiptest.NewHandler(t, backend)
//	pay(slog.New(h), invoice)
//	if err := h.Flush(t.Context()); err != nil {
//		t.Fatal(err)
//	}
//
// It has the backend's credentials and Format, logs from DEBUG on, has a FlushInterval
// of 10 ms and back-offs from 1 ms to 2 s, and passes errors to t.Log. A field that is
// set in options is used instead; its Header is added to the credentials. If more than
// one Options are given, t fails. With a [Receiver], the Handler needs no socket and
// works in a bubble of testing/synctest.
//
// When t ends, the Handler has one second to send its records. If some are left, that
// is logged, but the test does not fail. To make it fail, check the error of Flush or
// Close in the test.
func NewHandler(t testing.TB, backend Target, options ...slogship.Options) *slogship.Handler {
	t.Helper()
	var o slogship.Options
	switch len(options) {
	case 0:
	case 1:
		o = options[0]
	default:
		t.Fatalf("slogshiptest: NewHandler got %d Options, want one at most", len(options))
	}
	r, client := backend.target()
	header := r.Header()
	for name, values := range o.Header {
		header[http.CanonicalHeaderKey(name)] = values
	}
	o.Header = header
	if o.Client == nil {
		o.Client = client
	}
	if o.Format == nil {
		o.Format = r.as.format()
	}
	if o.Level == nil {
		o.Level = slog.LevelDebug
	}
	if o.FlushInterval == 0 {
		o.FlushInterval = testFlushInterval
	}
	if o.MinBackoff == 0 && o.MaxBackoff == 0 {
		o.MinBackoff, o.MaxBackoff = testMinBackoff, testMaxBackoff
	}
	if o.OnError == nil {
		o.OnError = func(err error) { t.Log(err) }
	}
	h, err := slogship.New(r.URL, &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testShutdown)
		defer cancel()
		if err := h.Shutdown(ctx); err != nil {
			t.Logf("slogshiptest: the handler was shut down: %v", err)
		}
	})
	return h
}

// format is a Format for the backend, whose records its receiver reads.
func (s *spec) format() slogship.Format {
	if s == nil {
		return slogship.Logflare()
	}
	switch s.name {
	case "Axiom":
		return formats.Axiom(formats.AxiomOptions{})
	case "BetterStack":
		return formats.BetterStack(formats.BetterStackOptions{})
	case "Datadog":
		return formats.Datadog(formats.DatadogOptions{})
	case "Elasticsearch":
		return formats.Elasticsearch(formats.ElasticsearchOptions{Index: sourceName})
	case "Honeycomb":
		return formats.Honeycomb(formats.HoneycombOptions{})
	case "Loki":
		return formats.Loki(formats.LokiOptions{})
	case "NewRelic":
		return formats.NewRelic(formats.NewRelicOptions{})
	case "OTLP":
		return formats.OTLP(formats.OTLPOptions{})
	case "Seq":
		return formats.Seq(formats.SeqOptions{})
	case "Splunk":
		return formats.Splunk(formats.SplunkOptions{})
	case "VictoriaLogs":
		return formats.VictoriaLogs(formats.VictoriaLogsOptions{})
	}
	panic("slogshiptest: no format for " + s.name)
}
