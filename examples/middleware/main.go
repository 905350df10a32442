// Middleware gives each HTTP request its own logger. When the request is served,
// it logs one record, with method, path, status, bytes and duration. If the HTTP
// handler panics, it logs the panic with its stack.
//
//	go run ./examples/middleware
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime/debug"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

type loggerKey struct{}

// logger is the logger of the request that ctx belongs to.
func logger(ctx context.Context) *slog.Logger {
	if l, ok := ctx.Value(loggerKey{}).(*slog.Logger); ok {
		return l
	}
	return slog.Default()
}

// logged returns a handler that calls next, and logs each request to log.
func logged(log *slog.Logger, next http.Handler) http.Handler {
	var requests atomic.Int64
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		log := log.With("request_id", requests.Add(1))
		answer := &answer{ResponseWriter: w}
		defer func() {
			v := recover()
			err, _ := v.(error)
			aborted := errors.Is(err, http.ErrAbortHandler) // the handler's way to close the connection
			if v != nil && !aborted && answer.code == 0 {
				http.Error(answer, "internal server error", http.StatusInternalServerError) //nolint:gocritic // it is logged next
			}
			request := slog.Group("request",
				"method", r.Method, "path", r.URL.Path, "status", answer.status(), "bytes", answer.bytes,
				"duration", time.Since(began))
			switch {
			case v == nil:
				log.InfoContext(r.Context(), "request served", request)
			case aborted:
				log.WarnContext(r.Context(), "request aborted", request)
				panic(v)
			default:
				log.ErrorContext(r.Context(), "panic", "value", fmt.Sprint(v), "stack", string(debug.Stack()), request)
			}
		}()
		next.ServeHTTP(answer, r.WithContext(context.WithValue(r.Context(), loggerKey{}, log)))
	})
}

// answer counts what is written.
type answer struct {
	http.ResponseWriter
	code  int // 0 until the header is written
	bytes int
}

func (a *answer) status() int {
	if a.code == 0 {
		return http.StatusOK
	}
	return a.code
}

func (a *answer) WriteHeader(code int) {
	if a.code == 0 && code >= 200 {
		a.code = code
	}
	a.ResponseWriter.WriteHeader(code)
}

func (a *answer) Write(b []byte) (int, error) {
	a.code = a.status()
	n, err := a.ResponseWriter.Write(b)
	a.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach Flush and the like.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

func routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{id}", func(w http.ResponseWriter, r *http.Request) {
		id, err := strconv.Atoi(r.PathValue("id"))
		if err != nil {
			http.Error(w, "no number", http.StatusBadRequest)
			return
		}
		logger(r.Context()).Info("order read", "order", id)
		fmt.Fprintln(w, "order", id, "of", 100/id, "articles") // id 0 panics
	})
	return mux
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "middleware:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	backend := slogshiptest.StartServer()
	defer backend.Close()
	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header()})
	if err != nil {
		return err
	}
	service := httptest.NewServer(logged(slog.New(h), routes()))
	for _, path := range []string{"/orders/7", "/orders/x", "/orders/0"} {
		resp, err := http.Get(service.URL + path)
		if err != nil {
			return err
		}
		resp.Body.Close()
	}
	service.Close()
	if err := h.Close(); err != nil {
		return err
	}
	for _, r := range backend.Records() {
		fmt.Fprintln(out, r.Level, r.Message, r.Attrs["request_id"], r.Attrs["request"])
	}
	return nil
}
