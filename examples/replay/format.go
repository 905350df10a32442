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

// formatNames are the values of -format. In Loki each file is a stream, for a
// stream's times have to ascend, by and large; ClickHouse has the table of
// formats.ClickHouse.
var formatNames = map[string]func() slogship.Format{
	"logflare":   slogship.Logflare,
	"json":       func() slogship.Format { return formats.JSON(formats.JSONOptions{}) },
	"ndjson":     func() slogship.Format { return formats.NDJSON(formats.NDJSONOptions{}) },
	"clickhouse": func() slogship.Format { return formats.ClickHouse(formats.ClickHouseOptions{}) },
	"otlp":       func() slogship.Format { return otlp(formats.OTLPProtobuf) },
	"otlp-json":  func() slogship.Format { return otlp(formats.OTLPJSON) },
	"loki": func() slogship.Format {
		return formats.Loki(formats.LokiOptions{
			Labels:     map[string]string{"service_name": "replay"},
			LabelAttrs: []string{"file"},
		})
	},
}

func otlp(e formats.OTLPEncoding) slogship.Format {
	return formats.OTLP(formats.OTLPOptions{
		Encoding: e,
		Resource: []slog.Attr{slog.String("service.name", "replay")},
	})
}

// formatOf is the format that -format names.
func formatOf(name string) (slogship.Format, error) {
	format, ok := formatNames[name]
	if !ok {
		return nil, fmt.Errorf("-format is %q, want one of %s", name, strings.Join(slices.Sorted(maps.Keys(formatNames)), ", "))
	}
	return format(), nil
}
