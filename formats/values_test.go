package formats_test

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// A time that ReplaceAttr made the zero time is the year 1, which is a time.
func TestZeroTimeOfReplaceAttr(t *testing.T) {
	e := event(slog.LevelInfo, "m")
	e.Time, e.TimeValue = time.Time{}, slog.TimeValue(time.Time{})
	for _, c := range []struct {
		format slogship.Format
		want   string
	}{
		{formats.NDJSON(formats.NDJSONOptions{}), `"time":"0001-01-01T00:00:00Z"`},
		{formats.Axiom(formats.AxiomOptions{}), `"_time":"0001-01-01T00:00:00.000000000Z"`},
		{formats.Loki(formats.LokiOptions{}), `"time_text":"0001-01-01T00:00:00Z"`},
		{otlpFormat(formats.OTLPJSON), `{"key":"time_text","value":{"stringValue":"0001-01-01T00:00:00Z"}}`},
	} {
		if got := text(c.format, e); !strings.Contains(got, c.want) {
			t.Errorf("%s\nwant %s", got, c.want)
		}
	}
}

// Loki has a line, an empty one if there is no message.
func TestLokiWithoutMessage(t *testing.T) {
	e := event(slog.LevelInfo, "kept in spite of NoMessage")
	e.NoMessage = true
	if got, want := text(formats.Loki(formats.LokiOptions{ID: "-"}), e), `["1772600767890123456","",{"detected_level":"info"}]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

// Attributes inside an object of their own do not meet what is outside.
func TestErrorOutsideTheAttributes(t *testing.T) {
	f := formats.Elasticsearch(formats.ElasticsearchOptions{Attributes: "labels"})
	e := event(slog.LevelError, "m", failure("err", "*T", "no"), slog.String("error.message", "mine"))
	want := `"error.type":"*T","error.message":"no","labels":{"err":"no","error.message":"mine"}}`
	if got := text(f, e); !strings.HasSuffix(got, want) {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// A label and metadata of one name are one: the last.
func TestLokiLabelsWin(t *testing.T) {
	f := formats.Loki(formats.LokiOptions{ID: "-", Level: "-", Labels: map[string]string{"app": "x"}, LabelAttrs: []string{"a"}})
	for _, c := range []struct {
		attrs []slog.Attr
		want  string
	}{
		{[]slog.Attr{slog.Int("a", 1), slog.Int("b", 2)}, `{"values":[["1772600767890123456","m",{"b":"2"}]],"stream":{"app":"x","a":"1"}}`},
		{[]slog.Attr{slog.Int("a", 1), slog.Int("a", 2)}, `{"values":[["1772600767890123456","m"]],"stream":{"app":"x","a":"2"}}`},
		{[]slog.Attr{slog.Int("a", 1), slog.String("a", "")}, `{"values":[["1772600767890123456","m",{"a":""}]],"stream":{"app":"x"}}`},
		{[]slog.Attr{slog.String("a", ""), slog.Int("a", 1)}, `{"values":[["1772600767890123456","m"]],"stream":{"app":"x","a":"1"}}`},
		{[]slog.Attr{slog.Int("b", 1), slog.Int("b", 2), slog.Int("a", 3)}, `{"values":[["1772600767890123456","m",{"b":"2"}]],"stream":{"app":"x","a":"3"}}`},
	} {
		if got := text(f, event(slog.LevelInfo, "m", c.attrs...)); got != c.want {
			t.Errorf("%v: %s\nwant %s", c.attrs, got, c.want)
		}
	}
}

// What was cut before is marked once when Loki's limits cut it again.
func TestLokiCutTwice(t *testing.T) {
	for _, attrs := range [][]slog.Attr{manyAttrs(200), {slog.String("long", strings.Repeat("x", 70_000))}} {
		e := slogship.Event{Time: someTime, Attrs: append(attrs, slog.Bool("_cut", true)), Cut: true}
		got := string(formats.Loki(formats.LokiOptions{}).AppendEvent(nil, &e))
		if n := strings.Count(got, `"_cut":"true"`); n != 1 || !strings.HasSuffix(got, `,"_cut":"true"}]`) {
			t.Errorf("%d marks in %s", n, got)
		}
	}
}
