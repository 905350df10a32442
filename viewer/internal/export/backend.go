package export

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// backend is one that -to names.
type backend struct {
	name string

	// path completes a URL without one. Where only the user knows it, it is empty.
	path string

	// header and scheme are how it wants a token.
	header, scheme string

	// format writes the records of a source. Where the backend has a place of its own
	// for the source, the format fills it; elsewhere the source becomes the
	// attribute.
	format func(source string) slogship.Format
	attr   string
}

const (
	authorization = "Authorization"
	bearer        = "Bearer "
	serviceAttr   = "service"
)

var backends = []backend{
	{"axiom", "", authorization, bearer, same(formats.Axiom(formats.AxiomOptions{})), serviceAttr},
	{"betterstack", "/", authorization, bearer, same(formats.BetterStack(formats.BetterStackOptions{})), serviceAttr},
	{"clickhouse", "", "X-ClickHouse-Key", "", same(formats.ClickHouse(formats.ClickHouseOptions{})), serviceAttr},
	{"datadog", "/api/v2/logs", "DD-API-KEY", "", func(source string) slogship.Format {
		return formats.Datadog(formats.DatadogOptions{Service: source})
	}, ""},
	{"elasticsearch", "/_bulk", authorization, "ApiKey ", same(formats.Elasticsearch(formats.ElasticsearchOptions{})), serviceAttr},
	{"honeycomb", "", "X-Honeycomb-Team", "", same(formats.Honeycomb(formats.HoneycombOptions{})), serviceAttr},
	{"json", "", authorization, bearer, same(formats.JSON(formats.JSONOptions{})), serviceAttr},
	{"logflare", "", "X-API-KEY", "", same(slogship.Logflare()), serviceAttr},
	{"loki", "/loki/api/v1/push", authorization, bearer, func(source string) slogship.Format {
		return formats.Loki(formats.LokiOptions{Labels: map[string]string{"service_name": source}})
	}, ""},
	{"ndjson", "", authorization, bearer, same(formats.NDJSON(formats.NDJSONOptions{})), serviceAttr},
	{"newrelic", "/log/v1", "Api-Key", "", same(formats.NewRelic(formats.NewRelicOptions{})), "service.name"},
	{"otlp", "/v1/logs", authorization, bearer, func(source string) slogship.Format {
		return formats.OTLP(formats.OTLPOptions{Resource: []slog.Attr{slog.String("service.name", source)}})
	}, ""},
	{"seq", "/ingest/clef", "X-Seq-ApiKey", "", same(formats.Seq(formats.SeqOptions{})), serviceAttr},
	{"splunk", "/services/collector/event", authorization, "Splunk ", same(formats.Splunk(formats.SplunkOptions{})), serviceAttr},
	{"victorialogs", "/insert/jsonline", authorization, bearer, same(formats.VictoriaLogs(formats.VictoriaLogsOptions{StreamFields: []string{serviceAttr}})), serviceAttr},
}

func same(f slogship.Format) func(string) slogship.Format {
	return func(string) slogship.Format { return f }
}

// Backends are the names that Backend knows.
func Backends() string {
	var names []string
	for i := range backends {
		names = append(names, backends[i].name)
	}
	return strings.Join(names, ", ")
}

// Target is a log backend, and how it is reached.
type Target struct {
	backend  *backend
	endpoint string
	header   http.Header
}

// NewTarget returns the target for the name of a backend. An endpoint without a
// path gets the backend's; a token is sent as the backend wants it.
func NewTarget(name, endpoint, token string, header http.Header) (*Target, error) {
	t := &Target{endpoint: endpoint, header: header.Clone()}
	for i := range backends {
		if backends[i].name == name {
			t.backend = &backends[i]
		}
	}
	if t.backend == nil {
		return nil, fmt.Errorf("-to %s is not a backend that slogship knows; there are %s", name, Backends())
	}
	if endpoint == "" {
		return nil, errors.New("-url is not set: where is the backend?")
	}
	if u, err := url.Parse(endpoint); err == nil && (u.Path == "" || u.Path == "/") && u.RawQuery == "" && t.backend.path != "" {
		u.Path = t.backend.path
		t.endpoint = u.String()
	}
	if t.header == nil {
		t.header = http.Header{}
	}
	if token != "" && t.header.Get(t.backend.header) == "" {
		t.header.Set(t.backend.header, t.backend.scheme+token)
	}
	// What is wrong with the endpoint or the header is said before anything is read.
	h, err := slogship.New(t.endpoint, t.options("check"))
	if err != nil {
		return nil, err
	}
	return t, h.Close()
}

// Bounds of a source's records on their way.
const (
	maxPending      = 20_000
	maxPendingBytes = 8 << 20
)

func (t *Target) options(source string) *slogship.Options {
	return &slogship.Options{
		Level:           slog.Level(-1 << 30),
		Format:          identified{t.backend.format(source)},
		Header:          t.header,
		OnFull:          slogship.Block,
		MaxPending:      maxPending,
		MaxPendingBytes: maxPendingBytes,
	}
}
