// Kubernetes shows a service for a pod. It logs to standard output at INFO and to
// the log backend at WARN. It has probes, and shuts down on SIGTERM without losing
// requests or records.
//
//	go run ./examples/kubernetes            # ends by itself after some seconds
//	go run ./examples/kubernetes -serve     # until SIGTERM or Ctrl-C
//
// LOG_URL and LOG_AUTHORIZATION set the log backend. Without them the example starts
// one.
//
// The order of the shutdown matters:
//
//	SIGTERM -> the readiness probe fails, and the pod gets no new requests
//	        -> the server finishes the requests that it has
//	        -> the handler is shut down, last, because the steps before it log
//	        -> exit, within the 30 s of terminationGracePeriodSeconds
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

const (
	drain = 500 * time.Millisecond // until load balancers see that the pod is not ready; 5 s in a cluster
	grace = 20 * time.Second       // to finish requests and to ship records; less than the pod's 30 s
)

func main() {
	serve := flag.Bool("serve", false, "serve until SIGTERM or Ctrl-C")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM, os.Interrupt)
	if !*serve {
		time.AfterFunc(2*time.Second, stop) // stands for SIGTERM
	}
	err := run(ctx, os.Stdout, os.Getenv("LOG_URL"), os.Getenv("LOG_AUTHORIZATION"))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "kubernetes:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, out io.Writer, logURL, authorization string) (err error) {
	header := http.Header{"Authorization": {authorization}}
	if logURL == "" {
		backend := slogshiptest.StartServer()
		defer backend.Close()
		defer func() { fmt.Fprintln(out, "at the log backend:", backend.Len(), "records of WARN and above") }()
		logURL, header = backend.URL, backend.Header()
	}
	h, err := slogship.New(logURL, &slogship.Options{Header: header, Level: slog.LevelWarn})
	if err != nil {
		return err
	}
	stdout := slog.NewJSONHandler(out, nil) // which the cluster collects
	log := slog.New(both{stdout, h})

	var ready atomic.Bool
	server := &http.Server{Handler: routes(log, &ready), ReadHeaderTimeout: 5 * time.Second}
	listener, err := net.Listen("tcp", "127.0.0.1:0") // ":8080" in a pod
	if err != nil {
		return err
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	ready.Store(true)
	log.Info("ready", "address", listener.Addr().String())
	go visit(ctx, "http://"+listener.Addr().String())

	select {
	case <-ctx.Done():
	case err := <-served:
		return errors.Join(err, h.Close())
	}
	log.Warn("ending", "reason", context.Cause(ctx))
	ready.Store(false)
	time.Sleep(drain)
	end, cancel := context.WithTimeout(context.Background(), grace)
	defer cancel()
	return errors.Join(server.Shutdown(end), h.Shutdown(end))
}

func routes(log *slog.Logger, ready *atomic.Bool) http.Handler {
	mux := http.NewServeMux()
	// The liveness probe does not check the log backend, because its outage is no
	// reason to restart the pod.
	mux.HandleFunc("GET /healthz", func(http.ResponseWriter, *http.Request) {})
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if !ready.Load() {
			w.WriteHeader(http.StatusServiceUnavailable)
		}
	})
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		if id := r.PathValue("id"); id == "13" {
			log.WarnContext(r.Context(), "order not found", "order", id)
			w.WriteHeader(http.StatusNotFound)
			return
		}
		log.InfoContext(r.Context(), "order read", "order", r.PathValue("id"))
	})
	return mux
}

// visit sends requests, as clients would.
func visit(ctx context.Context, url string) {
	for i := 10; ctx.Err() == nil; i++ {
		if resp, err := http.Get(fmt.Sprintf("%s/orders/%d", url, i)); err == nil {
			resp.Body.Close()
		}
		time.Sleep(200 * time.Millisecond)
	}
}

// both passes each record to two handlers, each with a level of its own. With Go
// 1.26 or newer, use slog.NewMultiHandler instead.
type both [2]slog.Handler

func (b both) Enabled(ctx context.Context, level slog.Level) bool {
	return b[0].Enabled(ctx, level) || b[1].Enabled(ctx, level)
}

func (b both) Handle(ctx context.Context, r slog.Record) (err error) {
	for _, h := range b {
		if h.Enabled(ctx, r.Level) {
			err = errors.Join(err, h.Handle(ctx, r.Clone()))
		}
	}
	return err
}

func (b both) WithAttrs(attrs []slog.Attr) slog.Handler {
	return both{b[0].WithAttrs(attrs), b[1].WithAttrs(attrs)}
}

func (b both) WithGroup(name string) slog.Handler {
	return both{b[0].WithGroup(name), b[1].WithGroup(name)}
}
