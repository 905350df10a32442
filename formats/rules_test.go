package formats_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/slogtest"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// doubledKeys returns the keys that one object in a sequence of JSON values has
// twice.
func doubledKeys(tb testing.TB, text string) (doubled []string) {
	tb.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	var value func(t json.Token)
	value = func(t json.Token) {
		open, _ := t.(json.Delim)
		seen := map[string]bool{}
		for open != 0 && d.More() {
			t, err := d.Token()
			if err != nil {
				tb.Fatal(err)
			}
			if open == '{' {
				key := t.(string)
				if seen[key] {
					doubled = append(doubled, key)
				}
				seen[key] = true
				if t, err = d.Token(); err != nil {
					tb.Fatal(err)
				}
			}
			value(t)
		}
		if open != 0 {
			d.Token()
		}
	}
	for {
		t, err := d.Token()
		if err == io.EOF {
			return doubled
		}
		if err != nil {
			tb.Fatalf("%v in %s", err, text)
		}
		value(t)
	}
}

// shippedText is the body that comes of one record.
func shippedText(tb testing.TB, f slogship.Format, o slogship.Options, r slog.Record) string {
	tb.Helper()
	var b backend
	h := ship(tb, f, &b, o)
	h.Handle(context.Background(), r)
	h.Close()
	if len(b.got()) != 1 {
		tb.Fatalf("%d requests, want 1; %+v", len(b.got()), h.Stats())
	}
	return b.got()[0].body
}

// An attribute that has a name which the format needs for itself arrives under
// that name with an underscore; what the format writes stays as it is.
func TestReservedNames(t *testing.T) {
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			r := record(slog.LevelInfo, "the message")
			reserved := s.format.Layout().Reserved
			for i, name := range reserved {
				r.AddAttrs(slog.Int(name, i))
			}
			text := shippedText(t, s.format, slogship.Options{AddSource: true}, r)
			if doubled := doubledKeys(t, text); doubled != nil {
				t.Errorf("doubled: %q", doubled)
			}
			event := s.events(t, text)[0]
			attrs := s.attrs(t, event)
			for i, name := range reserved {
				if got := fmt.Sprint(attrs[name+"_"]); got != fmt.Sprint(i) {
					t.Errorf("%q arrived as %q: %s, want %d", name, name+"_", got, i)
				}
			}
			if got := s.must(t, event, s.message); got != "the message" {
				t.Errorf("message is %v", got)
			}
		})
	}
}

// No object has a key twice, whatever attributes there are; but where users give
// equal keys it is only formats of a backend that minds which leave one out.
func TestDoubledKeys(t *testing.T) {
	var r slog.Record
	for _, golden := range goldenRecords() {
		golden.Attrs(func(a slog.Attr) bool {
			r.AddAttrs(a)
			return true
		})
	}
	r.Time, r.Message = someTime, "all of it"
	twice := record(slog.LevelInfo, "twice", slog.Int("n", 1), slog.Group("g", slog.Int("n", 1), slog.Int("n", 2)), slog.Int("n", 2))
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			got := doubledKeys(t, shippedText(t, s.format, slogship.Options{}, r))
			if !s.format.Layout().UniqueKeys && len(got) == 1 && got[0] == "n" {
				got = nil // the user's
			}
			if got != nil {
				t.Errorf("doubled: %q", got)
			}
			event := shipped(t, s, slogship.Options{}, twice)
			attrs := s.attrs(t, event)
			if attrs["n"] != json.Number("2") || attrs["g"].(object)["n"] != json.Number("2") {
				t.Errorf("%v, want the last n of each object", attrs)
			}
		})
	}
}

// Each layout writes what it says, for times that it can express; others are
// RFC 3339 text.
func TestTimeLayouts(t *testing.T) {
	early := time.Date(1969, 12, 31, 23, 59, 58, 999000001, time.UTC)
	ancient := time.Date(1066, 10, 14, 9, 0, 0, 0, time.UTC)
	late := time.Date(12026, 1, 2, 3, 4, 5, 6, time.UTC)
	for _, c := range []struct {
		layout                          formats.TimeLayout
		normal, early1, ancient1, late1 string
	}{
		{formats.RFC3339Nano, `"2026-03-04T05:06:07.890123456Z"`, `"1969-12-31T23:59:58.999000001Z"`, `"1066-10-14T09:00:00.000000000Z"`, ""},
		{formats.RFC3339Micro, `"2026-03-04T05:06:07.890123Z"`, `"1969-12-31T23:59:58.999000Z"`, `"1066-10-14T09:00:00.000000Z"`, ""},
		{formats.RFC3339Milli, `"2026-03-04T05:06:07.890Z"`, `"1969-12-31T23:59:58.999Z"`, `"1066-10-14T09:00:00.000Z"`, ""},
		{formats.RFC3339, `"2026-03-04T05:06:07Z"`, `"1969-12-31T23:59:58Z"`, `"1066-10-14T09:00:00Z"`, ""},
		{formats.UnixNano, `1772600767890123456`, `-1000999999`, `"1066-10-14T09:00:00Z"`, ""},
		{formats.UnixMicro, `1772600767890123`, `-1001000`, `-28502722800000000`, ""},
		{formats.UnixMilli, `1772600767890`, `-1001`, `-28502722800000`, ""},
		{formats.UnixSeconds, `1772600767`, `-2`, `-28502722800`, ""},
		{formats.UnixFraction, `1772600767.890123456`, `"1969-12-31T23:59:58.999000001Z"`, `"1066-10-14T09:00:00Z"`, ""},
		{formats.DateTimeNano, `"2026-03-04 05:06:07.890123456"`, `"1969-12-31 23:59:58.999000001"`, `"1066-10-14 09:00:00.000000000"`, ""},
		{formats.DateTime, `"2026-03-04 05:06:07"`, `"1969-12-31 23:59:58"`, `"1066-10-14 09:00:00"`, ""},
	} {
		f := formats.NDJSON(formats.NDJSONOptions{TimeLayout: c.layout, ID: "-", Level: "-", Message: "-"})
		c.late1 = `"12026-01-02T03:04:05.000000006Z"`
		for _, x := range []struct {
			time time.Time
			want string
		}{
			{someTime, c.normal},
			{someTime.In(time.FixedZone("", 3*3600)), c.normal},
			{early, c.early1},
			{ancient, c.ancient1},
			{late, c.late1},
			{time.Unix(1772600767, 1), ""},
		} {
			got := shippedText(t, f, slogship.Options{}, slog.NewRecord(x.time, slog.LevelInfo, "", 0))
			if want := `{"time":` + x.want + "}\n"; got != want && x.want != "" {
				t.Errorf("layout %d: %s is written %swant %s", c.layout, x.time, got, want)
			}
		}
	}
}

// replaceTime has ReplaceAttr make something else of the time.
func replaceTime(v slog.Value) slogship.Options {
	return slogship.Options{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && a.Key == slog.TimeKey {
			a.Value = v
		}
		return a
	}}
}

// generic formats take a text in the place of the time, for nobody knows their
// receiver.
func generic(s subject) bool { return strings.HasPrefix(s.name, "json") || s.name == "ndjson" }

// What ReplaceAttr makes of the time stands in its place if it is a time; if it
// is none, it is kept as time_text, and the backend gets no time that it could
// stumble over. CLEF and Elasticsearch want one, and get that of logging.
func TestTimesThatReplaceAttrMade(t *testing.T) {
	logged := map[string]string{"seq": "2000-01-01T00:00:00.000000000Z", "elasticsearch": "2000-01-01T00:00:00.000000000Z", "elasticsearch_stream": "2000-01-01T00:00:00.000000000Z"}
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := record(slog.LevelInfo, "m")
				normal := s.must(t, shipped(t, s, slogship.Options{}, r), s.time)

				event := shipped(t, s, replaceTime(slog.StringValue("2026-03-04T08:06:07.890123456+03:00")), r)
				got := s.must(t, event, s.time)
				if generic(s) {
					if got != "2026-03-04T08:06:07.890123456+03:00" {
						t.Errorf("RFC 3339 text arrived as %v", got)
					}
				} else if got != normal {
					t.Errorf("RFC 3339 text arrived as %v, want %v", got, normal)
				}

				event = shipped(t, s, replaceTime(slog.StringValue("half past five")), r)
				got, there := s.member(t, event, s.time)
				attrs := s.attrs(t, event)
				if name, outside := event["time_text"]; outside {
					attrs = object{"time_text": name} // beside the attributes
				}
				switch {
				case generic(s):
					if got != "half past five" {
						t.Errorf("text arrived as %v", got)
					}
				case attrs["time_text"] != "half past five":
					t.Errorf("text arrived not at all: %v", event)
				case there != (logged[s.name] != "") || there && got != logged[s.name]:
					t.Errorf("text left the time %v, want %v", got, logged[s.name])
				}

				event = shipped(t, s, slogship.Options{}, slog.NewRecord(time.Time{}, slog.LevelInfo, "m", 0))
				if got, there := s.member(t, event, s.time); there != (logged[s.name] != "") || there && got != logged[s.name] {
					t.Errorf("no time arrived as %v, want %v", got, logged[s.name])
				}
			})
		})
	}
}

// Built-ins that ReplaceAttr removes are left out, except for a message that the
// backend wants; what it makes of them is of the kind that it has, or text where
// the backend wants text.
func TestBuiltInsThatReplaceAttrChanged(t *testing.T) {
	wantsMessage := map[string]bool{"newrelic": true, "datadog": true}
	remove := slogship.Options{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if len(groups) == 0 && (a.Key == slog.MessageKey || a.Key == slog.LevelKey) {
			return slog.Attr{}
		}
		return a
	}}
	change := slogship.Options{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		switch {
		case len(groups) > 0:
		case a.Key == slog.LevelKey:
			a.Value = slog.StringValue("NOTICE")
		case a.Key == slog.MessageKey:
			a.Value = slog.IntValue(7)
		}
		return a
	}}
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			r := record(slog.LevelInfo, "m", slog.Int("n", 1))
			event := shipped(t, s, remove, r)
			if got, there := s.member(t, event, s.message); there != wantsMessage[s.name] || there && got != "" {
				t.Errorf("removed message arrived as %v", got)
			}
			if got, there := s.member(t, event, s.level); there {
				t.Errorf("removed level arrived as %v", got)
			}
			event = shipped(t, s, change, r)
			if got := s.must(t, event, s.level); got != "NOTICE" {
				t.Errorf("level is %v", got)
			}
			var want any = json.Number("7")
			if wantsText(s) {
				want = "7"
			}
			if got := s.must(t, event, s.message); got != want {
				t.Errorf("message is %v, want %v", got, want)
			}
		})
	}
}

// wantsText reports whether a backend wants level and message to be text.
func wantsText(s subject) bool {
	switch name, _, _ := strings.Cut(s.name, "_"); name {
	case "clickhouse", "datadog", "elasticsearch", "newrelic", "seq":
		return true
	}
	return false
}

// The source has a function, a file and a line; the Elastic Common Schema has a
// place of its own for the latter two.
func TestSource(t *testing.T) {
	r := goldenRecords()[10]
	short := slogship.Options{AddSource: true, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if src, ok := a.Value.Any().(*slog.Source); ok && len(groups) == 0 {
			a.Value = slog.AnyValue(&slog.Source{File: src.File[strings.LastIndex(src.File, "/")+1:], Line: 42})
		}
		return a
	}}
	text := slogship.Options{AddSource: true, ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
		if a.Key == slog.SourceKey && len(groups) == 0 {
			a.Value = slog.StringValue("main.go:42")
		}
		return a
	}}
	for _, s := range subjects() {
		t.Run(s.name, func(t *testing.T) {
			ecs := strings.HasPrefix(s.name, "elasticsearch")
			src := s.must(t, shipped(t, s, slogship.Options{AddSource: true}, r), s.source).(object)
			if got := src["function"]; got != "github.com/slogship/slogship/formats_test.goldenRecords" {
				t.Errorf("function is %v", got)
			}
			file, line := src["file"], src["line"]
			if ecs {
				file, line = src["file"].(object)["name"], src["file"].(object)["line"]
			}
			if !strings.HasSuffix(file.(string), "/golden_test.go") || line.(json.Number) < "1" {
				t.Errorf("file and line are %v and %v", file, line)
			}

			got := fmt.Sprint(s.must(t, shipped(t, s, short, r), s.source))
			want := "map[file:golden_test.go line:42]"
			if ecs {
				want = "map[file:map[line:42 name:golden_test.go]]"
			}
			if got != want {
				t.Errorf("the shorter source is %s, want %s", got, want)
			}

			want = "main.go:42"
			if ecs {
				want = "map[file:map[name:main.go:42]]" // log.origin is an object there
			}
			if got := fmt.Sprint(s.must(t, shipped(t, s, text, r), s.source)); got != want {
				t.Errorf("the source that is a text is %s, want %s", got, want)
			}
		})
	}
}

// What formats send beside the body.
func TestHeaders(t *testing.T) {
	for _, c := range []struct {
		format slogship.Format
		want   map[string]string
	}{
		{formats.JSON(formats.JSONOptions{}), map[string]string{"Content-Type": "application/json"}},
		{formats.JSON(formats.JSONOptions{ContentType: "application/json; charset=utf-8"}), map[string]string{"Content-Type": "application/json; charset=utf-8"}},
		{formats.NDJSON(formats.NDJSONOptions{}), map[string]string{"Content-Type": "application/x-ndjson"}},
		{formats.NDJSON(formats.NDJSONOptions{ContentType: "application/json"}), map[string]string{"Content-Type": "application/json"}},
		{formats.Axiom(formats.AxiomOptions{}), map[string]string{"Content-Type": "application/x-ndjson"}},
		{formats.Seq(formats.SeqOptions{}), map[string]string{"Content-Type": "application/vnd.serilog.clef"}},
		{formats.Elasticsearch(formats.ElasticsearchOptions{}), map[string]string{"Content-Type": "application/x-ndjson"}},
		{formats.VictoriaLogs(formats.VictoriaLogsOptions{}), map[string]string{"Content-Type": "application/stream+json", "VL-Stream-Fields": "", "AccountID": ""}},
		{
			formats.VictoriaLogs(formats.VictoriaLogsOptions{StreamFields: []string{"service", "host.name"}, AccountID: 12}),
			map[string]string{"VL-Stream-Fields": "service,host.name", "AccountID": "12", "ProjectID": "0"},
		},
		{formats.Splunk(formats.SplunkOptions{}), map[string]string{"Content-Type": "application/json", "X-Splunk-Request-Channel": ""}},
		{formats.Splunk(formats.SplunkOptions{Channel: "934793C4-FC91-467E-965B-DC646E4EE3EF"}), map[string]string{"X-Splunk-Request-Channel": "934793C4-FC91-467E-965B-DC646E4EE3EF"}},
	} {
		var b backend
		h := ship(t, c.format, &b, slogship.Options{Header: http.Header{"Authorization": {"secret"}}})
		slog.New(h).Info("m")
		h.Close()
		got := b.got()[0].header
		for name, want := range c.want {
			if got.Get(name) != want {
				t.Errorf("%T: %s is %q, want %q", c.format, name, got.Get(name), want)
			}
		}
		if got.Get("Authorization") != "secret" {
			t.Errorf("%T: credentials were lost", c.format)
		}
	}
}

// Lines and arrays keep all the rules that slog has for handlers.
func TestSlogHandlerRules(t *testing.T) {
	for _, s := range subjects() {
		if s.name != "json" && s.name != "ndjson" {
			continue
		}
		t.Run(s.name, func(t *testing.T) {
			var b *backend
			var h *slogship.Handler
			slogtest.Run(t, func(t *testing.T) slog.Handler {
				b = new(backend)
				h = ship(t, s.format, b, slogship.Options{})
				return h
			}, func(t *testing.T) map[string]any {
				h.Close()
				return s.events(t, b.got()[0].body)[0]
			})
		})
	}
}
