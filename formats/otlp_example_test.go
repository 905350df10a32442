package formats_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// The resource says what logs; trace and span ids come from the context.
func ExampleOTLP() {
	collector := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Println(r.Method, r.URL.Path, r.Header.Get("Content-Type"))
	}))
	defer collector.Close()

	h, err := slogship.New(collector.URL+"/v1/logs", &slogship.Options{
		Format: formats.OTLP(formats.OTLPOptions{
			Resource: []slog.Attr{
				slog.String("service.name", "shop"),
				slog.String("service.version", "1.42.0"),
			},
			ScopeName: "example.com/shop/orders",
		}),
		// With OpenTelemetry: sc := trace.SpanContextFromContext(ctx), and if
		// sc.IsValid(), sc.TraceID().String() and sc.SpanID().String().
		ContextAttrs: func(context.Context) []slog.Attr {
			return []slog.Attr{
				slog.String("trace_id", "4bf92f3577b34da6a3ce929d0e0e4736"),
				slog.String("span_id", "00f067aa0ba902b7"),
			}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	slog.New(h).Info("order placed", "order.id", 17, slog.Group("user", "name", "ada"))
	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	fmt.Println("delivered", h.Stats().Delivered)
	// Output:
	// POST /v1/logs application/x-protobuf
	// delivered 1
}
