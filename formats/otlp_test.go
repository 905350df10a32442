package formats_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// eachOTLP runs a test for either encoding.
func eachOTLP(t *testing.T, test func(t *testing.T, e formats.OTLPEncoding)) {
	t.Run("protobuf", func(t *testing.T) { test(t, formats.OTLPProtobuf) })
	t.Run("json", func(t *testing.T) { test(t, formats.OTLPJSON) })
}

func otlp(e formats.OTLPEncoding) slogship.Format {
	return formats.OTLP(formats.OTLPOptions{Encoding: e})
}

// otlpShipped is what arrives of what log logs.
func otlpShipped(tb testing.TB, f slogship.Format, o slogship.Options, log func(h slog.Handler)) otlpRequest {
	tb.Helper()
	var b backend
	h := ship(tb, f, &b, o)
	log(h)
	if err := h.Close(); err != nil {
		tb.Fatal(err)
	}
	requests := b.got()
	if len(requests) != 1 {
		tb.Fatalf("%d requests, want 1; %+v", len(requests), h.Stats())
	}
	return decodeOTLP(tb, requests[0])
}

// otlpOne is the record that arrives of a record with attributes.
func otlpOne(tb testing.TB, f slogship.Format, o slogship.Options, r slog.Record) otlpRecord {
	tb.Helper()
	got := otlpShipped(tb, f, o, func(h slog.Handler) { h.Handle(context.Background(), r) })
	if len(got.records) != 1 {
		tb.Fatalf("%d records, want 1", len(got.records))
	}
	return got.records[0]
}

// user is the attributes that are not the format's own.
func (r otlpRecord) user() object {
	for _, own := range []string{"log.record.uid", "exception.type", "exception.message"} {
		delete(r.attrs, own)
	}
	return r.attrs
}

// What a record has stands where OTLP has it, in the middle of a request that
// says where it comes from.
func TestOTLPRecord(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		got := otlpShipped(t, otlp(e), slogship.Options{AddSource: true}, func(h slog.Handler) {
			h.Handle(context.Background(), record(slog.LevelWarn, "hello\xff", slog.Int("n", 1)))
			slog.New(h).Info("now")
		})
		if name, _ := got.resource["service.name"].(string); len(got.resource) != 1 || !strings.HasPrefix(name, "unknown_service:formats") {
			t.Errorf("the resource is %v", got.resource)
		}
		if got.scopeName != "github.com/slogship/slogship" || got.scopeVersion != "" {
			t.Errorf("the scope is %q, %q", got.scopeName, got.scopeVersion)
		}
		r := got.records[0]
		if r.time != uint64(someTime.UnixNano()) || r.observed < uint64(time.Now().Add(-time.Minute).UnixNano()) {
			t.Errorf("the times are %d and %d", r.time, r.observed)
		}
		if r.severity != 13 || r.severityText != "WARN" || r.body != "hello\ufffd" {
			t.Errorf("the record is %+v", r)
		}
		if uid, _ := r.attrs["log.record.uid"].(string); len(uid) != 48 {
			t.Errorf("log.record.uid is %q", uid)
		}
		r = got.records[1]
		if r.time != r.observed || time.Since(time.Unix(0, int64(r.time))) > time.Minute {
			t.Errorf("the times of a record made now are %d and %d", r.time, r.observed)
		}
		line, _ := r.attrs["code.line.number"].(json.Number)
		if n, _ := line.Int64(); n == 0 || !strings.HasSuffix(fmt.Sprint(r.attrs["code.file.path"]), "/otlp_test.go") ||
			!strings.Contains(fmt.Sprint(r.attrs["code.function.name"]), "TestOTLPRecord") {
			t.Errorf("the source is %v", r.attrs)
		}
	})
}

// Resource and scope are what the options say.
func TestOTLPResourceAndScope(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		options := formats.OTLPOptions{
			Encoding: e,
			Resource: []slog.Attr{
				slog.String("service.name", "old"), slog.Bool("canary", true), slog.Any("tags", []string{"a", "b"}),
				slog.Group("k8s", slog.String("pod", "p"), slog.Group("node", slog.Int("n", 3))),
				slog.String("service.name", "checkout"), slog.String("bad\xff", "bad\xff"),
				slog.Any("error", errors.New("no")), slog.Any("bytes", []byte("\xff")), slog.Any("valuer", valuer{slog.Int64Value(math.MaxInt64)}),
				slog.Any("raw", json.RawMessage(`{"a" : 18446744073709551616, "\u0061":"\ud83d`+"\xff"+`<"}`)),
			},
			ScopeName: "example.com/\xff", ScopeVersion: "v1.2.3",
		}
		f := formats.OTLP(options)
		options.Resource[0].Key = "changed" // the options are copied
		got := otlpShipped(t, f, slogship.Options{}, func(h slog.Handler) { slog.New(h).Info("m") })
		want := object{
			"service.name": "checkout", "canary": true, "tags": []any{"a", "b"}, "bad\ufffd": "bad\ufffd",
			"error": "no", "bytes": "/w==", "valuer": json.Number("9223372036854775807"), "raw": object{"a": "\ufffd\ufffd<"},
			"k8s": object{"pod": "p", "node": object{"n": json.Number("3")}},
		}
		if !reflect.DeepEqual(got.resource, want) {
			t.Errorf("the resource is %v, want %v", got.resource, want)
		}
		if got.scopeName != "example.com/\ufffd" || got.scopeVersion != "v1.2.3" {
			t.Errorf("the scope is %q, %q", got.scopeName, got.scopeVersion)
		}
	})
}

// Options that cannot be are an error of New that names them.
func TestOTLPBadOptions(t *testing.T) {
	for _, c := range []struct {
		options formats.OTLPOptions
		want    string
	}{
		{formats.OTLPOptions{Resource: []slog.Attr{slog.Any("f", func() {})}}, `OTLPOptions.Resource[0].Value is "func()", want what encoding/json can marshal`},
		{formats.OTLPOptions{Resource: []slog.Attr{slog.Group("g", slog.Int("", 1))}}, `OTLPOptions.Resource[0].g.Key is "", want a name`},
		{formats.OTLPOptions{Encoding: 2}, "OTLPOptions.Encoding is 2, want OTLPProtobuf or OTLPJSON"},
		{formats.OTLPOptions{Resource: []slog.Attr{slog.Int("a", 1), slog.Int("", 2)}}, `OTLPOptions.Resource[1].Key is "", want a name`},
	} {
		_, err := slogship.New("http://backend.test/v1/logs", &slogship.Options{Format: formats.OTLP(c.options)})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "panic") {
			t.Errorf("%+v: %v, want %s", c.options, err, c.want)
		}
	}
}

// A severity number lies as far from DEBUG's, 5, as the level from slog's.
func TestOTLPSeverity(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		for _, c := range []struct {
			level  slog.Level
			number int
		}{
			{-100, 1},
			{-9, 1},
			{-8, 1},
			{-7, 2},
			{slog.LevelDebug, 5},
			{-1, 8},
			{slog.LevelInfo, 9},
			{2, 11},
			{slog.LevelWarn, 13},
			{slog.LevelError, 17},
			{9, 18},
			{15, 24},
			{16, 24},
			{math.MaxInt, 24},
		} {
			r := otlpOne(t, otlp(e), slogship.Options{Level: slog.Level(-1000)}, record(c.level, "m"))
			if r.severity != c.number || r.severityText != c.level.String() {
				t.Errorf("%v is %d, %q, want %d", c.level, r.severity, r.severityText, c.number)
			}
		}
	})
}

// Times that time_unix_nano has no room for are not lost, and what ReplaceAttr
// takes away is not there.
func TestOTLPTimes(t *testing.T) {
	replace := func(v slog.Value) func([]string, slog.Attr) slog.Attr {
		return func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				a.Value = v
			}
			return a
		}
	}
	drop := func(key string) func([]string, slog.Attr) slog.Attr {
		return func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == key {
				return slog.Attr{}
			}
			return a
		}
	}
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		synctest.Test(t, func(t *testing.T) {
			now := uint64(time.Now().UnixNano())
			for _, c := range []struct {
				name    string
				at      time.Time
				replace func([]string, slog.Attr) slog.Attr
				time    uint64
				text    any
			}{
				{name: "usual", at: someTime, time: uint64(someTime.UnixNano())},
				{name: "another zone", at: someTime.In(time.FixedZone("", 3600)), time: uint64(someTime.UnixNano())},
				{name: "none", at: time.Time{}},
				{name: "the first", at: time.Unix(0, 1), time: 1},
				{name: "zero", at: time.Unix(0, 0).UTC(), text: "1970-01-01T00:00:00Z"},
				{name: "before 1970", at: time.Date(1969, 7, 20, 20, 17, 40, 5, time.UTC), text: "1969-07-20T20:17:40.000000005Z"},
				{name: "the last", at: time.Date(2262, 4, 11, 23, 47, 15, 999999999, time.UTC), time: 9223372035999999999},
				{name: "after 2262", at: time.Date(2262, 4, 11, 23, 47, 16, 0, time.UTC), text: "2262-04-11T23:47:16Z"},
				{name: "year 12026", at: time.Date(12026, 1, 2, 3, 4, 5, 0, time.UTC), text: "12026-01-02T03:04:05Z"},
				{name: "another", at: someTime, replace: replace(slog.TimeValue(time.Unix(7, 0))), time: 7e9},
				{name: "a string", at: someTime, replace: replace(slog.StringValue("noon")), text: "noon"},
				{name: "a string that is a time", at: someTime, replace: replace(slog.StringValue("2026-03-04T06:06:07.5+01:00")), time: 1772600767500000000},
				{name: "left out", at: someTime, replace: drop(slog.TimeKey)},
			} {
				r := otlpOne(t, otlp(e), slogship.Options{ReplaceAttr: c.replace}, slog.NewRecord(c.at, slog.LevelInfo, "m", 0))
				if r.time != c.time || r.observed != now || r.attrs["time_text"] != c.text {
					t.Errorf("%s: %d, observed %d, text %v; want %d, %d, %v", c.name, r.time, r.observed, r.attrs["time_text"], c.time, now, c.text)
				}
			}
			r := otlpOne(t, otlp(e), slogship.Options{ReplaceAttr: drop(slog.LevelKey)}, record(slog.LevelInfo, "m"))
			if r.severity != 0 || r.severityText != "" {
				t.Errorf("the severity is %d, %q", r.severity, r.severityText)
			}
			r = otlpOne(t, otlp(e), slogship.Options{ReplaceAttr: drop(slog.MessageKey)}, record(slog.LevelInfo, "m"))
			if r.body != nil {
				t.Errorf("the body is %v", r.body)
			}
			if r = otlpOne(t, otlp(e), slogship.Options{}, record(slog.LevelInfo, "")); r.body != "" {
				t.Errorf("the body of an empty message is %v", r.body)
			}
			r = otlpOne(t, otlp(e), slogship.Options{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.LevelKey {
					a.Value = slog.StringValue("NOTICE\xff")
				}
				return a
			}}, record(slog.LevelWarn, "m"))
			if r.severity != 13 || r.severityText != "NOTICE\ufffd" {
				t.Errorf("the severity is %d, %q", r.severity, r.severityText)
			}
		})
	})
}

// What ReplaceAttr makes of the source is what is sent.
func TestOTLPReplacedSource(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		for _, c := range []struct {
			name    string
			replace func([]string, slog.Attr) slog.Attr
			want    object
		}{
			{"shorter", func(_ []string, a slog.Attr) slog.Attr {
				if s, ok := a.Value.Any().(*slog.Source); ok {
					return slog.Any(a.Key, &slog.Source{File: filepath.Base(s.File)})
				}
				return a
			}, object{"code.file.path": "otlp_test.go"}},
			{"a string", func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.SourceKey {
					a.Value = slog.StringValue("here")
				}
				return a
			}, object{"source": "here"}},
			{"one member hidden", func(_ []string, a slog.Attr) slog.Attr {
				switch a.Key {
				case slog.SourceKey:
					return slog.Group(a.Key, slog.String("file", "f"), slog.String("function", "secret"))
				case "function":
					return slog.String(a.Key, "***")
				}
				return a
			}, object{"code.file.path": "f", "code.function.name": "***"}},
			{"none", func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.SourceKey {
					return slog.Attr{}
				}
				return a
			}, object{}},
		} {
			got := otlpShipped(t, otlp(e), slogship.Options{AddSource: true, ReplaceAttr: c.replace}, func(h slog.Handler) {
				slog.New(h).Info("m")
			}).records[0].user()
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%s: %v, want %v", c.name, got, c.want)
			}
		}
	})
}

// plainly is what OTLP makes of the JSON of slog.JSONHandler: an integer beyond
// int64 is a string there.
func plainly(v any) any {
	switch v := v.(type) {
	case object:
		o := object{}
		for key, member := range v {
			o[key] = plainly(member)
		}
		return o
	case []any:
		list := []any{}
		for _, e := range v {
			list = append(list, plainly(e))
		}
		return list
	case json.Number:
		if _, err := strconv.ParseInt(v.String(), 10, 64); err == nil {
			return v
		}
		if !strings.ContainsAny(v.String(), ".eE") {
			return v.String()
		}
		f, _ := v.Float64()
		return number(f)
	}
	return v
}

// attrGenerator makes attributes of all kinds, in groups and out of them.
type attrGenerator struct{ *rand.Rand }

func (g attrGenerator) attrs(n, depth int) (attrs []slog.Attr) {
	for range n {
		attrs = append(attrs, g.attr(depth))
	}
	return attrs
}

func (g attrGenerator) key() string {
	return []string{"a", "b", "c", "key", "time", "level", "msg", "a.b", "é", "日本", "with space", `q"`, "log", "some_longer_name_for_an_attribute"}[g.IntN(14)]
}

func (g attrGenerator) text() string {
	return []string{"", "x", "plain text", "quote \" \\ \n\t\x01", "é日本🚢\u2028", "bad\xff\xfeutf8", strings.Repeat("long ", 40)}[g.IntN(7)]
}

func (g attrGenerator) attr(depth int) slog.Attr {
	key := g.key()
	kinds := 16
	if depth > 0 {
		kinds = 20
	}
	switch g.IntN(kinds) {
	case 0, 1, 2:
		return slog.String(key, g.text())
	case 3:
		return slog.Int64(key, int64(g.Uint64()))
	case 4:
		return slog.Int(key, g.IntN(300)-100)
	case 5:
		return slog.Uint64(key, g.Uint64())
	case 6:
		return slog.Float64(key, math.Float64frombits(g.Uint64()&^(1<<62))) // finite
	case 7:
		return slog.Float64(key, float64(g.IntN(1000))/8)
	case 8:
		return slog.Bool(key, g.IntN(2) == 0)
	case 9:
		return slog.Duration(key, time.Duration(g.Uint64()))
	case 10:
		return slog.Time(key, someTime.Add(time.Duration(g.Uint64()>>4)))
	case 11:
		return slog.Any(key, nil)
	case 12:
		return slog.Any(key, map[string]any{g.key(): g.text(), "n": []any{g.IntN(9), 1.5, nil, true}})
	case 13:
		return slog.Any(key, []byte(g.text()))
	case 14:
		return slog.Any(key, errors.New(g.text()))
	case 15:
		return slog.Any(key, valuer{g.attr(0).Value})
	default:
		if g.IntN(8) == 0 {
			key = "" // inlined
		}
		return slog.Attr{Key: key, Value: slog.GroupValue(g.attrs(g.IntN(4), depth-1)...)}
	}
}

type valuer struct{ v slog.Value }

func (v valuer) LogValue() slog.Value { return v.v }

// What the generator does not make.
const (
	builtInLevel   = slog.Level(2)
	builtInMessage = "the message of the test"
)

func isBuiltIn(a slog.Attr) bool {
	return a.Value.Any() == any(builtInLevel) || a.Value.Kind() == slog.KindString && a.Value.String() == builtInMessage
}

// Handlers that share attributes write them once, and do not disturb each other.
func TestOTLPSharedAttributes(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		got := otlpShipped(t, otlp(e), slogship.Options{}, func(h slog.Handler) {
			base := h.WithAttrs([]slog.Attr{slog.Int("base", 1)}).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("x", 1)})
			one, two := base.WithAttrs([]slog.Attr{slog.Int("one", 1)}), base.WithAttrs([]slog.Attr{slog.Int("two", 2)}).WithGroup("empty")
			for _, h := range []slog.Handler{base, one, two, one, base} {
				h.Handle(context.Background(), record(slog.LevelInfo, "m"))
			}
		})
		one := json.Number("1")
		want := []object{
			{"base": one, "g": object{"x": one}},
			{"base": one, "g": object{"x": one, "one": one}},
			{"base": one, "g": object{"x": one, "two": json.Number("2")}},
		}
		want = slices.Concat(want, []object{want[1], want[0]})
		for i, r := range got.records {
			if !reflect.DeepEqual(r.user(), want[i]) {
				t.Errorf("%d: %v, want %v", i, r.user(), want[i])
			}
		}
	})
}
