// Package sdktest sends the viewer what OpenTelemetry's Go SDK sends, by the SDK's
// own exporters. It is a module of its own, so that the viewer does not depend on
// them.
package sdktest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/slogship/slogship/viewer"
)

func start(t *testing.T) *httptest.Server {
	t.Helper()
	v, err := viewer.New(t.TempDir(), &viewer.Options{FastCommits: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(v)
	t.Cleanup(func() {
		server.Close()
		if err := v.Close(); err != nil {
			t.Error(err)
		}
	})
	return server
}

func get(t *testing.T, url string, into any) {
	t.Helper()
	res, err := http.Get(url) //nolint:noctx // the test ends it
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s: %s, %v", url, res.Status, body, err)
	}
	if err := json.Unmarshal(body, into); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
}

type record struct {
	Msg, Level, Source, Trace, Span string
	Attrs                           map[string]any
}

type span struct {
	Trace, ID, Parent, Source, Name, Status string
	Kind                                    int
	Failed                                  bool
	Attrs                                   map[string]any
	Events                                  []map[string]any
}

// What the SDK's exporters send is there: each record with its level, attributes and
// span, the spans as a trace, with what they say of an error. Nothing is refused.
func TestSDK(t *testing.T) {
	for _, compression := range []string{"none", "gzip"} {
		t.Run(compression, func(t *testing.T) {
			server := start(t)
			send(t, strings.TrimPrefix(server.URL, "http://"), compression == "gzip")
			check(t, server.URL)
		})
	}
}

const records = 1000

func send(t *testing.T, address string, compress bool) {
	t.Helper()
	ctx := context.Background()
	logOptions := []otlploghttp.Option{otlploghttp.WithEndpoint(address), otlploghttp.WithInsecure()}
	traceOptions := []otlptracehttp.Option{otlptracehttp.WithEndpoint(address), otlptracehttp.WithInsecure()}
	if compress {
		logOptions = append(logOptions, otlploghttp.WithCompression(otlploghttp.GzipCompression))
		traceOptions = append(traceOptions, otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
	}
	logs, err := otlploghttp.New(ctx, logOptions...)
	if err != nil {
		t.Fatal(err)
	}
	traces, err := otlptracehttp.New(ctx, traceOptions...)
	if err != nil {
		t.Fatal(err)
	}
	service := resource.NewSchemaless(attribute.String("service.name", "shop"), attribute.String("deployment.environment.name", "test"))
	loggers := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(logs)), sdklog.WithResource(service))
	tracers := sdktrace.NewTracerProvider(sdktrace.WithBatcher(traces), sdktrace.WithResource(service))
	tracer, logger := tracers.Tracer("sdktest"), loggers.Logger("sdktest")

	ctx, root := tracer.Start(ctx, "GET /cart", trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("http.request.method", "GET"), attribute.String("http.route", "/cart")))
	inner, child := tracer.Start(ctx, "SELECT cart", trace.WithSpanKind(trace.SpanKindClient))
	for i := range records {
		var r log.Record
		r.SetSeverity(log.SeverityWarn)
		r.SetBody(attribute.StringValue(fmt.Sprintf("item %d", i)))
		r.AddAttributes(attribute.Int("n", i), attribute.Map("user", attribute.String("name", "Änn"), attribute.Float64("score", 0.5)), attribute.Slice("tags", attribute.StringValue("a"), attribute.BoolValue(true)))
		logger.Emit(inner, r)
		if i%200 == 199 { // the SDK drops what its queue has no room for
			if err := loggers.ForceFlush(ctx); err != nil {
				t.Fatal(err)
			}
		}
	}
	child.RecordError(errors.New("no connection"))
	child.SetStatus(codes.Error, "database is away")
	child.End()
	root.End()
	if err := errors.Join(loggers.Shutdown(ctx), tracers.Shutdown(ctx)); err != nil {
		t.Fatal(err)
	}
}

func check(t *testing.T, url string) {
	t.Helper()
	var page struct {
		Records []record
		Next    string
	}
	get(t, url+"/api/logs?limit=1000", &page)
	if len(page.Records) != records || page.Next != "" {
		t.Fatalf("%d records, next %q", len(page.Records), page.Next)
	}
	var list struct{ Traces []span }
	get(t, url+"/api/traces?name=GET+/cart", &list)
	if len(list.Traces) != 1 || list.Traces[0].Kind != 2 || list.Traces[0].Source != "shop" {
		t.Fatalf("the traces are %+v", list.Traces)
	}
	var whole struct{ Spans []span }
	get(t, url+"/api/traces/"+list.Traces[0].Trace, &whole)
	if len(whole.Spans) != 2 {
		t.Fatalf("the spans are %+v", whole.Spans)
	}
	child := whole.Spans[1]
	if child.Name != "SELECT cart" || child.Parent != list.Traces[0].ID || !child.Failed || child.Status != "database is away" ||
		len(child.Events) != 1 || child.Events[0]["name"] != "exception" {
		t.Errorf("the inner span is %+v", child)
	}
	seen := map[string]bool{}
	for _, r := range page.Records {
		seen[r.Msg] = true
		user, _ := r.Attrs["user"].(map[string]any)
		if r.Level != "warn" || r.Source != "shop" || r.Trace != child.Trace || r.Span != child.ID || user["name"] != "Änn" || user["score"] != 0.5 ||
			r.Msg != fmt.Sprintf("item %v", r.Attrs["n"]) || fmt.Sprint(r.Attrs["tags"]) != "[a true]" {
			t.Fatalf("a record is %+v", r)
		}
	}
	if len(seen) != records {
		t.Errorf("%d different records", len(seen))
	}
	var routes struct {
		Routes []struct {
			Name string
			N    int
		}
	}
	get(t, url+"/api/routes?last=1h", &routes)
	if len(routes.Routes) != 1 || routes.Routes[0].Name != "GET /cart" || routes.Routes[0].N != 1 {
		t.Errorf("the routes are %+v", routes)
	}
}
