// Package backend knows the backends by the names that -to takes: their formats,
// their paths, and where each wants its credentials. It knows nothing of flags.
package backend

import (
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"slices"
	"strings"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// A Backend is one that -to names.
type Backend struct {
	Name string

	// Path is where it takes records; it completes a URL that has no path. In
	// capitals is what only the user knows; such a path completes nothing.
	Path string

	// Header and Scheme are how it wants a token: "Authorization", "Bearer ".
	Header, Scheme string

	// Described reports that the attributes of -a describe the source once, as
	// labels or a resource, and are not attributes of each record.
	Described bool

	format func(attrs []slog.Attr, readable bool) slogship.Format
	says   func(u *url.URL) bool // the URL says that it is this one
}

// Format returns the backend's format for records from what attrs describe. A
// readable one is text, for -dry-run.
func (b *Backend) Format(attrs []slog.Attr, readable bool) slogship.Format {
	return b.format(attrs, readable)
}

const (
	authorization = "Authorization"
	bearer        = "Bearer "
)

// All are the backends in the order of the alphabet.
var All = []*Backend{
	{
		Name: "axiom", Path: "/v1/datasets/DATASET/ingest", Header: authorization, Scheme: bearer,
		format: plain(func() slogship.Format { return formats.Axiom(formats.AxiomOptions{}) }),
		says: func(u *url.URL) bool {
			return strings.HasPrefix(u.Path, "/v1/datasets/") && strings.HasSuffix(u.Path, "/ingest") ||
				strings.HasPrefix(u.Path, "/v1/ingest/")
		},
	},
	{
		Name: "betterstack", Path: "/", Header: authorization, Scheme: bearer,
		format: plain(func() slogship.Format { return formats.BetterStack(formats.BetterStackOptions{}) }),
		says: func(u *url.URL) bool {
			h := u.Hostname()
			return strings.HasSuffix(h, ".betterstackdata.com") || strings.HasSuffix(h, "logs.betterstack.com")
		},
	},
	{
		Name: "clickhouse", Path: "/?query=INSERT+INTO+TABLE+FORMAT+JSONEachRow", Header: "X-ClickHouse-Key",
		format: plain(func() slogship.Format { return formats.ClickHouse(formats.ClickHouseOptions{}) }),
		says: func(u *url.URL) bool {
			return strings.HasPrefix(strings.ToUpper(strings.TrimSpace(u.Query().Get("query"))), "INSERT ")
		},
	},
	{
		Name: "datadog", Path: "/api/v2/logs", Header: "DD-API-KEY",
		format: plain(func() slogship.Format { return formats.Datadog(formats.DatadogOptions{Source: "slogship"}) }),
		says:   at("/api/v2/logs"),
	},
	{
		Name: "elasticsearch", Path: "/_bulk", Header: authorization, Scheme: "ApiKey ",
		format: plain(func() slogship.Format { return formats.Elasticsearch(formats.ElasticsearchOptions{}) }),
		says:   func(u *url.URL) bool { return strings.HasSuffix(u.Path, "/_bulk") },
	},
	{
		Name: "honeycomb", Path: "/1/batch/DATASET", Header: "X-Honeycomb-Team",
		format: plain(func() slogship.Format { return formats.Honeycomb(formats.HoneycombOptions{}) }),
		says:   func(u *url.URL) bool { return strings.HasPrefix(u.Path, "/1/batch/") },
	},
	{
		Name: "json", Path: "/PATH", Header: authorization, Scheme: bearer,
		format: plain(func() slogship.Format { return formats.JSON(formats.JSONOptions{}) }),
	},
	{
		Name: "logflare", Path: "/logs?source=SOURCE", Header: "X-API-KEY",
		format: plain(slogship.Logflare),
		says: func(u *url.URL) bool {
			q := u.Query()
			return (q.Has("source") || q.Has("source_name")) && (strings.HasSuffix(u.Path, "/logs") || strings.HasSuffix(u.Path, "/events"))
		},
	},
	{
		Name: "loki", Path: "/loki/api/v1/push", Header: authorization, Scheme: bearer, Described: true,
		format: func(attrs []slog.Attr, _ bool) slogship.Format {
			labels := map[string]string{}
			for _, a := range attrs {
				labels[a.Key] = a.Value.String()
			}
			if len(labels) == 0 {
				labels["service_name"] = "slogship"
			}
			return formats.Loki(formats.LokiOptions{Labels: labels})
		},
		says: func(u *url.URL) bool { return strings.HasSuffix(u.Path, "/loki/api/v1/push") },
	},
	{
		Name: "ndjson", Path: "/PATH", Header: authorization, Scheme: bearer,
		format: plain(func() slogship.Format { return formats.NDJSON(formats.NDJSONOptions{}) }),
	},
	{
		Name: "newrelic", Path: "/log/v1", Header: "Api-Key", Described: true,
		format: func(attrs []slog.Attr, _ bool) slogship.Format {
			common := map[string]any{}
			for _, a := range attrs {
				common[a.Key] = a.Value.String()
			}
			return formats.NewRelic(formats.NewRelicOptions{Common: common})
		},
		says: at("/log/v1"),
	},
	{
		Name: "otlp", Path: "/v1/logs", Header: authorization, Scheme: bearer, Described: true,
		format: otlp(formats.OTLPProtobuf),
		says:   func(u *url.URL) bool { return strings.HasSuffix(u.Path, "/v1/logs") },
	},
	{
		Name: "otlp-json", Path: "/v1/logs", Header: authorization, Scheme: bearer, Described: true,
		format: otlp(formats.OTLPJSON),
	},
	{
		Name: "seq", Path: "/ingest/clef", Header: "X-Seq-ApiKey",
		format: plain(func() slogship.Format { return formats.Seq(formats.SeqOptions{}) }),
		says:   func(u *url.URL) bool { return strings.HasSuffix(u.Path, "/ingest/clef") },
	},
	{
		Name: "splunk", Path: "/services/collector/event", Header: authorization, Scheme: "Splunk ",
		format: plain(func() slogship.Format { return formats.Splunk(formats.SplunkOptions{}) }),
		says:   func(u *url.URL) bool { return strings.Contains(u.Path, "/services/collector") },
	},
	{
		Name: "victorialogs", Path: "/insert/jsonline", Header: authorization, Scheme: bearer,
		format: func(attrs []slog.Attr, _ bool) slogship.Format {
			var fields []string
			for _, a := range attrs {
				fields = append(fields, a.Key)
			}
			return formats.VictoriaLogs(formats.VictoriaLogsOptions{StreamFields: fields})
		},
		says: func(u *url.URL) bool { return strings.HasSuffix(u.Path, "/insert/jsonline") },
	},
}

func plain(f func() slogship.Format) func([]slog.Attr, bool) slogship.Format {
	return func([]slog.Attr, bool) slogship.Format { return f() }
}

func at(path string) func(*url.URL) bool {
	return func(u *url.URL) bool { return strings.TrimSuffix(u.Path, "/") == path }
}

func otlp(encoding formats.OTLPEncoding) func([]slog.Attr, bool) slogship.Format {
	return func(attrs []slog.Attr, readable bool) slogship.Format {
		resource := []slog.Attr{slog.String("service.name", "slogship")}
		for _, a := range attrs {
			if a.Key == "service" || a.Key == "app" { // what people call it
				resource = append(resource, slog.String("service.name", a.Value.String()))
			}
		}
		e := encoding
		if readable {
			e = formats.OTLPJSON
		}
		return formats.OTLP(formats.OTLPOptions{Encoding: e, Resource: append(resource, attrs...)})
	}
}

// Names are the names of all backends.
func Names() []string {
	var names []string
	for _, b := range All {
		names = append(names, b.Name)
	}
	return names
}

// Find returns the backend of a name, or, without one, that of which the URL speaks.
func Find(name, endpoint string) (*Backend, error) {
	if name != "" {
		i := slices.IndexFunc(All, func(b *Backend) bool { return b.Name == name })
		if i < 0 {
			return nil, fmt.Errorf("-to %s is not a backend that slogship knows; there are %s", name, strings.Join(Names(), ", "))
		}
		return All[i], nil
	}
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, errors.New("-url is not a URL")
	}
	for _, b := range All {
		if b.says != nil && b.says(u) {
			return b, nil
		}
	}
	return nil, fmt.Errorf("-to is not set, and the URL does not tell which backend it is of; there are %s", strings.Join(Names(), ", "))
}

// Complete adds the backend's path to an endpoint that has none.
func (b *Backend) Complete(endpoint string) string {
	u, err := url.Parse(endpoint)
	if err != nil || u.Path != "" && u.Path != "/" || u.RawQuery != "" || strings.ContainsAny(b.Path, "ADEHLOPRST") {
		return endpoint
	}
	u.Path = b.Path
	return u.String()
}
