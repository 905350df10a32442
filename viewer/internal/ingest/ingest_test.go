package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"

	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/jsontext"
)

var errBusy = errors.New("full")

// sink is a place that keeps what comes, or fails.
type sink struct {
	logs  []event.Log
	spans []event.Span
	err   error
}

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// post sends a body, and returns the answer.
func (s *sink) post(target, contentType, encoding string, body []byte) *httptest.ResponseRecorder {
	mux := http.NewServeMux()
	h := &Handler{Busy: errBusy, MaxBytes: 1 << 20, now: func() time.Time { return noon }}
	h.Sink = func(_ context.Context, logs []event.Log, spans []event.Span) error {
		if s.err == nil {
			s.logs, s.spans = append(s.logs, logs...), append(s.spans, spans...)
		}
		return s.err
	}
	h.Register(mux)
	r := httptest.NewRequest(http.MethodPost, target, bytes.NewReader(body))
	r.Header.Set("Content-Type", contentType)
	r.Header.Set("Content-Encoding", encoding)
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

// says writes down what was kept, a record a line.
func (s *sink) says() string {
	var b strings.Builder
	for _, l := range s.logs {
		fmt.Fprintf(&b, "%s %s %s %q %s", time.Unix(0, l.Time).UTC().Format("15:04:05.999999999"), event.LevelName(l.Level), l.Source, l.Message, l.Attrs)
		if l.ID != "" {
			fmt.Fprintf(&b, " id=%s", l.ID)
		}
		if l.Trace != [16]byte{} {
			fmt.Fprintf(&b, " trace=%x span=%x", l.Trace, l.Span)
		}
		b.WriteByte('\n')
	}
	for _, p := range s.spans {
		fmt.Fprintf(&b, "%s %s %q route=%q kind=%d failed=%t %s parent=%x took=%v %s %s\n", time.Unix(0, p.Start).UTC().Format("15:04:05.999999999"),
			p.Source, p.Name, p.Route, p.Kind, p.Failed, p.Status, p.Parent, time.Duration(p.Duration), p.Attrs, p.Events)
	}
	return b.String()
}

const (
	traceHex = "4bf92f3577b34da6a3ce929d0e0e4736"
	spanHex  = "00f067aa0ba902b7"
)

// Each protocol's records come out as the same plain data.
func TestProtocols(t *testing.T) {
	for name, c := range map[string]struct{ target, contentType, body, want string }{
		"logflare": {
			"/logs?source=shop", "application/json",
			`{"batch":[{"id":"a1","timestamp":"2026-05-04T11:59:00.000001Z","message":"paid","metadata":{"level":"warn","context":{"line":7},"n":1}},
			{"message":"bare","metadata":{"level":"info+2","trace_id":"` + traceHex + `","span_id":"` + spanHex + `"}},{"message":"x","metadata":{"level":"info"}}]}`,
			"11:59:00.000001 warn shop \"paid\" {\"context\":{\"line\":7},\"n\":1} id=a1\n" +
				"12:00:00 info+2 shop \"bare\" {\"trace_id\":\"" + traceHex + "\",\"span_id\":\"" + spanHex + "\"} trace=" + traceHex + " span=" + spanHex + "\n" +
				"12:00:00 info shop \"x\" \n",
		},
		"logflare, somebody else's": {
			"/logs?source_name=s", "application/json", `[{"message":"m","timestamp":1777895940,"extra":[1]}]`,
			"11:59:00 info s \"m\" {\"extra\":[1]}\n",
		},
		"ndjson": {
			"/ndjson", "application/x-ndjson",
			`{"time":"2026-05-04T11:59:00Z","level":"ERROR","msg":"slog's","n":1}` + "\n\n" +
				`{"ts":1777895940.5,"severity":"warning","message":"zap's","service":"pay"}` + "\n" +
				`{"level":50,"time":1777895940000,"msg":"pino's","id":42}` + "\n" + `{"level":"loud","msg":3}`,
			"11:59:00 error default \"slog's\" {\"n\":1}\n11:59:00.5 warn pay \"zap's\" {\"service\":\"pay\"}\n" +
				"11:59:00 error default \"pino's\" {\"id\":42}\n12:00:00 info default \"\" {\"level\":\"loud\",\"msg\":3}\n",
		},
		"otlp logs, json": {
			"/v1/logs", "application/json; charset=utf-8",
			`{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"api"}},{"key":"telemetry.sdk.name","value":{"stringValue":"x"}},
			{"key":"host","value":{"stringValue":"h"}}]},"scopeLogs":[{"logRecords":[{"timeUnixNano":"1777895940000000001","severityNumber":17,"body":{"stringValue":"bad"},
			"traceId":"` + traceHex + `","spanId":"` + spanHex + `","attributes":[{"key":"log.record.uid","value":{"stringValue":"u"}},{"key":"n","value":{"intValue":"12"}},
			{"key":"f","value":{"doubleValue":0.5}},{"key":"a","value":{"arrayValue":{"values":[{"boolValue":true},{}]}}},{"key":"n","value":{"kvlistValue":{"values":[{"key":"x","value":{"intValue":3}}]}}}]},
			{"observedTimeUnixNano":1777895940000000002,"severityText":"debug","body":{"intValue":"5"}}]}]}]}`,
			"11:59:00.000000001 error api \"bad\" {\"f\":0.5,\"a\":[true,null],\"n\":{\"x\":3},\"resource.host\":\"h\"} id=u trace=" + traceHex + " span=" + spanHex + "\n" +
				"11:59:00.000000002 debug api \"5\" {\"resource.host\":\"h\"}\n",
		},
		"otlp traces, json": {
			"/v1/traces", "application/json",
			`{"resourceSpans":[{"scopeSpans":[{"spans":[{"traceId":"` + traceHex + `","spanId":"` + spanHex + `","name":"GET","kind":2,"startTimeUnixNano":"1777895940000000000",
			"endTimeUnixNano":"1777895941000000000","status":{"code":2,"message":"broken"},"attributes":[{"key":"http.request.method","value":{"stringValue":"GET"}},
			{"key":"http.route","value":{"stringValue":"/u/{id}"}}],"events":[{"timeUnixNano":"5","name":"exception","attributes":[{"key":"exception.type","value":{"stringValue":"E"}}]}]}]}]}]}`,
			"11:59:00 default \"GET\" route=\"GET /u/{id}\" kind=2 failed=true broken parent=0000000000000000 took=1s " +
				"{\"http.request.method\":\"GET\",\"http.route\":\"/u/{id}\"} [{\"time\":\"5\",\"name\":\"exception\",\"attrs\":{\"exception.type\":\"E\"}}]\n",
		},
		"otlp logs, protobuf": {
			"/v1/logs", "application/x-protobuf", string(protobufLogs()),
			"11:59:00 warn api \"hi\" {\"n\":-3,\"list\":[1.5,\"NaN\"],\"map\":{\"b\":true},\"bytes\":\"AQI=\"} trace=" + traceHex + " span=" + spanHex + "\n",
		},
		"otlp traces, protobuf": {
			"/v1/traces", "application/x-protobuf", string(protobufSpans()),
			"11:59:00 api \"work\" route=\"\" kind=1 failed=true oh parent=" + spanHex + " took=2ms {\"n\":-3} [{\"time\":\"7\",\"name\":\"e\",\"attrs\":{\"n\":-3}}]\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var s sink
			w := s.post(c.target, c.contentType, "", []byte(c.body))
			if w.Code != http.StatusOK {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
			if got := s.says(); got != c.want {
				t.Errorf("got\n%swant\n%s", got, c.want)
			}
		})
	}
}

// message writes a protobuf field with a length.
func message(field int, parts ...[]byte) []byte {
	b := bytes.Join(parts, nil)
	return append(binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3|2), uint64(len(b))), b...)
}

func varint(field int, n int64) []byte {
	return binary.AppendUvarint(binary.AppendUvarint(nil, uint64(field)<<3), uint64(n))
}

func fixed(field int, n uint64) []byte {
	return binary.LittleEndian.AppendUint64(binary.AppendUvarint(nil, uint64(field)<<3|1), n)
}

func unhex(s string) []byte {
	b, _ := hex.DecodeString(s)
	return b
}

func text1(s string) []byte { return message(1, []byte(s)) }

func protobufResource() []byte {
	return message(1, message(1, text1("service.name"), message(2, text1("api"))))
}

func protobufLogs() []byte {
	record := message(2, fixed(1, 1777895940e9), varint(2, 13), message(5, text1("hi")),
		message(6, text1("n"), message(2, varint(3, -3))),
		message(6, text1("list"), message(2, message(5, message(1, fixed(4, 0x3ff8000000000000)), message(1, fixed(4, 0x7ff8000000000001))))),
		message(6, text1("map"), message(2, message(6, message(1, text1("b"), message(2, varint(2, 1)))))),
		message(6, text1("bytes"), message(2, message(7, []byte{1, 2}))),
		message(9, unhex(traceHex)), message(10, unhex(spanHex)))
	return message(1, protobufResource(), message(2, record))
}

func protobufSpans() []byte {
	attr := func(field int) []byte { return message(field, text1("n"), message(2, varint(3, -3))) }
	good := message(2, message(1, unhex(traceHex)), message(2, unhex("0102030405060708")), message(4, unhex(spanHex)), message(5, []byte("work")),
		varint(6, 1), fixed(7, 1777895940e9), fixed(8, 1777895940e9+2e6), attr(9),
		message(11, fixed(1, 7), message(2, []byte("e")), attr(3)), message(15, message(2, []byte("oh")), varint(3, 2)))
	return message(1, message(2, good), protobufResource()) // the resource last: it may be
}

// What is refused, and how; nothing of a request that is refused whole is kept.
func TestRefused(t *testing.T) {
	bomb := func(n int) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(bytes.Repeat([]byte(" "), n))
		z.Close()
		return b.Bytes()
	}
	zbomb := func(n int) []byte {
		e, _ := zstd.NewWriter(nil)
		return e.EncodeAll(bytes.Repeat([]byte(" "), n), nil)
	}
	deep := []byte{}
	for range 100 {
		deep = message(5, message(1, deep))
	}
	for name, c := range map[string]struct {
		target, contentType, encoding string
		body                          []byte
		want                          int
	}{
		"no json":           {"/logs", "application/json", "", []byte(`{"batch":[`), 400},
		"no batch":          {"/logs", "application/json", "", []byte(`{"message":"x"}`), 400},
		"no utf-8":          {"/logs", "application/json", "", []byte("[{\"message\":\"\xff\"}]"), 400},
		"empty":             {"/logs", "application/json", "", nil, 400},
		"too long":          {"/ndjson", "", "", bytes.Repeat([]byte(" "), 1<<20+1), 413},
		"gzip bomb":         {"/ndjson", "", "gzip", bytes.Repeat(bomb(1<<20), 100), 413}, // members one after another
		"zstd bomb":         {"/ndjson", "", "zstd", bytes.Repeat(zbomb(1<<20), 100), 413},
		"broken gzip":       {"/ndjson", "", "gzip", []byte("no"), 400},
		"cut gzip":          {"/ndjson", "", "gzip", bomb(1000)[:20], 400},
		"broken zstd":       {"/ndjson", "", "zstd", []byte("no"), 400},
		"encoding":          {"/ndjson", "", "br", []byte("no"), 415},
		"type":              {"/v1/logs", "text/plain", "", nil, 415},
		"broken protobuf":   {"/v1/logs", "application/x-protobuf", "", []byte("nonsense"), 400},
		"cut protobuf":      {"/v1/traces", "application/x-protobuf", "", protobufSpans()[:90], 400},
		"nested too deeply": {"/v1/logs", "application/x-protobuf", "", message(1, message(2, message(2, message(5, deep)))), 400},
		"no otlp":           {"/v1/logs", "application/json", "", []byte(`{"resourceLogs":3}`), 400},
		"lines":             {"/ndjson", "", "", []byte("one\n[2]\n"), 422},
	} {
		var s sink
		w := s.post(c.target, c.contentType, c.encoding, c.body)
		if w.Code != c.want || len(s.logs)+len(s.spans) > 0 || !strings.Contains(w.Body.String(), "error") {
			t.Errorf("%s: %d %.200s, want %d", name, w.Code, w.Body, c.want)
		}
	}
}

// One bad record among good ones is refused alone, in the protocol's own words.
func TestPartlyRefused(t *testing.T) {
	badSpan := message(1, message(2, message(2, message(5, []byte("no ids")))))
	for name, c := range map[string]struct {
		target, contentType string
		body                []byte
		status, kept        int
		answer              string
	}{
		"logflare": {"/logs", "application/json", []byte(`[{"message":"a"},7,{"message":"b"}]`), 406, 2, `event 1 is not an object`},
		"ndjson":   {"/ndjson", "", []byte("{\"msg\":\"a\"}\nx\n{\"msg\":\"b\"}"), 207, 2, `line 2`},
		"json":     {"/v1/traces", "application/json", []byte(`{"resourceSpans":[{"scopeSpans":[{"spans":[{"name":"x"},{"traceId":"` + traceHex + `","spanId":"` + spanHex + `"}]}]}]}`), 200, 1, `"rejectedSpans":1`},
		"protobuf": {"/v1/traces", "application/x-protobuf", append(protobufSpans(), badSpan...), 200, 1, "\x08\x01\x12"},
	} {
		var s sink
		w := s.post(c.target, c.contentType, "", c.body)
		if w.Code != c.status || len(s.logs)+len(s.spans) != c.kept || !strings.Contains(w.Body.String(), c.answer) {
			t.Errorf("%s: %d %q, %d kept", name, w.Code, w.Body, len(s.logs)+len(s.spans))
		}
	}
}

// A full queue is a 429 that says when to come again; any other failure is a 503.
func TestNotKept(t *testing.T) {
	for _, c := range []struct {
		err  error
		want int
	}{{fmt.Errorf("store: %w", errBusy), 429}, {errors.New("disk full"), 503}} {
		s := sink{err: c.err}
		w := s.post("/logs", "application/json", "", []byte(`[{"message":"a"}]`))
		if w.Code != c.want || w.Header().Get("Retry-After") == "" {
			t.Errorf("%v: %d %s", c.err, w.Code, w.Body)
		}
	}
}

// gzip and zstd are inflated.
func TestEncodings(t *testing.T) {
	line := []byte(`{"msg":"hello"}`)
	var z bytes.Buffer
	g := gzip.NewWriter(&z)
	g.Write(line)
	g.Close()
	e, _ := zstd.NewWriter(nil)
	for encoding, body := range map[string][]byte{"gzip": z.Bytes(), "zstd": e.EncodeAll(line, nil), "": line} {
		var s sink
		if w := s.post("/ndjson", "", encoding, body); w.Code != 200 || len(s.logs) != 1 || s.logs[0].Message != "hello" {
			t.Errorf("%s: %d %s", encoding, w.Code, w.Body)
		}
	}
}

// Whatever a body holds, nothing panics, and attributes stay JSON.
func FuzzBodies(f *testing.F) {
	ways := [][2]string{
		{"/v1/logs", "application/x-protobuf"},
		{"/v1/traces", "application/x-protobuf"},
		{"/v1/logs", "application/json"},
		{"/v1/traces", "application/json"},
		{"/logs", "application/json"},
		{"/ndjson", ""},
	}
	f.Add(0, protobufLogs())
	f.Add(1, protobufSpans())
	f.Add(2, []byte(`{"resourceLogs":[{"scopeLogs":[{"logRecords":[{"attributes":[{"key":"x","value":{"doubleValue":1e999}}]}]}]}]}`))
	f.Add(4, []byte(`[{"metadata":{"level":"info","a":"\ud800"}}]`))
	f.Add(5, []byte(`{"level":3,"level":"warn","time":-1}`))
	f.Fuzz(func(t *testing.T, way int, body []byte) {
		if way < 0 || way >= len(ways) {
			return
		}
		target, contentType := ways[way][0], ways[way][1]
		var s sink
		s.post(target, contentType, "", body)
		for _, l := range s.logs {
			if len(l.Attrs) > 0 && !jsontext.Valid(l.Attrs) {
				t.Errorf("attributes are %q", l.Attrs)
			}
		}
		for _, p := range s.spans {
			if len(p.Attrs) > 0 && !jsontext.Valid(p.Attrs) || len(p.Events) > 0 && !jsontext.Valid(p.Events) {
				t.Errorf("attributes are %q, events %q", p.Attrs, p.Events)
			}
		}
	})
}
