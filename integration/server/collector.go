package server

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// Collector is an OpenTelemetry Collector that writes what it gets to a file.
type Collector struct {
	*Process
	url, file string
}

// CollectorConfig is what differs between the Collectors of the tests.
type CollectorConfig struct {
	// MaxBody is the most bytes that a request has. If zero, the Collector's
	// default.
	MaxBody int

	// Batch puts a batch processor in between: what was acknowledged is then
	// in memory only for a while.
	Batch bool
}

// NewCollector prepares a Collector; it does not start it.
func NewCollector(c CollectorConfig) (*Collector, error) {
	ports, err := freePorts(1)
	if err != nil {
		return nil, err
	}
	maxBody, batch := "", ""
	if c.MaxBody > 0 {
		maxBody = fmt.Sprintf("max_request_body_size: %d", c.MaxBody)
	}
	if c.Batch {
		batch = "batch"
	}
	p, err := newProcess("otelcol", "OTELCOL", map[string]string{
		"collector.yaml": fmt.Sprintf(collectorConfig, ports[0], maxBody, batch),
	})
	if err != nil {
		return nil, err
	}
	col := &Collector{p, fmt.Sprintf("http://127.0.0.1:%d/v1/logs", ports[0]), filepath.Join(p.dir, "logs.json")}
	p.args = []string{"--config=collector.yaml"}
	p.ready = func() error { return post(col.Logs(), "application/json", "{}", nil) }
	return col, nil
}

const collectorConfig = `
receivers:
  otlp:
    protocols:
      http:
        endpoint: 127.0.0.1:%d
        %s
processors:
  batch:
    timeout: 500ms
exporters:
  file:
    path: DIR/logs.json
    append: true
    flush_interval: 100ms
service:
  telemetry:
    logs:
      level: warn
    metrics:
      level: none
  pipelines:
    logs:
      receivers: [otlp]
      processors: [%s]
      exporters: [file]
`

// Logs is the endpoint of OTLP/HTTP logs.
func (c *Collector) Logs() string { return c.url }

// A LogRecord is what the Collector writes of a record, with its resource and
// its scope. Numbers are text, as in JSON of Protocol Buffers.
type LogRecord struct {
	Resource, Scope []KeyValue
	ScopeName       string

	TimeUnixNano         string     `json:"timeUnixNano"`
	ObservedTimeUnixNano string     `json:"observedTimeUnixNano"`
	SeverityNumber       int        `json:"severityNumber"`
	SeverityText         string     `json:"severityText"`
	Body                 AnyValue   `json:"body"`
	Attributes           []KeyValue `json:"attributes"`
	TraceID              string     `json:"traceId"`
	SpanID               string     `json:"spanId"`
}

// A KeyValue is an attribute.
type KeyValue struct {
	Key   string   `json:"key"`
	Value AnyValue `json:"value"`
}

// An AnyValue has one of its fields, or none.
type AnyValue struct {
	StringValue *string          `json:"stringValue"`
	BoolValue   *bool            `json:"boolValue"`
	IntValue    *json.Number     `json:"intValue"`
	DoubleValue *json.RawMessage `json:"doubleValue"` // a number, or a string
	BytesValue  *[]byte          `json:"bytesValue"`
	ArrayValue  *struct {
		Values []AnyValue `json:"values"`
	} `json:"arrayValue"`
	KvlistValue *struct {
		Values []KeyValue `json:"values"`
	} `json:"kvlistValue"`
}

// lineBegin begins a line. In a string of JSON it would have other quotes.
const lineBegin = `{"resourceLogs":`

// Records returns what the Collector has written, in its order. What it had
// written of a line when it died is left out: it is the end of the file, or
// stands before a line written later.
func (c *Collector) Records() (records []LogRecord, err error) {
	text, err := os.ReadFile(c.file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	for line := range bytes.Lines(text) {
		if line[len(line)-1] != '\n' {
			break
		}
		if at := bytes.LastIndex(line, []byte(lineBegin)); at > 0 {
			line = line[at:]
		}
		var data struct {
			ResourceLogs []struct {
				Resource struct {
					Attributes []KeyValue `json:"attributes"`
				} `json:"resource"`
				ScopeLogs []struct {
					Scope struct {
						Name       string     `json:"name"`
						Attributes []KeyValue `json:"attributes"`
					} `json:"scope"`
					LogRecords []LogRecord `json:"logRecords"`
				} `json:"scopeLogs"`
			} `json:"resourceLogs"`
		}
		if err := json.Unmarshal(line, &data); err != nil {
			return nil, fmt.Errorf("otelcol: %w in %.200s", err, line)
		}
		for _, rl := range data.ResourceLogs {
			for _, sl := range rl.ScopeLogs {
				for _, r := range sl.LogRecords {
					r.Resource, r.Scope, r.ScopeName = rl.Resource.Attributes, sl.Scope.Attributes, sl.Scope.Name
					records = append(records, r)
				}
			}
		}
	}
	return records, nil
}
