// Tenants ships the log of each tenant to that tenant's own backend. It has one
// handler per tenant, two kinds of backends, and a low limit of memory for each
// handler.
//
//	go run ./examples/tenants
//
// One tenant's credentials are wrong. The others are not affected.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
	"github.com/slogship/slogship/slogshiptest"
)

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "tenants:", err)
		os.Exit(1)
	}
}

// A tenant has a handler, and so a queue, of its own.
type tenant struct {
	name    string
	backend *slogshiptest.Server
	format  slogship.Format
	handler *slogship.Handler
}

func run(out io.Writer) error {
	tenants := []*tenant{
		{name: "acme", backend: slogshiptest.StartServer()},
		{
			name: "globex", backend: slogshiptest.StartServer(slogshiptest.Loki),
			format: formats.Loki(formats.LokiOptions{Labels: map[string]string{"service_name": "shop"}}),
		},
		{name: "initech", backend: slogshiptest.StartServer()},
	}
	defer func() {
		for _, t := range tenants {
			t.backend.Close()
		}
	}()
	for _, t := range tenants {
		var err error
		t.handler, err = slogship.New(t.backend.URL, &slogship.Options{
			Format:          t.format,
			Header:          t.backend.Header(),
			MaxPendingBytes: 1 << 20, // so a thousand tenants need at most a gigabyte in an outage
			OnError:         func(err error) { fmt.Fprintf(os.Stderr, "%s: %v\n", t.name, err) },
		})
		if err != nil {
			return err
		}
	}
	tenants[2].backend.Fail(slogshiptest.Failure{Status: http.StatusUnauthorized}) // until Recover

	for i := range 300 {
		t := tenants[i%len(tenants)]
		slog.New(t.handler).Info("order placed", "order", i)
	}

	// All handlers shut down at the same time, with one deadline. One whose backend
	// refuses its credentials returns earlier.
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	results := make(chan error, len(tenants))
	for _, t := range tenants {
		go func() { results <- t.handler.Shutdown(ctx) }()
	}
	var unsent int
	for range tenants {
		if err := <-results; errors.Is(err, slogship.ErrUnsent) {
			unsent++
		}
	}
	for _, t := range tenants {
		s := t.handler.Stats()
		fmt.Fprintf(out, "%-8s delivered %d of %d\n", t.name, s.Delivered, s.Accepted)
	}
	if unsent != 1 {
		return fmt.Errorf("%d tenants have unsent records, want 1", unsent)
	}
	return nil
}
