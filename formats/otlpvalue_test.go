package formats_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// traceID marshals itself, as OpenTelemetry's own type does.
type traceID [16]byte

func (id traceID) MarshalJSON() ([]byte, error) { return json.Marshal(fmt.Sprintf("%x", id[:])) }

// Trace and span ids are fields of the record, wherever the attributes come
// from; what is none stays an attribute.
func TestOTLPTraceIDs(t *testing.T) {
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	ids := []slog.Attr{slog.String("trace_id", trace), slog.String("span_id", span)}
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		for _, c := range []struct {
			name        string
			options     slogship.Options
			with        func(slog.Handler) slog.Handler
			attrs       []slog.Attr
			trace, span string
			rest        object
		}{
			{name: "attributes", attrs: ids, trace: trace, span: span},
			{name: "between others", attrs: []slog.Attr{slog.Int("a", 1), ids[0], slog.Int("b", 2), ids[1], slog.Int("c", 3)}, trace: trace, span: span, rest: object{"a": json.Number("1"), "b": json.Number("2"), "c": json.Number("3")}},
			{name: "WithAttrs", with: func(h slog.Handler) slog.Handler { return h.WithAttrs(ids) }, trace: trace, span: span},
			{name: "WithAttrs before a group", with: func(h slog.Handler) slog.Handler {
				return h.WithAttrs(ids).WithGroup("g")
			}, attrs: []slog.Attr{slog.Int("a", 1)}, trace: trace, span: span, rest: object{"g": object{"a": json.Number("1")}}},
			{name: "ContextAttrs", options: slogship.Options{ContextAttrs: func(context.Context) []slog.Attr { return ids }}, with: func(h slog.Handler) slog.Handler {
				return h.WithGroup("g")
			}, trace: trace, span: span},
			{name: "a type of its own", attrs: []slog.Attr{slog.Any("trace_id", traceID{1, 2, 15: 255})}, trace: "010200000000000000000000000000ff"},
			{name: "in a group", attrs: []slog.Attr{slog.Group("g", slog.String("trace_id", trace))}, rest: object{"g": object{"trace_id": trace}}},
			{name: "too short", attrs: []slog.Attr{slog.String("trace_id", trace[1:])}, rest: object{"trace_id": trace[1:]}},
			{name: "all zero", attrs: []slog.Attr{slog.String("span_id", "0000000000000000")}, rest: object{"span_id": "0000000000000000"}},
			{name: "a number", attrs: []slog.Attr{slog.Any("span_id", json.Number("1234567890123456"))}, rest: object{"span_id": json.Number("1234567890123456")}},
			{name: "not hexadecimal", attrs: []slog.Attr{slog.String("span_id", "00f067aa0ba902bg")}, rest: object{"span_id": "00f067aa0ba902bg"}},
			{name: "a number", attrs: []slog.Attr{slog.Int("trace_id", 17)}, rest: object{"trace_id": json.Number("17")}},
			{name: "upper case", attrs: []slog.Attr{slog.String("trace_id", strings.ToUpper(trace))}, trace: trace},
			{name: "two, of which the last wins", attrs: []slog.Attr{slog.String("trace_id", strings.Repeat("1", 32)), ids[0]}, trace: trace},
		} {
			t.Run(c.name, func(t *testing.T) {
				got := otlpShipped(t, otlp(e), c.options, func(h slog.Handler) {
					if c.with != nil {
						h = c.with(h)
					}
					h.Handle(context.Background(), record(slog.LevelInfo, "m", c.attrs...))
				}).records[0]
				if !strings.EqualFold(got.traceID, c.trace) || got.spanID != c.span {
					t.Errorf("the ids are %q and %q, want %q and %q", got.traceID, got.spanID, c.trace, c.span)
				}
				if rest := got.user(); len(rest) != len(c.rest) || len(rest) > 0 && !reflect.DeepEqual(rest, c.rest) {
					t.Errorf("the attributes are %v, want %v", rest, c.rest)
				}
			})
		}
	})
}

// The rules for what OTLP does not have, or has in its own way.
func TestOTLPValues(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		r := otlpOne(t, otlp(e), slogship.Options{}, record(slog.LevelInfo, "m",
			slog.Uint64("max", math.MaxUint64), slog.Uint64("fits", math.MaxInt64), slog.Int64("min", math.MinInt64),
			slog.Float64("nan", math.NaN()), slog.Float64("inf", math.Inf(1)), slog.Float64("-inf", math.Inf(-1)),
			slog.Float64("-0", math.Copysign(0, -1)), slog.Float64("whole", 3),
			slog.Any("bytes", []byte("\x00\xff")), slog.Any("no bytes", []byte{}), slog.Any("nil bytes", []byte(nil)), slog.Any("nil", nil),
			slog.Any("list", []any{1, -1.5, "s\n\"\\\u2028🚢", nil, true, false, []int{}, map[string]any{}, uint64(math.MaxUint64), 1e300}),
			slog.Any("map", map[string]any{"b": map[string]int{"c": 1}, "a": nil}),
			slog.Any("twice", json.RawMessage(` {"k": 1, "k": [ {"x": 1, "x": 2 } ] } `)),
			slog.Any("huge", json.RawMessage(`123456789012345678901234567890`)),
			slog.Any("escapes", json.RawMessage(`"\b\f\r\t\/\u00e9\ud83d\udea2\ud83d\u0000"`)),
			slog.Any("error", errors.New("bad\xff")), slog.Any("chan", make(chan int)),
			slog.String("key\xff", "value\xff"), slog.String("", "no name"),
			slog.String("code.function.name", "f"), slog.String("log.record.uid", "u"), slog.String("log.record.uid_", "v"),
			slog.String("", "the last without a name"),
			slog.Int("n", 1), slog.Int("n", 2), slog.Group("g", slog.Int("n", 1), slog.Int("n", 2), slog.Int("o", 3), slog.Any("", map[string]int{"": 1})),
			slog.Time("t", someTime), slog.Duration("d", time.Second),
		))
		uid := r.attrs["log.record.uid"]
		want := object{
			"log.record.uid": uid, "exception.type": r.attrs["exception.type"], "exception.message": "bad\ufffd",
			"max": "18446744073709551615", "fits": json.Number("9223372036854775807"), "min": json.Number("-9223372036854775808"),
			"nan": "NaN", "inf": "+Inf", "-inf": "-Inf", "-0": json.Number("-0"), "whole": json.Number("3"),
			"bytes": "AP8=", "no bytes": "", "nil bytes": nil, "nil": nil,
			"list": []any{
				json.Number("1"), json.Number("-1.5"), "s\n\"\\\u2028🚢", nil, true, false,
				[]any{},
				object{},
				"18446744073709551615", json.Number("1e+300"),
			},
			"map":     object{"b": object{"c": json.Number("1")}, "a": nil},
			"twice":   object{"k": []any{object{"x": json.Number("2")}}},
			"huge":    "123456789012345678901234567890",
			"escapes": "\b\f\r\t/é🚢\ufffd\x00",
			"error":   "bad\ufffd", "chan": "!ERROR: chan int: json: unsupported type: chan int",
			"key\ufffd": "value\ufffd", "": "the last without a name",
			"code.function.name_": "f", "log.record.uid_": "u", "log.record.uid__": "v",
			"n": json.Number("2"), "g": object{"n": json.Number("2"), "o": json.Number("3"), "": object{"": json.Number("1")}},
			"t": "2026-03-04T05:06:07.890123456Z", "d": json.Number("1000000000"),
		}
		for key := range want {
			if !reflect.DeepEqual(r.attrs[key], want[key]) {
				t.Errorf("%q is %#v, want %#v", key, r.attrs[key], want[key])
			}
		}
		if len(r.attrs) != len(want) {
			t.Errorf("%d attributes, want %d: %v", len(r.attrs), len(want), r.attrs)
		}
	})
}

// In protobuf a number keeps the kind that its attribute has, whatever its
// value.
func TestOTLPKinds(t *testing.T) {
	r := bodyOf(t, otlp(formats.OTLPProtobuf), slog.Float64("f", 3), slog.Int("i", 3), slog.Any("a", []float64{3.5, 3}))
	for _, want := range []string{
		"\x0a\x01f\x12\x09\x21\x00\x00\x00\x00\x00\x00\x08\x40", // double_value 3
		"\x0a\x01i\x12\x02\x18\x03",                             // int_value 3
	} {
		if !strings.Contains(r, want) {
			t.Errorf("%q is not in %q", want, r)
		}
	}
}

// bodyOf is the body of a request with one record.
func bodyOf(tb testing.TB, f slogship.Format, attrs ...slog.Attr) string {
	tb.Helper()
	var b backend
	h := ship(tb, f, &b, slogship.Options{})
	h.Handle(context.Background(), record(slog.LevelInfo, "m", attrs...))
	h.Close()
	return b.got()[0].body
}

// Strings of any length are whole, and what is no UTF-8 in them is not, wherever
// it stands.
func TestOTLPStrings(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		for n := range 30 {
			var attrs []slog.Attr
			want := object{}
			for at := range n {
				key := strings.Repeat("k", at) + "é" + strings.Repeat("k", n-at)
				value := strings.Repeat("v", at) + "\xff" + strings.Repeat("v", n-at)
				attrs = append(attrs, slog.String(key, value), slog.Int(value, at))
				want[key], want[strings.ReplaceAll(value, "\xff", "\ufffd")] = strings.ReplaceAll(value, "\xff", "\ufffd"), json.Number(fmt.Sprint(at))
			}
			message := strings.Repeat("m", n)
			r := otlpOne(t, otlp(e), slogship.Options{}, record(slog.LevelInfo, message+"\xff", append(attrs, slog.String(message, message))...))
			want[message] = message
			if r.body != message+"\ufffd" || !reflect.DeepEqual(r.user(), want) {
				t.Errorf("%d: %q, %v, want %v", n, r.body, r.user(), want)
			}
		}
	})
}

// The lengths of integers, of which the shortest are written in a way of their
// own, are right.
func TestOTLPIntegers(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		for bits := range 64 {
			n := int64(1) << bits
			r := otlpOne(t, otlp(e), slogship.Options{}, record(slog.LevelInfo, "m",
				slog.Int64("n", n), slog.Int64("-n", -n), slog.Int64("n-1", n-1), slog.Duration("d", time.Duration(n+1)), slog.Any("any", n)))
			want := object{"n": integer(n), "-n": integer(-n), "n-1": integer(n - 1), "d": integer(n + 1), "any": integer(n)}
			if !reflect.DeepEqual(r.user(), want) {
				t.Errorf("%v, want %v", r.user(), want)
			}
		}
	})
}

func integer(n int64) json.Number { return json.Number(fmt.Sprint(n)) }

// Ids among the attributes and equal keys do not get into each other's way.
func TestOTLPTraceIDsAmongEqualKeys(t *testing.T) {
	const trace, span = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		r := otlpOne(t, otlp(e), slogship.Options{}, record(slog.LevelInfo, "m",
			slog.Int("n", 1), slog.String("trace_id", trace), slog.Int("n", 2), slog.String("span_id", span), slog.Int("o", 1),
			slog.String("trace_id", "none"), slog.Int("o", 3), slog.Int("", 4)))
		want := object{"": integer(4), "n": integer(2), "o": integer(3), "trace_id": "none"}
		if r.traceID != "" || r.spanID != span || !reflect.DeepEqual(r.user(), want) {
			t.Errorf("%q, %q, %v", r.traceID, r.spanID, r.user())
		}
	})
}

// Groups of the root are called like attributes: those with a name of the
// format's own get an underscore, and other groups keep it.
func TestOTLPGroupNames(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		r := otlpOne(t, otlp(e), slogship.Options{}, record(slog.LevelInfo, "m",
			slog.Group("log.record.uid", slog.Int("n", 1)), slog.Group("code.file.path_", slog.Group("code.file.path", slog.Int("log.record.uid", 2)))))
		want := object{
			"log.record.uid":   r.attrs["log.record.uid"],
			"log.record.uid_":  object{"n": integer(1)},
			"code.file.path__": object{"code.file.path": object{"log.record.uid": integer(2)}},
		}
		if !reflect.DeepEqual(r.attrs, want) {
			t.Errorf("%v, want %v", r.attrs, want)
		}
	})
}

// What is no time and an attribute of that name are one: the user's.
func TestTimeTextOfTheUsers(t *testing.T) {
	r := slog.NewRecord(time.Date(12026, 1, 2, 3, 4, 5, 0, time.UTC), slog.LevelInfo, "m", 0)
	r.AddAttrs(slog.String("time_text", "mine"))
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		if got := otlpOne(t, otlp(e), slogship.Options{}, r).attrs["time_text"]; got != "mine" {
			t.Errorf("it is %v", got)
		}
	})
	if got := lokiOne(t, formats.LokiOptions{}, slogship.Options{}, r).metadata["time_text"]; got != "mine" {
		t.Errorf("it is %v", got)
	}
}
