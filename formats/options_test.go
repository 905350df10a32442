package formats_test

import (
	"strings"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// New returns an error for options that are no good, which names the field, its
// value and the rule.
func TestOptionErrors(t *testing.T) {
	for _, c := range []struct {
		format slogship.Format
		want   string // "" if the options are good
	}{
		{formats.JSON(formats.JSONOptions{}), ""},
		{formats.JSON(formats.JSONOptions{Time: "-", Level: "-", Message: "-", Source: "-", ID: "-"}), ""},
		{formats.JSON(formats.JSONOptions{Attributes: "-"}), ""},
		{formats.JSON(formats.JSONOptions{Time: "when", Level: "when"}), `JSONOptions.Level is "when", want a name that JSONOptions.Time does not have`},
		{formats.JSON(formats.JSONOptions{Message: "time"}), `JSONOptions.Message is "time", want a name that JSONOptions.Time does not have`},
		{formats.JSON(formats.JSONOptions{Attributes: "msg"}), `JSONOptions.Attributes is "msg", want a name that JSONOptions.Message does not have`},
		{formats.JSON(formats.JSONOptions{TimeLayout: 99}), `JSONOptions.TimeLayout is 99, want one of the layouts of package formats`},
		{formats.JSON(formats.JSONOptions{ContentType: "json;"}), ""},
		{formats.JSON(formats.JSONOptions{ContentType: "text/\nplain"}), `JSONOptions.ContentType is "text/\nplain", want a media type`},
		{formats.NDJSON(formats.NDJSONOptions{ID: "source"}), `NDJSONOptions.ID is "source", want a name that NDJSONOptions.Source does not have`},
		{formats.NDJSON(formats.NDJSONOptions{TimeLayout: 12}), `NDJSONOptions.TimeLayout is 12, want one of the layouts`},
		{formats.NDJSON(formats.NDJSONOptions{ContentType: "/"}), `NDJSONOptions.ContentType is "/", want a media type`},
		{formats.BetterStack(formats.BetterStackOptions{ID: "-"}), ""},
		{formats.BetterStack(formats.BetterStackOptions{ID: "dt"}), `BetterStackOptions.ID is "dt", want a name that no other member has`},
		{formats.NewRelic(formats.NewRelicOptions{ID: "message"}), `NewRelicOptions.ID is "message", want a name that no other member has`},
		{formats.NewRelic(formats.NewRelicOptions{Common: map[string]any{"c": make(chan int)}}), `NewRelicOptions.Common is map[c:0x`},
		{formats.NewRelic(formats.NewRelicOptions{Common: map[string]any{"c": make(chan int)}}), `want what encoding/json can encode (json: unsupported type: chan int)`},
		{formats.Honeycomb(formats.HoneycombOptions{ID: "time"}), ""}, // inside data, the time outside
		{formats.Honeycomb(formats.HoneycombOptions{ID: "level"}), `HoneycombOptions.ID is "level", want a name that no other member has`},
		{formats.Axiom(formats.AxiomOptions{ID: "_sysTime"}), `AxiomOptions.ID is "_sysTime", want a name that no other member has`},
		{formats.VictoriaLogs(formats.VictoriaLogsOptions{ID: "_msg"}), `VictoriaLogsOptions.ID is "_msg", want a name that no other member has`},
		{formats.VictoriaLogs(formats.VictoriaLogsOptions{StreamFields: []string{"a", "b,c"}}), `VictoriaLogsOptions.StreamFields[1] is "b,c", want a name without commas`},
		{formats.VictoriaLogs(formats.VictoriaLogsOptions{StreamFields: []string{""}}), `VictoriaLogsOptions.StreamFields[0] is "", want a name without commas`},
		{formats.VictoriaLogs(formats.VictoriaLogsOptions{StreamFields: []string{"a\r\nb"}}), `has the control character 0x0d`},
		{formats.ClickHouse(formats.ClickHouseOptions{Time: "-", Level: "-", Message: "-", ID: "-", Attributes: "-"}), ""},
		{formats.ClickHouse(formats.ClickHouseOptions{Level: "message"}), `ClickHouseOptions.Message is "message", want a name that ClickHouseOptions.Level does not have`},
		{formats.ClickHouse(formats.ClickHouseOptions{Attributes: "level"}), `ClickHouseOptions.Attributes is "level", want a name that ClickHouseOptions.Level does not have`},
		{formats.ClickHouse(formats.ClickHouseOptions{Spread: true, Attributes: "a"}), `ClickHouseOptions.Attributes is "a", want "" with Spread`},
		{formats.ClickHouse(formats.ClickHouseOptions{Spread: true, Message: "source"}), `ClickHouseOptions.Message is "source", want a name that no other member has`},
		{formats.ClickHouse(formats.ClickHouseOptions{TimeLayout: 50}), `ClickHouseOptions.TimeLayout is 50, want one of the layouts`},
		{formats.Seq(formats.SeqOptions{ID: "@t"}), `SeqOptions.ID is "@t", want a name that no other member has`},
		{formats.Seq(formats.SeqOptions{ID: "@i"}), `SeqOptions.ID is "@i", want a name that does not begin with @`},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: "logs-app-default"}), ""},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: "logs-{2006.01.02}"}), ""},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: "Logs"}), `ElasticsearchOptions.Index is "Logs", want a name in lower case`},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: "logs-{Jan}"}), `ElasticsearchOptions.Index is "logs-{Jan}", want a name in lower case`},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: "logs-{2006"}), `ElasticsearchOptions.Index is "logs-{2006", want a layout of package time in its braces`},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: "logs-{}"}), `want a layout of package time in its braces`},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: "{2006}-{01}"}), `want a name in lower case`},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: "-logs"}), `want a name in lower case`},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: ".."}), `want a name in lower case`},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: ".logs"}), ""},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: `lo"gs`}), `want a name in lower case`},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Index: strings.Repeat("x", 256)}), `of at most 255 bytes`},
		{formats.Elasticsearch(formats.ElasticsearchOptions{Attributes: "message"}), `ElasticsearchOptions.Attributes is "message", want a name that no other member has`},
		{formats.Splunk(formats.SplunkOptions{}), ""},
		{formats.Splunk(formats.SplunkOptions{Channel: "a\nb"}), `has the control character 0x0a`},
		{formats.Datadog(formats.DatadogOptions{}), ""},
		{formats.Datadog(formats.DatadogOptions{Tags: []string{"env:prod", "a,b"}}), `DatadogOptions.Tags[1] is "a,b", want a tag without commas`},
		{formats.Datadog(formats.DatadogOptions{Tags: []string{""}}), `DatadogOptions.Tags[0] is "", want a tag without commas`},
		{formats.Datadog(formats.DatadogOptions{ID: "status"}), `DatadogOptions.ID is "status", want a name that no other member has`},
	} {
		h, err := slogship.New("http://backend.test/", &slogship.Options{Format: c.format})
		if err == nil {
			h.Close()
		}
		switch {
		case c.want == "" && err != nil:
			t.Errorf("good options: %v", err)
		case c.want != "" && err == nil:
			t.Errorf("no error, want %s", c.want)
		case c.want != "" && !strings.Contains(err.Error(), c.want):
			t.Errorf("error is %v\nwant %s", err, c.want)
		}
	}
}
