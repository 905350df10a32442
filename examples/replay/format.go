package main

import (
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// formatNames are the values of -format. In Loki each file is a stream, because the
// times of a stream must not go back far. For Elasticsearch the URL has the index.
// ClickHouse needs the table of formats.ClickHouse.
var formatNames = map[string]func() slogship.Format{
	"axiom":         func() slogship.Format { return formats.Axiom(formats.AxiomOptions{}) },
	"betterstack":   func() slogship.Format { return formats.BetterStack(formats.BetterStackOptions{}) },
	"clickhouse":    func() slogship.Format { return formats.ClickHouse(formats.ClickHouseOptions{}) },
	"datadog":       func() slogship.Format { return formats.Datadog(formats.DatadogOptions{Service: service}) },
	"elasticsearch": func() slogship.Format { return formats.Elasticsearch(formats.ElasticsearchOptions{}) },
	"honeycomb":     func() slogship.Format { return formats.Honeycomb(formats.HoneycombOptions{}) },
	"json":          func() slogship.Format { return formats.JSON(formats.JSONOptions{}) },
	"logflare":      slogship.Logflare,
	"loki": func() slogship.Format {
		return formats.Loki(formats.LokiOptions{
			Labels:     map[string]string{"service_name": service},
			LabelAttrs: []string{"file"},
		})
	},
	"ndjson":       func() slogship.Format { return formats.NDJSON(formats.NDJSONOptions{}) },
	"newrelic":     func() slogship.Format { return formats.NewRelic(formats.NewRelicOptions{}) },
	"otlp":         func() slogship.Format { return otlp(formats.OTLPProtobuf) },
	"otlp-json":    func() slogship.Format { return otlp(formats.OTLPJSON) },
	"seq":          func() slogship.Format { return formats.Seq(formats.SeqOptions{}) },
	"splunk":       func() slogship.Format { return formats.Splunk(formats.SplunkOptions{Source: service}) },
	"victorialogs": func() slogship.Format { return formats.VictoriaLogs(formats.VictoriaLogsOptions{}) },
}

const service = "replay" // where a backend asks for the name of one

func otlp(e formats.OTLPEncoding) slogship.Format {
	return formats.OTLP(formats.OTLPOptions{
		Encoding: e,
		Resource: []slog.Attr{slog.String("service.name", service)},
	})
}

// formatOf is the format that -format names.
func formatOf(name string) (slogship.Format, error) {
	format, ok := formatNames[name]
	if !ok {
		return nil, fmt.Errorf("-format is %q, want one of %s", name, allFormats())
	}
	return format(), nil
}

// allFormats lists the values of -format.
func allFormats() string { return strings.Join(slices.Sorted(maps.Keys(formatNames)), ", ") }
