package formats_test

import (
	"encoding/json"
	"log/slog"
	"math"
	"reflect"
	"strings"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// What ReplaceAttr made of a level, a message or a source is in its own place: of
// its own kind, or text where the backend wants text.
func TestReplacedBuiltIns(t *testing.T) {
	for _, c := range []struct {
		name  string
		value slog.Value
		kind  any    // as decoded JSON
		text  string // where text is wanted
	}{
		{"a text", slog.StringValue("NOTICE"), "NOTICE", "NOTICE"},
		{"an empty text", slog.StringValue(""), "", ""},
		{"a number", slog.IntValue(30), json.Number("30"), "30"},
		{"true", slog.BoolValue(true), true, "true"},
		{"NaN", slog.Float64Value(math.NaN()), "NaN", "NaN"},
		{"a time", slog.TimeValue(someTime), "2026-03-04T05:06:07.890123456Z", "2026-03-04T05:06:07.890123456Z"},
		{"null", slog.AnyValue(&slogship.JSON{Text: "null"}), nil, "null"},
		{"an object", slog.AnyValue(&slogship.JSON{Text: `{"a":"b"}`}), object{"a": "b"}, `{"a":"b"}`},
		{"a group", slog.GroupValue(slog.String("a", "b")), object{"a": "b"}, `{"a":"b"}`},
		{"an error", slog.AnyValue(&slogship.Error{Text: "no"}), "no", "no"},
		{"bytes", slog.AnyValue(&slogship.Bytes{Data: []byte("ab")}), "YWI=", "YWI="},
	} {
		for _, s := range subjects() {
			e := event(slog.LevelWarn, "m")
			e.LevelValue, e.MessageValue, e.SourceValue = c.value, c.value, c.value
			got := s.events(t, encodedBody(s.format, e))[0]
			want := c.kind
			if wantsText(s) {
				want = c.text
			}
			for _, name := range []string{s.level, s.message} {
				if v := s.must(t, got, name); !reflect.DeepEqual(v, want) {
					t.Errorf("%s, %s: %s is %#v, want %#v", s.name, c.name, name, v, want)
				}
			}
			want = c.kind
			if s.source == "log.origin" {
				want = object{"file": object{"name": c.text}} // an object to Elasticsearch
			}
			if v := s.must(t, got, s.source); !reflect.DeepEqual(v, want) {
				t.Errorf("%s, %s: the source is %#v, want %#v", s.name, c.name, v, want)
			}
		}
	}
}

// What ReplaceAttr left out is not written, except for a message that the backend
// wants.
func TestBuiltInsLeftOut(t *testing.T) {
	for _, s := range subjects() {
		e := event(slog.LevelWarn, "m")
		e.NoLevel, e.NoMessage = true, true
		got := s.events(t, encodedBody(s.format, e))[0]
		for _, name := range []string{s.level, s.source} {
			if v, ok := s.member(t, got, name); ok {
				t.Errorf("%s: %s is %v", s.name, name, v)
			}
		}
		wanted := s.name == "newrelic" || s.name == "datadog"
		if v, ok := s.member(t, got, s.message); ok != wanted || ok && v != "" {
			t.Errorf("%s: the message is %v", s.name, v)
		}
	}
}

// In Loki and in OTLP they are what these have for them.
func TestReplacedBuiltInsElsewhere(t *testing.T) {
	e := event(slog.LevelWarn, "m", slog.String("a", "b"))
	e.LevelValue, e.MessageValue, e.SourceValue = slog.IntValue(30), slog.IntValue(7), slog.StringValue("main.go:35")
	for _, c := range []struct {
		name   string
		format slogship.Format
		want   string
	}{
		{"Loki", formats.Loki(formats.LokiOptions{ID: "-"}), `["1772600767890123456","7",{"detected_level":"30","source":"main.go:35","a":"b"}]`},
		{
			"Loki with a label", formats.Loki(formats.LokiOptions{ID: "-", LevelLabel: "level", Labels: map[string]string{"app": "x"}}),
			`{"values":[["1772600767890123456","7",{"source":"main.go:35","a":"b"}]],"stream":{"app":"x","level":"30"}}`,
		},
		{"OTLP", otlpFormat(formats.OTLPJSON), `{"observedTimeUnixNano":"1772600767891123456","timeUnixNano":"1772600767890123456","severityNumber":13,"severityText":"30",` +
			`"body":{"intValue":"7"},"attributes":[{"key":"log.record.uid","value":{"stringValue":"` + e.ID + `"}},` +
			`{"key":"source","value":{"stringValue":"main.go:35"}},{"key":"a","value":{"stringValue":"b"}}]}`},
	} {
		if got := text(c.format, e); got != c.want {
			t.Errorf("%s: %s\nwant %s", c.name, got, c.want)
		}
	}
}

// A double has a fraction in OTLP's JSON, whatever its value.
func TestOTLPDoublesHaveAFraction(t *testing.T) {
	for _, c := range []struct {
		value float64
		want  string
	}{
		{0, "0.0"},
		{1, "1.0"},
		{-3, "-3.0"},
		{0.5, "0.5"},
		{1e20, "100000000000000000000.0"},
		{1e21, "1.0e+21"},
		{1.5e300, "1.5e+300"},
		{5e-324, "5.0e-324"},
		{1e-7, "1.0e-7"},
		{math.NaN(), `"NaN"`},
		{math.Inf(1), `"Infinity"`},
		{math.Inf(-1), `"-Infinity"`},
	} {
		e := event(slog.LevelInfo, "m")
		e.MessageValue = slog.Float64Value(c.value)
		if got, want := text(otlpFormat(formats.OTLPJSON), e), `"body":{"doubleValue":`+c.want+`},`; !strings.Contains(got, want) {
			t.Errorf("%v: %s, want %s", c.value, got, want)
		}
	}
	inside := event(slog.LevelInfo, "m", slog.Any("list", &slogship.JSON{Text: "[1,1e2,-0,2.50,1e300]"}))
	want := `{"values":[{"intValue":"1"},{"doubleValue":100.0},{"doubleValue":-0.0},{"doubleValue":2.5},{"doubleValue":1.0e+300}]}`
	if got := text(otlpFormat(formats.OTLPJSON), inside); !strings.Contains(got, want) {
		t.Errorf("%s, want %s", got, want)
	}
}
