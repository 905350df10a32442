// Otel adds the ids of the trace and the span to each record, both on standard
// output and at the log backend. The ids come from the context of the log call.
//
//	cd examples/otel && go run .
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
	"github.com/slogship/slogship/slogshiptest"
)

// traceIDs returns the ids of the span in ctx.
func traceIDs(ctx context.Context) []slog.Attr {
	span := trace.SpanContextFromContext(ctx)
	if !span.IsValid() {
		return nil
	}
	return []slog.Attr{
		slog.String("trace_id", span.TraceID().String()),
		slog.String("span_id", span.SpanID().String()),
	}
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "otel:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) (err error) {
	backend := slogshiptest.StartServer(slogshiptest.OTLP) // in your application, a Collector
	defer backend.Close()
	h, err := slogship.New(backend.URL, &slogship.Options{
		Header: backend.Header(),
		Format: formats.OTLP(formats.OTLPOptions{Resource: []slog.Attr{slog.String("service.name", "shop")}}),
	})
	if err != nil {
		return err
	}
	both := slog.NewMultiHandler(slog.NewJSONHandler(out, nil), h)
	log := slog.New(slogship.NewContextHandler(both, traceIDs))

	provider := sdktrace.NewTracerProvider() // in your application, it exports spans
	ctx, span := provider.Tracer("shop").Start(context.Background(), "order")
	log.WithGroup("order").InfoContext(ctx, "order placed", "id", 17)
	span.End()

	if err := errors.Join(h.Close(), provider.Shutdown(context.Background())); err != nil {
		return err
	}
	for _, r := range backend.Records() {
		_, err = fmt.Fprintf(out, "%s\n", r.Raw)
	}
	return err
}
