package formats_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// A subject is a format under test.
type subject struct {
	name   string
	format slogship.Format

	// events are the decoded events of a body, each as it stands there.
	events func(tb testing.TB, body string) []object

	// attrs is the object of an event that holds the attributes.
	attrs func(tb testing.TB, event object) object

	// Where an event has what a record has; "" if nowhere. A name is that of a
	// member of the event, or, with a dot in front, of the object with the
	// attributes.
	time, level, message, source, id string

	healthy func(records int) string // the body of a good answer; nil if it does not matter
}

// An object is decoded JSON. Its numbers are json.Number, so that none loses a
// digit.
type object = map[string]any

// subjects are all formats with their default options, and some with others.
func subjects() []subject {
	root := func(_ testing.TB, event object) object { return event }
	in := func(name string) func(testing.TB, object) object {
		return func(tb testing.TB, event object) object {
			o, ok := event[name].(object)
			if !ok {
				tb.Fatalf("%v has no object %q", event, name)
			}
			return o
		}
	}
	return []subject{
		{
			name: "json", format: formats.JSON(formats.JSONOptions{}), events: array, attrs: root,
			time: "time", level: "level", message: "msg", source: "source", id: "event_id",
		},
		{
			name: "json_field", format: formats.JSON(formats.JSONOptions{
				Field: "entries", Time: "ts", TimeLayout: formats.UnixMilli, Level: "severity", LowerLevel: true,
				Message: "text", Source: "caller", ID: "uuid", Attributes: "attributes",
			}),
			events: func(tb testing.TB, body string) []object { return objects(tb, decode(tb, body).(object)["entries"]) },
			attrs:  in("attributes"),
			time:   "ts", level: "severity", message: "text", source: "caller", id: "uuid",
		},
		{
			name: "betterstack", format: formats.BetterStack(formats.BetterStackOptions{}), events: array, attrs: root,
			time: "dt", level: "level", message: "message", source: "source", id: "event_id",
		},
		{
			name: "newrelic", format: formats.NewRelic(formats.NewRelicOptions{
				Common: map[string]any{"service.name": "checkout", "hostname": "web-17"},
			}),
			events: func(tb testing.TB, body string) []object {
				return objects(tb, objects(tb, decode(tb, body))[0]["logs"])
			},
			attrs: in("attributes"),
			time:  "timestamp", level: ".level", message: "message", source: ".source", id: ".event_id",
		},
		{
			name: "honeycomb", format: formats.Honeycomb(formats.HoneycombOptions{}), events: array, attrs: in("data"),
			time: "time", level: ".level", message: ".message", source: ".source", id: ".event_id",
			healthy: func(records int) string {
				return "[" + strings.TrimSuffix(strings.Repeat(`{"status":202},`, records), ",") + "]"
			},
		},
		{
			name: "ndjson", format: formats.NDJSON(formats.NDJSONOptions{}), events: lines, attrs: root,
			time: "time", level: "level", message: "msg", source: "source", id: "event_id",
		},
		{
			name: "axiom", format: formats.Axiom(formats.AxiomOptions{}), events: lines, attrs: root,
			time: "_time", level: "level", message: "message", source: "source", id: "event_id",
			healthy: func(records int) string {
				return fmt.Sprintf(`{"ingested":%d,"failed":0,"failures":[],"processedBytes":219,"blocksCreated":0,"walLength":2}`, records)
			},
		},
		{
			name: "victorialogs", format: formats.VictoriaLogs(formats.VictoriaLogsOptions{StreamFields: []string{"service", "level"}, ProjectID: 7}),
			events: lines, attrs: root,
			time: "_time", level: "level", message: "_msg", source: "source", id: "event_id",
		},
		{
			name: "clickhouse", format: formats.ClickHouse(formats.ClickHouseOptions{}), events: lines,
			attrs: func(tb testing.TB, event object) object {
				return decode(tb, event["attributes"].(string)).(object)
			},
			time: "timestamp", level: "level", message: "message", source: ".source", id: "event_id",
		},
		{
			name: "clickhouse_spread", format: formats.ClickHouse(formats.ClickHouseOptions{
				Spread: true, Time: "ts", TimeLayout: formats.UnixSeconds, ID: "-",
			}),
			events: lines, attrs: root,
			time: "ts", level: "level", message: "message", source: "source",
		},
		{
			name: "seq", format: formats.Seq(formats.SeqOptions{}), events: lines, attrs: root,
			time: "@t", level: "@l", message: "@m", source: "source", id: "event_id",
		},
		{
			name: "elasticsearch", format: formats.Elasticsearch(formats.ElasticsearchOptions{Index: "logs-app-{2006.01.02}"}),
			events: bulkEvents, attrs: root,
			time: "@timestamp", level: "log.level", message: "message", source: "log.origin",
			healthy: bulkHealthy,
		},
		{
			name: "elasticsearch_stream", format: formats.Elasticsearch(formats.ElasticsearchOptions{Attributes: "attributes"}),
			events: bulkEvents, attrs: in("attributes"),
			time: "@timestamp", level: "log.level", message: "message", source: "log.origin",
			healthy: bulkHealthy,
		},
		{
			name: "splunk", format: formats.Splunk(formats.SplunkOptions{
				Host: "web-17", Source: "checkout", SourceType: "_json", Index: "main",
			}),
			events: lines, attrs: in("event"),
			time: "time", level: ".level", message: ".message", source: ".source", id: ".event_id",
			healthy: func(int) string { return `{"text":"Success","code":0}` },
		},
		{
			name: "datadog", format: formats.Datadog(formats.DatadogOptions{
				Service: "checkout", Hostname: "web-17", Tags: []string{"env:prod", "version:1.42"},
			}),
			events: array, attrs: root,
			time: "timestamp", level: "status", message: "message", source: "source_location", id: "event_id",
		},
	}
}

// member is what an event has under one of the names of a subject.
func (s subject) member(tb testing.TB, event object, name string) (any, bool) {
	tb.Helper()
	if inside, ok := strings.CutPrefix(name, "."); ok {
		event, name = s.attrs(tb, event), inside
	}
	v, ok := event[name]
	return v, ok
}

// must returns a member that is there.
func (s subject) must(tb testing.TB, event object, name string) any {
	tb.Helper()
	v, ok := s.member(tb, event, name)
	if !ok {
		tb.Errorf("%v has no %s", event, name)
	}
	return v
}

func decode(tb testing.TB, text string) any {
	tb.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		tb.Fatalf("%v in %s", err, text)
	}
	if d.More() {
		tb.Fatalf("more than one value in %s", text)
	}
	return v
}

func objects(tb testing.TB, v any) (all []object) {
	tb.Helper()
	for _, e := range v.([]any) {
		all = append(all, e.(object))
	}
	return all
}

func array(tb testing.TB, body string) []object { return objects(tb, decode(tb, body)) }

func lines(tb testing.TB, body string) (all []object) {
	tb.Helper()
	for line := range strings.Lines(body) {
		all = append(all, decode(tb, line).(object))
	}
	return all
}

func bulkEvents(tb testing.TB, body string) (events []object) {
	tb.Helper()
	all := lines(tb, body)
	for i := 1; i < len(all); i += 2 {
		events = append(events, all[i])
	}
	return events
}

func bulkHealthy(records int) string {
	item := `{"create":{"_index":"logs-app-2006.01.02","_id":"x","_version":1,"result":"created","status":201}},`
	return `{"took":30,"errors":false,"items":[` + strings.TrimSuffix(strings.Repeat(item, records), ",") + `]}`
}
