package formats_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// A lokiEntry is an entry of a decoded push request.
type lokiEntry struct {
	stream   map[string]string
	at       int64
	line     string
	id       string
	metadata map[string]string // without the id
}

// lokiNames are the names that Loki takes as they are: what its normalization
// would change it changes for all entries, and may refuse.
var lokiNames = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// decodeLoki decodes a push request, and refuses what Loki refuses.
func decodeLoki(tb testing.TB, r request) (entries []lokiEntry) {
	tb.Helper()
	for _, s := range objects(tb, decode(tb, r.body).(object)["streams"]) {
		stream := lokiPairs(tb, s["stream"])
		if len(stream) == 0 {
			tb.Error("a stream without labels")
		}
		for _, v := range s["values"].([]any) {
			e := v.([]any)
			at, err := strconv.ParseInt(e[0].(string), 10, 64)
			if err != nil {
				tb.Error(err)
			}
			entry := lokiEntry{stream: stream, at: at, line: e[1].(string), metadata: map[string]string{}}
			if len(e) > 2 {
				entry.metadata = lokiPairs(tb, e[2])
			}
			size := 0
			for name, value := range entry.metadata {
				size += len(name) + len(value)
			}
			if len(entry.metadata) > 128 || size > 64<<10 || len(entry.line) > 256<<10 {
				tb.Errorf("a line of %d bytes with %d entries of metadata, %d bytes", len(entry.line), len(entry.metadata), size)
			}
			if id := entry.metadata["event_id"]; len(id) == 48 {
				entry.id = id
				delete(entry.metadata, "event_id")
			}
			entries = append(entries, entry)
		}
	}
	if n := strings.Count(r.body, `"":`); n > 0 {
		tb.Errorf("%d names are empty", n)
	}
	return entries
}

func lokiPairs(tb testing.TB, v any) map[string]string {
	tb.Helper()
	pairs := map[string]string{}
	for name, value := range v.(object) {
		if !lokiNames.MatchString(name) || strings.Contains(name, "__") || strings.Trim(name, "_") == "" {
			tb.Errorf("the name %q", name)
		}
		pairs[name] = value.(string)
	}
	return pairs
}

// lokiOne is the entry that arrives of a record with attributes.
func lokiOne(tb testing.TB, o formats.LokiOptions, options slogship.Options, r slog.Record) lokiEntry {
	tb.Helper()
	var b backend
	h := ship(tb, formats.Loki(o), &b, options)
	h.Handle(context.Background(), r)
	if err := h.Close(); err != nil {
		tb.Fatal(err)
	}
	if len(b.got()) != 1 {
		tb.Fatalf("%d requests, want 1; %+v", len(b.got()), h.Stats())
	}
	noDoubledKeys(tb, b.got()[0].body)
	entries := decodeLoki(tb, b.got()[0])
	if len(entries) != 1 {
		tb.Fatalf("%d entries, want 1", len(entries))
	}
	return entries[0]
}

// noDoubledKeys fails if an object has a key twice, which decoding hides.
func noDoubledKeys(tb testing.TB, body string) {
	tb.Helper()
	d := json.NewDecoder(strings.NewReader(body))
	type level struct {
		keys  map[string]bool // nil for an array
		value bool            // a value comes next, not a key
	}
	var open []level
	for d.More() || len(open) > 0 {
		token, err := d.Token()
		if err != nil {
			tb.Fatal(err)
		}
		switch token {
		case json.Delim('{'):
			open = append(open, level{keys: map[string]bool{}})
			continue
		case json.Delim('['):
			open = append(open, level{})
			continue
		case json.Delim('}'), json.Delim(']'):
			open = open[:len(open)-1]
		default:
			if top := &open[len(open)-1]; top.keys != nil && !top.value {
				if top.keys[token.(string)] {
					tb.Errorf("the key %q is there twice in %s", token, body)
				}
				top.keys[token.(string)], top.value = true, true
				continue
			}
		}
		if len(open) > 0 {
			open[len(open)-1].value = false
		}
	}
}

// A record becomes an entry of one stream, its attributes structured metadata.
func TestLokiEntry(t *testing.T) {
	e := lokiOne(t, formats.LokiOptions{}, slogship.Options{AddSource: true}, record(slog.LevelWarn, "hello",
		slog.Int("n", 17), slog.Group("user", slog.String("name", "ada"), slog.Group("address", slog.String("city", "Łódź")))))
	if e.at != someTime.UnixNano() || e.line != "hello" || e.id == "" {
		t.Errorf("%+v", e)
	}
	if len(e.stream) != 1 || !strings.HasPrefix(e.stream["service_name"], "formats") {
		t.Errorf("the labels are %v", e.stream)
	}
	want := map[string]string{"detected_level": "warn", "n": "17", "user_name": "ada", "user_address_city": "Łódź"}
	if !maps.Equal(e.metadata, want) {
		t.Errorf("the metadata is %v, want %v", e.metadata, want)
	}

	var b backend
	h := ship(t, formats.Loki(formats.LokiOptions{}), &b, slogship.Options{AddSource: true})
	slog.New(h).Info("m")
	h.Close()
	e = decodeLoki(t, b.got()[0])[0]
	if line, _ := strconv.Atoi(e.metadata["source_line"]); line == 0 || !strings.HasSuffix(e.metadata["source_file"], "/loki_test.go") ||
		!strings.Contains(e.metadata["source_function"], "TestLokiEntry") {
		t.Errorf("the source is %v", e.metadata)
	}
	replaced := lokiOne(t, formats.LokiOptions{}, slogship.Options{AddSource: true, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.SourceKey {
			return slog.String(a.Key, "here")
		}
		return a
	}}, sourced())
	if replaced.metadata["source"] != "here" || len(replaced.metadata) != 2 {
		t.Errorf("the replaced source is %v", replaced.metadata)
	}
	alone := lokiOne(t, formats.LokiOptions{Level: "-", ID: "-"}, slogship.Options{AddSource: true, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.SourceKey {
			return slog.Group(a.Key, slog.Int("line", 7), slog.String("mod\"ule", "m"))
		}
		return a
	}}, sourced())
	if want := map[string]string{"source_line": "7", "source_mod_ule": "m"}; !maps.Equal(alone.metadata, want) {
		t.Errorf("the replaced source is %v, want %v", alone.metadata, want)
	}
	if got := b.got()[0].header; got.Get("Content-Type") != "application/json" || got.Get("X-Scope-OrgID") != "" {
		t.Errorf("the header is %v", got)
	}
}

// sourced is a record that knows where it was made.
func sourced() slog.Record {
	var pc [1]uintptr
	runtime.Callers(2, pc[:])
	return slog.NewRecord(someTime, slog.LevelInfo, "m", pc[0])
}

// Options are what they say.
func TestLokiOptions(t *testing.T) {
	labels := map[string]string{"app": "shop", "env": `q"uote`}
	attrs := []string{"component"}
	o := formats.LokiOptions{Labels: labels, LabelAttrs: attrs, LevelLabel: "level", ID: "uid", Tenant: "team-a"}
	f := formats.Loki(o)
	labels["app"], attrs[0] = "changed", "changed" // the options are copied
	var b backend
	h := ship(t, f, &b, slogship.Options{})
	h.Handle(context.Background(), record(slog.LevelInfo, "m", slog.String("component", "cart"), slog.Int("n", 1)))
	h.Handle(context.Background(), record(slog.LevelInfo+2, "m", slog.Int("a", 0), slog.Int("component", 7), slog.Int("z", 1)))
	h.Handle(context.Background(), record(slog.LevelInfo, "m", slog.String("component", ""), slog.String("level", "mine")))
	h.Handle(context.Background(), record(slog.LevelInfo, "m", slog.String("component", strings.Repeat("x", 2049))))
	h.Handle(context.Background(), record(slog.LevelInfo, "m", slog.String("component", "a"), slog.String("component", "b")))
	h.Close()
	if got := b.got()[0].header.Get("X-Scope-OrgID"); got != "team-a" {
		t.Errorf("the tenant is %q", got)
	}
	noDoubledKeys(t, b.got()[0].body)
	type parts struct{ stream, metadata map[string]string }
	static := func(more ...string) map[string]string {
		m := map[string]string{"app": "shop", "env": `q"uote`}
		for i := 0; i < len(more); i += 2 {
			m[more[i]] = more[i+1]
		}
		return m
	}
	want := []parts{
		{static("level", "info", "component", "cart"), map[string]string{"n": "1"}},
		{static("level", "info+2", "component", "7"), map[string]string{"a": "0", "z": "1"}},
		{static("level", "info"), map[string]string{"component": "", "level": "mine"}},
		{static("level", "info"), map[string]string{"component": strings.Repeat("x", 2049)}},
		{static("level", "info", "component", "b"), map[string]string{}},
	}
	for i, e := range decodeLoki(t, b.got()[0]) {
		if len(e.metadata["uid"]) != 48 {
			t.Errorf("%d: the id is %q", i, e.metadata["uid"])
		}
		delete(e.metadata, "uid")
		if got := (parts{e.stream, e.metadata}); !reflect.DeepEqual(got, want[i]) {
			t.Errorf("%d: %v, want %v", i, got, want[i])
		}
	}

	e := lokiOne(t, formats.LokiOptions{Level: "severity", ID: "-"}, slogship.Options{}, record(slog.LevelError, "m", slog.Int("severity", 3)))
	if want := map[string]string{"severity": "error", "severity_": "3"}; !maps.Equal(e.metadata, want) || e.id != "" {
		t.Errorf("the metadata is %v, want %v", e.metadata, want)
	}
	e = lokiOne(t, formats.LokiOptions{Level: "-"}, slogship.Options{}, record(slog.LevelError, "m", slog.Int("detected_level", 3)))
	if want := map[string]string{"detected_level": "3"}; !maps.Equal(e.metadata, want) {
		t.Errorf("the metadata is %v, want %v", e.metadata, want)
	}
}

// Options that cannot be are an error of New that names them.
func TestLokiBadOptions(t *testing.T) {
	for _, c := range []struct {
		options formats.LokiOptions
		want    string
	}{
		{formats.LokiOptions{Labels: map[string]string{"a.b": "x"}}, `LokiOptions.Labels is "a.b", want letters`},
		{formats.LokiOptions{Labels: map[string]string{"": "x"}}, `LokiOptions.Labels is "", want letters`},
		{formats.LokiOptions{Labels: map[string]string{"1a": "x"}}, `LokiOptions.Labels is "1a", want letters`},
		{formats.LokiOptions{Labels: map[string]string{"__a": "x"}}, `LokiOptions.Labels is "__a", want letters`},
		{formats.LokiOptions{Labels: map[string]string{"a": ""}}, `LokiOptions.Labels["a"] is "", want a value`},
		{formats.LokiOptions{Labels: map[string]string{"a": strings.Repeat("x", 2049)}}, `LokiOptions.Labels["a"] is 2049, want <= 2048`},
		{formats.LokiOptions{LabelAttrs: []string{"ok", "http.method"}}, `LokiOptions.LabelAttrs[1] is "http.method", want a name as Loki has it, such as "http_method"`},
		{formats.LokiOptions{LabelAttrs: []string{""}}, `LokiOptions.LabelAttrs[0] is "", want a name`},
		{formats.LokiOptions{LabelAttrs: []string{"a", "a"}}, `LokiOptions.LabelAttrs[1] is "a", want a name that LokiOptions.LabelAttrs[0] does not have`},
		{formats.LokiOptions{LabelAttrs: []string{"service_name"}, Labels: map[string]string{"service_name": "x"}}, `LokiOptions.LabelAttrs[0] is "service_name", want a name that LokiOptions.Labels does not have`},
		{formats.LokiOptions{LevelLabel: "a", Labels: map[string]string{"a": "x"}}, `LokiOptions.LevelLabel is "a", want a name that LokiOptions.Labels does not have`},
		{formats.LokiOptions{LevelLabel: "a", LabelAttrs: []string{"a"}}, `LokiOptions.LabelAttrs[0] is "a", want a name that LokiOptions.LevelLabel does not have`},
		{formats.LokiOptions{LevelLabel: "a-b"}, `LokiOptions.LevelLabel is "a-b", want a name as Loki has it, such as "a_b"`},
		{formats.LokiOptions{Level: "a__b"}, `LokiOptions.Level is "a__b", want a name as Loki has it, such as "a_b"`},
		{formats.LokiOptions{ID: "1"}, `LokiOptions.ID is "1", want a name as Loki has it, such as "key_1"`},
		{formats.LokiOptions{ID: "detected_level"}, `LokiOptions.ID is "detected_level", want a name that LokiOptions.Level does not have`},
		{formats.LokiOptions{Tenant: "a|b"}, `LokiOptions.Tenant is "a|b", want letters, digits and !-_.*'() only`},
		{formats.LokiOptions{Tenant: ".."}, `LokiOptions.Tenant is "..", want`},
		{formats.LokiOptions{Tenant: strings.Repeat("x", 151)}, `want at most 150 bytes`},
	} {
		_, err := slogship.New("http://backend.test/loki/api/v1/push", &slogship.Options{Format: formats.Loki(c.options)})
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "panic") {
			t.Errorf("%+v:\n%v, want\n%s", c.options, err, c.want)
		}
	}
}

// Loki takes no entry without a time, and none without a line; both are there
// whatever the record has.
func TestLokiTimeAndLine(t *testing.T) {
	replace := func(key string, v any) func([]string, slog.Attr) slog.Attr {
		return func(_ []string, a slog.Attr) slog.Attr {
			if a.Key != key {
				return a
			}
			if v == nil {
				return slog.Attr{}
			}
			return slog.Any(key, v)
		}
	}
	synctest.Test(t, func(t *testing.T) {
		now := time.Now().UnixNano()
		for _, c := range []struct {
			name    string
			at      time.Time
			replace func([]string, slog.Attr) slog.Attr
			want    int64
			text    string
		}{
			{"none", time.Time{}, nil, now, ""},
			{"left out", someTime, replace(slog.TimeKey, nil), now, ""},
			{"a string", someTime, replace(slog.TimeKey, "noon"), now, "noon"},
			{"a string that is a time", someTime, replace(slog.TimeKey, "2026-03-04T06:06:07.5+01:00"), 1772600767500000000, ""},
			{"another", someTime, replace(slog.TimeKey, time.Unix(5, 6)), 5e9 + 6, ""},
			{"before 1970", time.Unix(-1, 5), nil, -1e9 + 5, ""},
			{"year 12026", time.Date(12026, 1, 2, 3, 4, 5, 6, time.UTC), nil, now, "12026-01-02T03:04:05.000000006Z"},
			{"year 1", time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC), nil, now, "0001-01-01T00:00:01Z"},
		} {
			e := lokiOne(t, formats.LokiOptions{}, slogship.Options{ReplaceAttr: c.replace}, slog.NewRecord(c.at, slog.LevelInfo, "m", 0))
			if e.at != c.want || e.metadata["time_text"] != c.text {
				t.Errorf("%s: %d, %q; want %d, %q", c.name, e.at, e.metadata["time_text"], c.want, c.text)
			}
		}
		e := lokiOne(t, formats.LokiOptions{}, slogship.Options{ReplaceAttr: replace(slog.MessageKey, nil)}, record(slog.LevelInfo, "m"))
		if e.line != "" {
			t.Errorf("the line is %q", e.line)
		}
		e = lokiOne(t, formats.LokiOptions{}, slogship.Options{ReplaceAttr: replace(slog.LevelKey, nil)}, record(slog.LevelInfo, ""))
		if e.line != "" || len(e.metadata) != 0 {
			t.Errorf("%+v", e)
		}
		e = lokiOne(t, formats.LokiOptions{}, slogship.Options{ReplaceAttr: replace(slog.LevelKey, "NOTICE")}, record(slog.LevelInfo, ""))
		if e.metadata["detected_level"] != "NOTICE" {
			t.Errorf("%+v", e)
		}
	})
}

// A record that is too long is cut: long strings are shortened first, wherever
// they come from, then attributes are left out.
func TestLokiCutting(t *testing.T) {
	const limit = 1200
	long := strings.Repeat("é 🚢\n\"", 400)
	for _, streams := range []bool{false, true} {
		o := formats.LokiOptions{Labels: map[string]string{"app": "a"}}
		if streams {
			o.LevelLabel = "level"
		}
		for _, c := range cutCases(long) {
			t.Run(fmt.Sprintf("%s/%v", c.name, streams), func(t *testing.T) {
				var b backend
				h := ship(t, formats.Loki(o), &b, slogship.Options{MaxRecordBytes: limit})
				c.log(h)
				h.Close()
				if s := h.Stats(); s.Cut != 1 || s.Delivered != 1 {
					t.Fatalf("%+v", s)
				}
				if body := b.got()[0].body; len(body) > limit+100 {
					t.Errorf("%d bytes", len(body))
				}
				e := decodeLoki(t, b.got()[0])[0]
				if e.metadata["_cut"] != "true" {
					t.Errorf("no mark in %v", e.metadata)
				}
				delete(e.metadata, "_cut")
				delete(e.metadata, "detected_level")
				attrs := object{}
				for name, v := range e.metadata {
					attrs[name] = v
				}
				c.check(t, e.line, attrs)
			})
		}
	}
}

// Attributes are those of slog.JSONHandler, flat and as text.
func TestLokiAttributesAreThoseOfJSONHandler(t *testing.T) {
	var flat func(into map[string]string, prefix string, v object)
	flat = func(into map[string]string, prefix string, o object) {
		for key, v := range o {
			switch v := v.(type) {
			case object:
				flat(into, prefix+key+"_", v)
			case string:
				into[prefix+key] = v
			case nil:
				into[prefix+key] = "null"
			default:
				into[prefix+key] = fmt.Sprint(v)
			}
		}
	}
	var want strings.Builder
	var reference slog.Handler = slog.NewJSONHandler(&want, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
			return slog.Attr{}
		}
		return a
	}})
	var b backend
	shipper := ship(t, formats.Loki(formats.LokiOptions{}), &b, slogship.Options{ContextAttrs: func(context.Context) []slog.Attr {
		return []slog.Attr{slog.String("request_id", "r1")}
	}})
	r := slog.NewRecord(time.Time{}, slog.LevelInfo, "m", 0)
	r.AddAttrs(slog.Int("n", 1), slog.Group("empty"), slog.Group("g", slog.Bool("b", true), slog.Group("", slog.Int("inline", 2))), slog.Any("v", valuer{slog.GroupValue(slog.Int("x", 3))}), slog.Any("nil", nil))
	steps := func(h slog.Handler) slog.Handler {
		return h.WithAttrs([]slog.Attr{slog.String("a", "1")}).WithGroup("one").WithAttrs([]slog.Attr{slog.Float64("f", 0.5)}).WithGroup("two")
	}
	steps(shipper).Handle(context.Background(), r)
	steps(reference.WithAttrs([]slog.Attr{slog.String("request_id", "r1")})).Handle(context.Background(), r)
	shipper.Close()
	wanted := map[string]string{"detected_level": "info"}
	flat(wanted, "", decode(t, want.String()).(object))
	if got := decodeLoki(t, b.got()[0])[0].metadata; !maps.Equal(got, wanted) {
		t.Errorf("%v, want %v", got, wanted)
	}
}

// A level that ReplaceAttr made a long text is shortened to what Loki takes of a
// label, and counted as cut.
func TestLokiLongLevel(t *testing.T) {
	long := func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.LevelKey {
			return slog.String(a.Key, strings.Repeat("é", 50_000))
		}
		return a
	}
	for name, o := range map[string]formats.LokiOptions{"detected_level": {}, "level": {LevelLabel: "level"}} {
		var b backend
		h := ship(t, formats.Loki(o), &b, slogship.Options{ReplaceAttr: long})
		h.Handle(t.Context(), record(slog.LevelInfo, "m"))
		if err := h.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		e := decodeLoki(t, b.requests[0])[0]
		level := e.metadata[name] + e.stream[name]
		if len(level) < 1900 || len(level) > 2048 || !strings.HasSuffix(level, "…[cut]") || h.Stats().Cut != 1 {
			t.Errorf("%s: %d bytes, want at most 2048; %d cut", name, len(level), h.Stats().Cut)
		}
		h.Close()
	}
}
