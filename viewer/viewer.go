// Package viewer shows what was logged, on a page: it receives log records and
// spans over HTTP, keeps them in SQLite, and serves pages that find them again.
//
//	slogship, OpenTelemetry, curl -> ingest -> store (SQLite) <- API <- pages
//
// It is a program of its own, slogship-viewer, or an http.Handler inside of an
// application:
//
//	v, err := viewer.New("logs", nil)
//	...
//	defer v.Close()
//	slog.SetDefault(slog.New(v.Handler(nil)))
//	go http.ListenAndServe("127.0.0.1:7777", v)
//
// Whoever reaches it reads all logs. Requests must name loopback, one of
// Options.Hosts, or bring Options.Token; on an address that others reach, set a
// token.
package viewer

import (
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/slogship/slogship/viewer/internal/api"
	"github.com/slogship/slogship/viewer/internal/guard"
	"github.com/slogship/slogship/viewer/internal/ingest"
	"github.com/slogship/slogship/viewer/internal/pages"
	"github.com/slogship/slogship/viewer/internal/store"
	"github.com/slogship/slogship/viewer/internal/tools"
)

// Options say how much is kept and who may look. The zero value is usable.
type Options struct {
	// MaxAge is how long records are kept. If zero, 7 days.
	MaxAge time.Duration
	// MaxBytes bounds the database, in bytes; above it the oldest records go. If
	// zero, 1 GB.
	MaxBytes int64
	// QueueBytes bounds what was received and is not on the disk yet; above it
	// senders get a 429 and come again. If zero, 64 MiB.
	QueueBytes int64
	// MaxBodyBytes bounds a request, as it is sent and as it is inflated; above it
	// the answer is 413. If zero, 16 MiB.
	MaxBodyBytes int64
	// FastCommits answers before the disk has said that it has the records: a crash
	// of the machine may lose the last ones, a crash of the process does not.
	FastCommits bool
	// Hosts are the names under which the viewer is reached, besides localhost and
	// loopback addresses. A request for another host is refused with 421.
	Hosts []string
	// Token, if not empty, is needed for every request: as Authorization: Bearer, or
	// once in the address as ?token=, which becomes a cookie.
	Token string
	// OnError is told of what goes wrong in the background, such as a full disk while
	// old records are deleted. If nil, the status page says it.
	OnError func(error)
}

// Viewer is an open database with its pages. Close it.
type Viewer struct {
	store *store.Store
	root  http.Handler
	run   string // what the records of Handler are of, where they do not say
}

// New opens the database in dir, which it makes if it is missing. nil options are
// the zero Options.
func New(dir string, opts *Options) (*Viewer, error) {
	var o Options
	if opts != nil {
		o = *opts
	}
	if dir == "" {
		return nil, errors.New("viewer: dir is empty, want a directory")
	}
	for name, n := range map[string]int64{"MaxAge": int64(o.MaxAge), "MaxBytes": o.MaxBytes, "QueueBytes": o.QueueBytes, "MaxBodyBytes": o.MaxBodyBytes} {
		if n < 0 {
			return nil, fmt.Errorf("viewer: Options.%s is %d, want >= 0", name, n)
		}
	}
	s, err := store.Open(dir, store.Options{
		MaxAge: o.MaxAge, MaxBytes: o.MaxBytes, QueueBytes: o.QueueBytes, Fast: o.FastCommits, OnError: o.OnError,
	})
	if err != nil {
		return nil, fmt.Errorf("viewer: %w", err)
	}
	mux := http.NewServeMux()
	in := &ingest.Handler{Busy: store.ErrBusy, MaxBytes: o.MaxBodyBytes, Sink: sink(s)}
	in.Register(mux)
	(&api.API{Store: s, Now: time.Now}).Register(mux)
	mux.Handle("/mcp", tools.NewHandler(tools.In(mux)))
	pages.Register(mux)
	return &Viewer{store: s, root: guard.New(mux, o.Hosts, o.Token), run: rand.Text()}, nil
}

// ServeHTTP serves pages, API and ingest, from the root of the address space: it
// cannot be mounted below a path.
func (v *Viewer) ServeHTTP(w http.ResponseWriter, r *http.Request) { v.root.ServeHTTP(w, r) }

// Close commits what was received, and closes the database. Handlers of v drop
// what comes later.
func (v *Viewer) Close() error { return v.store.Close() }
