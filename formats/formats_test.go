package formats_test

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slogship/slogship"
)

// A request is what a backend got.
type request struct {
	at     time.Time
	header http.Header
	body   string
}

// A response is what a backend answers.
type response struct {
	status int
	header http.Header
	body   string
}

// A backend takes requests inside the process.
type backend struct {
	answer  func(n int, r request) response // to the n-th request, from 0; if nil, 200
	discard bool                            // nothing is read, and all is taken

	mu       sync.Mutex // guards what follows
	requests []request
}

func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.discard {
		return respond(r, response{status: http.StatusNoContent}), nil
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	n := len(b.requests)
	b.requests = append(b.requests, request{at: time.Now(), header: r.Header, body: string(body)})
	got := b.requests[n]
	b.mu.Unlock()
	a := response{status: http.StatusOK}
	if b.answer != nil {
		a = b.answer(n, got)
	}
	return respond(r, a), nil
}

func respond(r *http.Request, a response) *http.Response {
	if a.header == nil {
		a.header = http.Header{}
	}
	return &http.Response{
		StatusCode: a.status, Header: a.header, Body: io.NopCloser(strings.NewReader(a.body)),
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Request: r,
	}
}

func (b *backend) got() []request {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.requests
}

// ship returns a handler that ships to b uncompressed, and whose errors go to
// where.
func ship(tb testing.TB, f slogship.Format, b *backend, o slogship.Options) *slogship.Handler {
	tb.Helper()
	o.Format = f
	o.Compression = slogship.None
	o.Client = &http.Client{Transport: b}
	if o.OnError == nil {
		o.OnError = func(error) {}
	}
	h, err := slogship.New("http://backend.test/logs", &o)
	if err != nil {
		tb.Fatal(err)
	}
	return h
}

// shipped is the only event that comes of a record with attributes.
func shipped(tb testing.TB, s subject, o slogship.Options, r slog.Record) object {
	tb.Helper()
	var b backend
	h := ship(tb, s.format, &b, o)
	if err := h.Handle(context.Background(), r); err != nil {
		tb.Fatal(err)
	}
	if err := h.Close(); err != nil {
		tb.Fatal(err)
	}
	requests := b.got()
	if len(requests) != 1 {
		tb.Fatalf("%s: %d requests, want 1; %+v", s.name, len(requests), h.Stats())
	}
	events := s.events(tb, requests[0].body)
	if len(events) != 1 {
		tb.Fatalf("%s: %d events, want 1, in %s", s.name, len(events), requests[0].body)
	}
	return events[0]
}

func record(level slog.Level, message string, attrs ...slog.Attr) slog.Record {
	r := slog.NewRecord(someTime, level, message, 0)
	r.AddAttrs(attrs...)
	return r
}

// Attributes mean what they mean to slog.JSONHandler, in all formats.
func TestAttributesAreThoseOfJSONHandler(t *testing.T) {
	attrs := []slog.Attr{
		slog.String("s", "quote \" backslash \\ newline \n tab \t bell \a é 日本 🚢 \u2028"),
		slog.String("empty", ""), slog.String("", "no name"), slog.String(`na"me`, "odd"),
		slog.Int64("int64", -1<<63), slog.Uint64("uint64", 1<<64-1),
		slog.Float64("float64", 1.7976931348623157e308), slog.Float64("small", 5e-324), slog.Float64("tenth", 0.1),
		slog.Bool("bool", true), slog.Duration("duration", 1503*time.Microsecond), slog.Time("at", someTime),
		slog.Any("nil", nil), slog.Any("failure", errors.New("no such \"file\"")),
		slog.Any("struct", struct {
			A int               `json:"a"`
			B map[string]string `json:"b"`
		}{1, map[string]string{"k": `C:\temp`}}),
		slog.Any("slice", []int{1, 2, 3}),
		slog.Group("group", slog.String("name", "x"), slog.Group("inner", slog.Int("n", 1), slog.String("level", "deep"))),
	}
	r := record(slog.LevelInfo, "m", attrs...)
	var want bytes.Buffer
	jsonHandler := slog.NewJSONHandler(&want, nil)
	if err := jsonHandler.Handle(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	wanted := decode(t, want.String()).(object)
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			got := s.attrs(t, shipped(t, s, slogship.Options{}, r))
			for _, a := range attrs {
				name := a.Key
				if name == "" && s.name == "victorialogs" {
					name = "_" // what has no name is the message there
				}
				g, w := fmt.Sprint(got[name]), fmt.Sprint(wanted[a.Key])
				if g != w {
					t.Errorf("%q is %s, want %s", a.Key, g, w)
				}
			}
		})
	}
}

// What a record has stands where the format has it.
func TestBuiltIns(t *testing.T) {
	times := map[string]string{ // by the format, or "" for most
		"":           "2026-03-04T05:06:07.890123456Z",
		"json_field": "1772600767890", "newrelic": "1772600767890", "datadog": "1772600767890",
		"clickhouse": "2026-03-04 05:06:07.890123456", "clickhouse_spread": "1772600767",
		"splunk": "1772600767.890123456",
	}
	levels := map[string]string{"": "warn", "json": "WARN", "ndjson": "WARN", "seq": "Warning"}
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			event := shipped(t, s, slogship.Options{}, record(slog.LevelWarn, "hello"))
			if got, want := fmt.Sprint(s.must(t, event, s.time)), cmp.Or(times[s.name], times[""]); got != want {
				t.Errorf("time is %s, want %s", got, want)
			}
			if got, want := s.must(t, event, s.level), cmp.Or(levels[s.name], levels[""]); got != want {
				t.Errorf("level is %v, want %v", got, want)
			}
			if got := s.must(t, event, s.message); got != "hello" {
				t.Errorf("message is %v", got)
			}
			if s.id != "" {
				if id := s.must(t, event, s.id); len(id.(string)) != 48 {
					t.Errorf("id is %v, want 48 digits", id)
				}
			}
			if _, ok := s.member(t, event, s.source); ok {
				t.Errorf("%v has a source", event)
			}
		})
	}
}
