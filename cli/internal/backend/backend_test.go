package backend

import (
	"log/slog"
	"slices"
	"testing"

	"github.com/slogship/slogship"
)

// The URL says which backend it is of, where it can.
func TestFind(t *testing.T) {
	for _, tt := range []struct{ url, want string }{
		{"http://loki:3100/loki/api/v1/push", "loki"},
		{"https://logs.example.com/prefix/loki/api/v1/push", "loki"},
		{"http://collector:4318/v1/logs", "otlp"},
		{"https://es:9200/_bulk", "elasticsearch"},
		{"https://es:9200/logs-app-default/_bulk", "elasticsearch"},
		{"http://victorialogs:9428/insert/jsonline", "victorialogs"},
		{"https://seq/ingest/clef", "seq"},
		{"https://splunk:8088/services/collector/event", "splunk"},
		{"https://http-intake.logs.datadoghq.eu/api/v2/logs", "datadog"},
		{"https://log-api.newrelic.com/log/v1", "newrelic"},
		{"https://api.honeycomb.io/1/batch/app", "honeycomb"},
		{"https://api.axiom.co/v1/datasets/app/ingest", "axiom"},
		{"https://eu.axiom.co/v1/ingest/app", "axiom"},
		{"http://clickhouse:8123/?query=INSERT+INTO+logs+FORMAT+JSONEachRow", "clickhouse"},
		{"https://api.logflare.app/logs?source=0000", "logflare"},
		{"https://api.logflare.app/api/logs?source_name=app", "logflare"},
		{"https://s1.eu-nbg-2.betterstackdata.com", "betterstack"},
		{"https://in.logs.betterstack.com", "betterstack"},
		{"http://example.com/logs", ""},
		{"http://example.com/", ""},
		{"%", ""},
	} {
		got := ""
		if b, err := Find("", tt.url); err == nil {
			got = b.Name
		}
		if got != tt.want {
			t.Errorf("%s is %q, want %q", tt.url, got, tt.want)
		}
	}
	if _, err := Find("promtail", "http://loki/loki/api/v1/push"); err == nil {
		t.Error("an unknown name is taken")
	}
	if b, err := Find("json", "http://loki/loki/api/v1/push"); err != nil || b.Name != "json" {
		t.Error("the URL is asked although there is a name")
	}
}

func TestComplete(t *testing.T) {
	for _, tt := range []struct{ to, url, want string }{
		{"loki", "http://loki:3100", "http://loki:3100/loki/api/v1/push"},
		{"otlp", "http://c:4318/", "http://c:4318/v1/logs"},
		{"loki", "http://loki:3100/push", "http://loki:3100/push"},
		{"splunk", "https://user:pw@s:8088", "https://user:pw@s:8088/services/collector/event"},
		{"axiom", "https://api.axiom.co", "https://api.axiom.co"},
		{"json", "https://example.com", "https://example.com"},
		{"elasticsearch", "https://es:9200?pipeline=p", "https://es:9200?pipeline=p"},
	} {
		b, err := Find(tt.to, tt.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := b.Complete(tt.url); got != tt.want {
			t.Errorf("%s at %s is %s, want %s", tt.to, tt.url, got, tt.want)
		}
	}
}

// Every backend has a format that New takes, with and without attributes.
func TestFormats(t *testing.T) {
	if !slices.IsSorted(Names()) {
		t.Errorf("%v is not sorted", Names())
	}
	for _, b := range All {
		for _, attrs := range [][]slog.Attr{nil, {slog.String("app", "shop"), slog.String("env", "test")}} {
			h, err := slogship.New("http://127.0.0.1:1/x", &slogship.Options{Format: b.Format(attrs, true)})
			if err != nil {
				t.Errorf("%s: %v", b.Name, err)
				continue
			}
			h.Close()
		}
		if b.Header == "" || b.Path == "" {
			t.Errorf("%s has no header or no path", b.Name)
		}
	}
}
