package slogship

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"regexp"
	"testing"
	"testing/synctest"
	"time"
)

// The body of a request is testdata/logflare.json, but for the ids and the ends
// of lines.
func TestLogflareBody(t *testing.T) {
	want, err := os.ReadFile("testdata/logflare.json")
	if err != nil {
		t.Fatal(err)
	}
	synctest.Test(t, func(t *testing.T) { // where it is midnight, UTC, of 2000-01-01
		tr := start(t, always(status(http.StatusOK)), Options{
			AddSource: true,
			Level:     slog.LevelDebug,
			ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
				if src, ok := a.Value.Any().(*slog.Source); ok {
					*src = slog.Source{Function: "main.pay", File: "/src/pay.go", Line: 42}
				}
				if a.Key == "password" {
					a.Value = slog.StringValue("[hidden]")
				}
				return a
			},
			ContextAttrs: func(context.Context) []slog.Attr { return []slog.Attr{slog.String("trace_id", "4bf92f35")} },
		})
		tr.log.Info("invoice paid", "id", 42, "took", 1500*time.Millisecond, "due", time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC))
		time.Sleep(1234567 * time.Nanosecond)
		tr.log.Warn("user's level", "level", "gold", "context", map[string]any{"cart": []any{1, "two", nil}}, "password", "hunter2")
		tr.log.With("service", "billing").WithGroup("request").Log(t.Context(), slog.LevelInfo+2, "grüße, <世界> & \"co\"\n", "method", "GET", slog.Group("url", "path", "/a?b=c", "port", 443), "err", errors.New("no \xff"))
		tr.log.Handler().Handle(t.Context(), slog.Record{Level: slog.LevelDebug - 3})
		time.Sleep(time.Minute)
		tr.wantRequests(1)
		got := tr.got()[0]
		if body := maskIDs(got.body); !bytes.Equal(body, bytes.ReplaceAll(want, []byte("\n"), nil)) {
			t.Errorf("got\n%s\nwant, lines joined,\n%s", body, want)
		}
		if ct := got.header.Get("Content-Type"); ct != "application/json" {
			t.Errorf("Content-Type: %s", ct)
		}
	})
}

func maskIDs(body []byte) []byte {
	return regexp.MustCompile(`"id":"[0-9a-f]{48}"`).ReplaceAll(body, []byte(`"id":"…"`))
}

// Logflare takes bodies of up to 12,000,000 bytes, gzip and no zstd.
func TestLogflareLayout(t *testing.T) {
	l := Logflare().Layout()
	if l.MaxBytes != 12_000_000 || l.Zstd || l.NoGzip || l.ContentType != "application/json" || l.MaxRecords != 0 {
		t.Errorf("%+v", l)
	}
	if _, err := New("http://logs.test", &Options{Compression: Zstd}); err == nil {
		t.Error("New takes zstd")
	}
}

// Logflare's 406 is final, one reason for each record that was refused; any
// other answer means what its status says.
func TestLogflareReadAnswer(t *testing.T) {
	for name, tt := range map[string]struct {
		status int
		body   string
		err    error
		want   Verdict
	}{
		"one reason":          {406, `{"message":["bad key"]}`, nil, Verdict{Action: Accept, Refused: 1, Reason: "bad key"}},
		"several":             {406, `{"message":["a","b"]}`, nil, Verdict{Action: Accept, Refused: 2, Reason: "a; b"}},
		"more than are told":  {406, `{"message":["a","b","c","d"]}`, nil, Verdict{Action: Accept, Refused: 4, Reason: "a; b; c"}},
		"more than records":   {406, `{"message":["a","a","a","a","a","a","a"]}`, nil, Verdict{Action: Accept, Refused: 5, Reason: "a; a; a"}},
		"no strings":          {406, `{"message":[{"field":"x"},null]}`, nil, Verdict{Action: Accept, Refused: 2}},
		"no reasons":          {406, `{"message":[]}`, nil, Verdict{Action: Accept, Refused: 5}},
		"no list":             {406, `{"message":"bad"}`, nil, Verdict{Action: Accept, Refused: 5}},
		"no message":          {406, `{"error":"bad"}`, nil, Verdict{Action: Accept, Refused: 5}},
		"HTML":                {406, `<html>406</html>`, nil, Verdict{Action: Accept, Refused: 5}},
		"nothing":             {406, ``, nil, Verdict{Action: Accept, Refused: 5}},
		"cut off":             {406, `{"message":["a"`, nil, Verdict{Action: Accept, Refused: 5}},
		"not read to the end": {406, `{"message":["a"]}`, errors.New("reset"), Verdict{Action: Accept, Refused: 5}},
		"taken":               {200, `{"message":"Logged!"}`, nil, Verdict{}},
		"bad key":             {401, `{"error":"Unauthorized"}`, nil, Verdict{}},
		"too large":           {413, `{"message":["a"]}`, nil, Verdict{}},
		"busy":                {429, ``, nil, Verdict{}},
		"broken":              {500, ``, nil, Verdict{}},
	} {
		got := Logflare().ReadAnswer(Answer{Status: tt.status, Body: []byte(tt.body), Err: tt.err, Records: 5})
		if got.Action != tt.want.Action || got.Refused != tt.want.Refused || got.Reason != tt.want.Reason || got.Outcomes != nil {
			t.Errorf("%s: %+v, want %+v", name, got, tt.want)
		}
	}
}

// A format without a part of the record leaves no trace of it.
func TestLogflareWithoutParts(t *testing.T) {
	h := shipTo(t, hanging, Options{ReplaceAttr: func([]string, slog.Attr) slog.Attr { return slog.Attr{} }, AddSource: true})
	if got, want := string(maskIDs(eventOf(t, h, recordWith(slog.Int("a", 1))))), `{"id":"…","metadata":{}}`; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// Each part is in its own place, with the kind that ReplaceAttr gave it; what it left
// out is not there.
func TestLogflareEvent(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.FixedZone("", 3600))
	const level, message = `"level":"info"`, `"message":"m"`
	null := slog.AnyValue(&JSON{Text: "null"})
	for _, tt := range []struct {
		event Event
		want  string // after the id
	}{
		{Event{}, `"message":"","metadata":{` + level + `}`},
		{Event{NoMessage: true, NoLevel: true}, `"metadata":{}`},
		{Event{Message: "m", Time: at}, `"timestamp":"2026-01-02T02:04:05.678901Z",` + message + `,"metadata":{` + level + `}`},
		{Event{Message: "m", Level: slog.LevelWarn + 1}, message + `,"metadata":{"level":"warn+1"}`},
		{Event{Message: "m", TimeValue: slog.IntValue(1767323045)}, `"timestamp":1767323045,` + message + `,"metadata":{` + level + `}`},
		{Event{Message: "m", TimeValue: slog.StringValue("")}, `"timestamp":"",` + message + `,"metadata":{` + level + `}`},
		{Event{Message: "m", LevelValue: slog.IntValue(30)}, message + `,"metadata":{"level":30}`},
		{Event{Message: "m", LevelValue: null}, message + `,"metadata":{"level":null}`},
		{Event{Message: "m", LevelValue: slog.StringValue("")}, message + `,"metadata":{"level":""}`},
		{Event{MessageValue: slog.GroupValue(slog.Int("a", 1))}, `"message":{"a":1},"metadata":{` + level + `}`},
		{Event{Message: "m", Source: []slog.Attr{slog.String("file", "a.go"), slog.Int("line", 7)}}, message + `,"metadata":{` + level + `,"context":{"file":"a.go","line":7}}`},
		{Event{Message: "m", NoLevel: true, Source: []slog.Attr{slog.Int("line", 7)}, Attrs: []slog.Attr{slog.Int("a", 1)}}, message + `,"metadata":{"context":{"line":7},"a":1}`},
		{Event{Message: "m", SourceValue: slog.StringValue("a.go:7")}, message + `,"metadata":{` + level + `,"context":"a.go:7"}`},
		{Event{Message: "m", NoLevel: true, Attrs: []slog.Attr{slog.Int("a", 1)}}, message + `,"metadata":{"a":1}`},
		{Event{Message: "m", Attrs: []slog.Attr{
			slog.Group("g", slog.Duration("d", time.Second), slog.Bool("b", true)), slog.Time("t", at), slog.Uint64("u", 1<<63), slog.Float64("f", 1.5),
			slog.Any("j", &JSON{Text: `[1,{"a":null}]`}), slog.Any("y", &Bytes{Data: []byte("bytes")}), slog.Any("e", &Error{Text: "no \xff", Type: "*main.oops"}),
		}}, message + `,"metadata":{` + level + `,"g":{"d":1000000000,"b":true},"t":"2026-01-02T03:04:05.678901234+01:00","u":9223372036854775808,"f":1.5,` +
			`"j":[1,{"a":null}],"y":"Ynl0ZXM=","e":"no ` + "\ufffd" + `"}`},
	} {
		tt.event.ID = "i"
		if got := string(Logflare().AppendEvent([]byte("x"), &tt.event)); got != `x{"id":"i",`+tt.want+`}` {
			t.Errorf("got %s, want %s", got, tt.want)
		}
	}
}
