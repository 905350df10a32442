// Package ingest receives log records and spans over HTTP, as they are sent by
// slogship, by OpenTelemetry's SDKs, and by whoever can write lines of JSON.
//
//	POST /logs         Logflare's event batch
//	POST /v1/logs      OTLP/HTTP, protobuf or JSON
//	POST /v1/traces    OTLP/HTTP, protobuf or JSON
//	POST /ndjson       a JSON object a line
//
// It bounds what it reads, before and after inflation, and answers after the
// records are kept. Where a protocol can say which records were refused, the
// answer does; the others are kept.
package ingest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"github.com/slogship/slogship/viewer/internal/event"
)

// Sink keeps what was received. It returns once that is kept.
type Sink func(ctx context.Context, logs []event.Log, spans []event.Span) error

// Handler serves the endpoints.
type Handler struct {
	Sink     Sink
	Busy     error // what Sink returns when it can take no more: the answer is 429
	MaxBytes int64 // of a body, as it is sent and as it is inflated; 0: 16 MiB

	now func() time.Time // for tests; nil: time.Now
}

// Register adds the endpoints to the mux.
func (h *Handler) Register(mux *http.ServeMux) {
	for _, path := range []string{"/logs", "/api/logs", "/logs/json"} {
		mux.HandleFunc("POST "+path, h.logflare)
	}
	mux.HandleFunc("POST /v1/logs", h.otlpLogs)
	mux.HandleFunc("POST /v1/traces", h.otlpTraces)
	mux.HandleFunc("POST /ndjson", h.ndjson)
}

// problem is an answer that refuses the whole request.
type problem struct {
	status int
	text   string
}

func (p *problem) Error() string { return p.text }

func refuse(status int, format string, args ...any) *problem {
	return &problem{status, fmt.Sprintf(format, args...)}
}

// buffers hold inflated bodies, and inflaters what inflating needs: both are of a
// size that the collector would feel with each batch.
var (
	buffers   = sync.Pool{New: func() any { return new(bytes.Buffer) }}
	inflaters = sync.Pool{New: func() any { return new(gzip.Reader) }}
)

// release gives back a buffer of which nothing is kept.
func release(b *bytes.Buffer) {
	const largest = 4 << 20
	if b.Cap() <= largest {
		b.Reset()
		buffers.Put(b)
	}
}

// body reads the request's body, inflated.
func (h *Handler) body(b *bytes.Buffer, r *http.Request) error {
	limit := h.MaxBytes
	if limit == 0 {
		limit = 16 << 20
	}
	if r.ContentLength > limit {
		return refuse(http.StatusRequestEntityTooLarge, "the body has %d bytes, %d are taken", r.ContentLength, limit)
	}
	b.Grow(int(min(max(r.ContentLength, 512), 1<<20)))
	in := io.LimitReader(r.Body, limit+1)
	switch encoding := strings.ToLower(r.Header.Get("Content-Encoding")); encoding {
	case "", "identity":
	case "gzip":
		z := inflaters.Get().(*gzip.Reader)
		defer inflaters.Put(z)
		if err := z.Reset(in); err != nil {
			return refuse(http.StatusBadRequest, "the body is not gzip: %v", err)
		}
		in = z
	case "zstd":
		z, err := zstd.NewReader(in, zstd.WithDecoderMaxMemory(uint64(limit)+1<<20), zstd.WithDecoderConcurrency(1))
		if err != nil {
			return refuse(http.StatusBadRequest, "the body is not zstd: %v", err)
		}
		defer z.Close()
		in = z
	default:
		return refuse(http.StatusUnsupportedMediaType, "the encoding %q is not known: gzip and zstd are", clip(encoding))
	}
	_, err := b.ReadFrom(io.LimitReader(in, limit+1))
	switch {
	case int64(b.Len()) > limit || errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded):
		return refuse(http.StatusRequestEntityTooLarge, "the body has more than %d bytes", limit)
	case err != nil:
		return refuse(http.StatusBadRequest, "the body cannot be read: %v", err)
	}
	return nil
}

// keep hands over to the sink.
func (h *Handler) keep(r *http.Request, logs []event.Log, spans []event.Span) error {
	if len(logs)+len(spans) == 0 {
		return nil
	}
	err := h.Sink(r.Context(), logs, spans)
	switch {
	case err == nil:
		return nil
	case h.Busy != nil && errors.Is(err, h.Busy):
		return refuse(http.StatusTooManyRequests, "%v: come again", err)
	}
	return refuse(http.StatusServiceUnavailable, "not kept: %v", err)
}

// fail answers with what went wrong, and reports whether something did.
func fail(w http.ResponseWriter, err error) bool {
	if err == nil {
		return false
	}
	var p *problem
	if !errors.As(err, &p) {
		p = refuse(http.StatusBadRequest, "%v", err)
	}
	if p.status == http.StatusTooManyRequests || p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	writeJSON(w, p.status, map[string]string{"error": p.text})
	return true
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have left
}

func (h *Handler) time() time.Time {
	if h.now != nil {
		return h.now()
	}
	return time.Now()
}

// mediaType returns the type of the body, without parameters.
func mediaType(r *http.Request) string {
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil {
		return ""
	}
	return t
}

// sourceName returns what the request says about where its records come from.
func sourceName(r *http.Request) string {
	q := r.URL.Query()
	for _, s := range []string{q.Get("source_name"), q.Get("source"), r.Header.Get("X-Source")} {
		if s != "" {
			return clip(s)
		}
	}
	return "default"
}

// clip bounds a name.
func clip(s string) string {
	const longest = 200
	if len(s) > longest {
		s = s[:longest]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
