package slogship_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"strings"
	"testing"
	"testing/slogtest"

	"github.com/slogship/slogship"
)

type traceKey struct{}

// traceID finds what a test put into the context.
func traceID(ctx context.Context) []slog.Attr {
	if id, ok := ctx.Value(traceKey{}).(string); ok {
		return []slog.Attr{slog.String("trace_id", id)}
	}
	return nil
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}

// What the context has is at the root, before the other attributes, whatever
// groups are open.
func TestContextHandler(t *testing.T) {
	ctx := context.WithValue(context.Background(), traceKey{}, "4bf9")
	for _, test := range []struct {
		name string
		log  func(*slog.Logger)
		want string
	}{
		{
			"at the root", func(l *slog.Logger) { l.InfoContext(ctx, "m", "a", 1) },
			`{"level":"INFO","msg":"m","trace_id":"4bf9","a":1}`,
		},
		{
			"after With", func(l *slog.Logger) { l.With("w", 0).InfoContext(ctx, "m", "a", 1) },
			`{"level":"INFO","msg":"m","trace_id":"4bf9","w":0,"a":1}`,
		},
		{"in groups", func(l *slog.Logger) {
			l.With("w", 0).WithGroup("g").With("x", 1).WithGroup("h").With("y", 2).InfoContext(ctx, "m", "a", 3)
		}, `{"level":"INFO","msg":"m","trace_id":"4bf9","w":0,"g":{"x":1,"h":{"y":2,"a":3}}}`},
		{
			"in an empty group", func(l *slog.Logger) { l.WithGroup("g").InfoContext(ctx, "m") },
			`{"level":"INFO","msg":"m","trace_id":"4bf9"}`,
		},
		{
			"a key that is there twice", func(l *slog.Logger) { l.With("trace_id", 1).InfoContext(ctx, "m", "trace_id", 2) },
			`{"level":"INFO","msg":"m","trace_id":"4bf9","trace_id":1,"trace_id":2}`,
		},
		{"siblings", func(l *slog.Logger) {
			g := l.WithGroup("g").With("x", 1)
			_ = g.With("other", 2)
			g.With("y", 3).InfoContext(ctx, "m")
		}, `{"level":"INFO","msg":"m","trace_id":"4bf9","g":{"x":1,"y":3}}`},
		{
			"nothing in the context", func(l *slog.Logger) { l.WithGroup("g").Info("m", "a", 1) },
			`{"level":"INFO","msg":"m","g":{"a":1}}`,
		},
	} {
		var out bytes.Buffer
		handler := slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: withoutTime})
		test.log(slog.New(slogship.NewContextHandler(handler, traceID)))
		if got := strings.TrimSpace(out.String()); got != test.want {
			t.Errorf("%s:\n got %s\nwant %s", test.name, got, test.want)
		}
	}
}

// A record keeps its time, level, message and source.
func TestContextHandlerKeepsTheRecord(t *testing.T) {
	ctx := context.WithValue(context.Background(), traceKey{}, "4bf9")
	var out bytes.Buffer
	h := slogship.NewContextHandler(slog.NewJSONHandler(&out, &slog.HandlerOptions{AddSource: true}), traceID)
	slog.New(h).WithGroup("g").ErrorContext(ctx, "m", "a", 1)
	for _, want := range []string{`"time":"2`, `"level":"ERROR"`, "contexthandler_test.go", `"msg":"m"`} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("%s has no %s", out.String(), want)
		}
	}
}

// A function that panics harms no record.
func TestContextHandlerContainsPanics(t *testing.T) {
	var out bytes.Buffer
	h := slogship.NewContextHandler(slog.NewJSONHandler(&out, nil), func(context.Context) []slog.Attr { panic("boom") })
	slog.New(h).Info("m", "a", 1)
	if !strings.Contains(out.String(), "!PANIC") || !strings.Contains(out.String(), `"a":1`) {
		t.Errorf("got %s", out.String())
	}
}

func TestContextHandlerIsAHandler(t *testing.T) {
	var out bytes.Buffer
	h := slogship.NewContextHandler(slog.NewJSONHandler(&out, nil), traceID)
	err := slogtest.TestHandler(h, func() (records []map[string]any) {
		for line := range strings.Lines(out.String()) {
			var r map[string]any
			if err := json.Unmarshal([]byte(line), &r); err != nil {
				t.Fatal(err)
			}
			records = append(records, r)
		}
		return records
	})
	if err != nil {
		t.Error(err)
	}
}
