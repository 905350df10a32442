package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
)

// Standard output and the backend name the same trace, at the root.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	printed, shipped, _ := strings.Cut(out.String(), "\n")
	var p struct {
		TraceID string `json:"trace_id"`
		SpanID  string `json:"span_id"`
	}
	var s struct {
		TraceID string `json:"traceId"`
		SpanID  string `json:"spanId"`
	}
	if err := json.Unmarshal([]byte(printed), &p); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(shipped), &s); err != nil {
		t.Fatal(err)
	}
	if len(p.TraceID) != 32 || len(p.SpanID) != 16 || p.TraceID != s.TraceID || p.SpanID != s.SpanID {
		t.Errorf("printed %+v, shipped %+v", p, s)
	}
}
