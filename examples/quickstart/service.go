package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"strconv"
	"time"
)

// newService returns the application: GET /orders/{number}. It knows nothing
// of logging.
func newService() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /orders/{number}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("number"))
		if err != nil || n%50 == 0 {
			http.Error(w, "no such order", http.StatusNotFound)
			return
		}
		_, _ = fmt.Fprintf(w, "order %d: paid\n", n)
	})
	return mux
}

// logRequests is middleware that logs every request once it is served.
func logRequests(logger *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := time.Now()
		ctx := withRequestID(r.Context(), r.Header.Get("X-Request-ID"))
		answer := &statusWriter{ResponseWriter: w, status: http.StatusOK}

		next.ServeHTTP(answer, r.WithContext(ctx))

		level := slog.LevelInfo
		if answer.status >= http.StatusBadRequest {
			level = slog.LevelWarn
		}
		// The id of the request comes from ctx, here and wherever the
		// application logs with it.
		logger.LogAttrs(ctx, level, "request served",
			slog.String("method", r.Method),
			slog.String("path", r.URL.Path),
			slog.Int("status", answer.status),
			slog.Duration("duration", time.Since(start)))
	})
}

// statusWriter remembers the status of an answer.
type statusWriter struct {
	http.ResponseWriter
	status int
}

// WriteHeader notes the status and passes it on.
func (w *statusWriter) WriteHeader(status int) {
	w.status = status
	w.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the writer behind w.
func (w *statusWriter) Unwrap() http.ResponseWriter { return w.ResponseWriter }

type requestIDKey struct{}

// withRequestID puts the id of a request into its context. If the request has none,
// the id is random.
func withRequestID(ctx context.Context, id string) context.Context {
	if id == "" {
		id = rand.Text()
	}
	return context.WithValue(ctx, requestIDKey{}, id)
}

// requestAttrs is the handler's ContextAttrs. It adds the id of the request to every
// record that is logged with the context of a request.
func requestAttrs(ctx context.Context) []slog.Attr {
	if id, ok := ctx.Value(requestIDKey{}).(string); ok {
		return []slog.Attr{slog.String("request_id", id)}
	}
	return nil
}
