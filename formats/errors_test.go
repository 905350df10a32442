package formats_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

var someStack = []slog.Source{{Function: "main.load", File: "/src/load.go", Line: 42}, {Function: "main.main", File: "/src/main.go", Line: 7}}

// The first error of a record is also what the backend's error tracking reads,
// beside the attribute itself.
func TestErrorTracking(t *testing.T) {
	const (
		stackJSON = `main.load\n\t/src/load.go:42\nmain.main\n\t/src/main.go:7`
		message   = "open x: no such file"
	)
	attrs := []slog.Attr{
		slog.Int("n", 1), failure("err", "*fs.PathError", message, someStack...), failure("second", "*T", "another"),
	}
	for _, c := range []struct {
		name   string
		format slogship.Format
		want   string // a part of the event
	}{
		{
			"Datadog", formats.Datadog(formats.DatadogOptions{}),
			`"error.kind":"*fs.PathError","error.message":"` + message + `","error.stack":"` + stackJSON + `","n":1,"err":"` + message + `","second":"another"}`,
		},
		{
			"Elasticsearch", formats.Elasticsearch(formats.ElasticsearchOptions{}),
			`"error.type":"*fs.PathError","error.message":"` + message + `","error.stack_trace":"` + stackJSON + `","n":1,"err":"` + message + `","second":"another"}`,
		},
		{
			"Elasticsearch with Attributes", formats.Elasticsearch(formats.ElasticsearchOptions{Attributes: "labels"}),
			`"error.stack_trace":"` + stackJSON + `","labels":{"n":1,"err":"` + message + `","second":"another"}}`,
		},
		{
			"Seq", formats.Seq(formats.SeqOptions{ID: "-"}),
			`"@x":"` + message + `\n` + stackJSON + `","n":1,"err":"` + message + `","second":"another"}`,
		},
		{
			"OTLP in JSON", otlpFormat(formats.OTLPJSON),
			`{"key":"exception.type","value":{"stringValue":"*fs.PathError"}},{"key":"exception.message","value":{"stringValue":"` + message + `"}},` +
				`{"key":"exception.stacktrace","value":{"stringValue":"` + stackJSON + `"}},{"key":"n"`,
		},
		{"OTLP in protobuf", otlpFormat(formats.OTLPProtobuf), "\x0a\x11exception.message\x12\x16\x0a\x14" + message},
		{"Logflare", slogship.Logflare(), `{"level":"error","n":1,"err":"` + message + `","second":"another"}`},
	} {
		if got := text(c.format, event(slog.LevelError, "m", attrs...)); !strings.Contains(got, c.want) {
			t.Errorf("%s: %q\nwant %q in it", c.name, got, c.want)
		}
	}
}

// otlpFormat is OTLP with default options.
func otlpFormat(e formats.OTLPEncoding) slogship.Format {
	return formats.OTLP(formats.OTLPOptions{Encoding: e})
}

// An error is found wherever it is, what it does not have is not written, and a
// user's own attribute of the same name wins.
func TestErrorTrackingRules(t *testing.T) {
	plain := failure("err", "", "no")
	for _, c := range []struct {
		name     string
		attrs    []slog.Attr
		datadog  string // what stands before the attributes
		ecs      string
		seq      string
		otlpJSON string
	}{
		{name: "none", attrs: []slog.Attr{slog.String("s", "x")}},
		{
			name: "without type and stack", attrs: []slog.Attr{plain},
			datadog: `"error.message":"no",`, ecs: `"error.message":"no",`, seq: `"@x":"no",`,
			otlpJSON: `{"key":"exception.message","value":{"stringValue":"no"}},`,
		},
		{
			name: "without text", attrs: []slog.Attr{failure("err", "*T", "")},
			datadog: `"error.kind":"*T","error.message":"",`, ecs: `"error.type":"*T","error.message":"",`, seq: `"@x":"",`,
			otlpJSON: `{"key":"exception.type","value":{"stringValue":"*T"}},{"key":"exception.message","value":{"stringValue":""}},`,
		},
		{
			name: "in a group", attrs: []slog.Attr{slog.Group("g", slog.Int("n", 1), slog.Group("h", plain))},
			datadog: `"error.message":"no",`, ecs: `"error.message":"no",`, seq: `"@x":"no",`,
			otlpJSON: `{"key":"exception.message","value":{"stringValue":"no"}},`,
		},
		{
			name: "the user's own", attrs: []slog.Attr{
				failure("err", "*T", "no"), slog.String("error.message", "mine"), slog.String("exception.message", "mine"),
			},
			datadog: `"error.kind":"*T",`, ecs: `"error.type":"*T",`, seq: `"@x":"no",`,
			otlpJSON: `{"key":"exception.type","value":{"stringValue":"*T"}},`,
		},
		{
			name: "the user's own in a group", attrs: []slog.Attr{failure("err", "*T", "no"), slog.Group("error", slog.String("message", "mine"))},
			datadog: `"error.kind":"*T",`, ecs: `"error.type":"*T",`, seq: `"@x":"no",`,
			otlpJSON: `{"key":"exception.type","value":{"stringValue":"*T"}},{"key":"exception.message","value":{"stringValue":"no"}},`,
		},
	} {
		e := event(slog.LevelError, "m", append([]slog.Attr{slog.Int("first", 1)}, c.attrs...)...)
		for _, x := range []struct {
			name   string
			format slogship.Format
			before string
			first  string
			want   string
		}{
			{"Datadog", formats.Datadog(formats.DatadogOptions{}), `"message":"m",`, `"first":1`, c.datadog},
			{"Elasticsearch", formats.Elasticsearch(formats.ElasticsearchOptions{}), `"message":"m",`, `"first":1`, c.ecs},
			{"Seq", formats.Seq(formats.SeqOptions{ID: "-"}), `"@m":"m",`, `"first":1`, c.seq},
			{"OTLP", otlpFormat(formats.OTLPJSON), `"` + e.ID + `"}},`, `{"key":"first"`, c.otlpJSON},
		} {
			if got := text(x.format, e); !strings.Contains(got, x.before+x.want+x.first) {
				t.Errorf("%s, %s: %s\nwant %s", x.name, c.name, got, x.before+x.want+x.first)
			}
		}
	}
}

// In a document of Elasticsearch's "error" is an object: what is not one gets an
// underscore, whatever else the record has.
func TestElasticsearchErrorIsAnObject(t *testing.T) {
	f := formats.Elasticsearch(formats.ElasticsearchOptions{})
	for _, c := range []struct {
		attr slog.Attr
		want string
	}{
		{slog.String("error", "x"), `"error_":"x"`},
		{failure("error", "", "x"), `"error_":"x"`},
		{slog.Int("error_", 1), `"error__":1`},
		{slog.Int("error__", 1), `"error___":1`},
		{slog.Group("error", slog.Int("code", 1)), `"error":{"code":1}`},
		{slog.Any("error", &slogship.JSON{Text: `{"code":1}`}), `"error":{"code":1}`},
		{slog.Any("error", &slogship.JSON{Text: `[1]`}), `"error_":[1]`},
		{slog.Group("error_", slog.Int("code", 1)), `"error__":{"code":1}`},
		{slog.Int("errors", 1), `"errors":1`},
		{slog.Int("error_code", 1), `"error_code":1`},
	} {
		if got := text(f, event(slog.LevelInfo, "m", c.attr)); !strings.HasSuffix(got, ","+c.want+"}") {
			t.Errorf("%v: %s, want %s", c.attr, got, c.want)
		}
	}
	inside := formats.Elasticsearch(formats.ElasticsearchOptions{Attributes: "labels"})
	if got := text(inside, event(slog.LevelInfo, "m", slog.String("error", "x"))); !strings.HasSuffix(got, `"labels":{"error":"x"}}`) {
		t.Errorf("inside an object: %s", got)
	}
}
