// Package viewer receives log records and spans over HTTP, keeps them in SQLite, and
// serves pages to search them.
//
//	slogship, OpenTelemetry, curl -> ingest -> store (SQLite) <- API <- pages
//
// It is the program slogship-viewer, and an [http.Handler] for use in an application:
//
//	v, err := viewer.New("logs", nil)
//	...
//	defer v.Close()
//	slog.SetDefault(slog.New(v.Handler(nil)))
//	go http.ListenAndServe("127.0.0.1:7777", v)
//
// Everyone who can reach the viewer can read all logs. A request must be for a loopback
// address, localhost or one of [Options.Hosts]. If others can reach the address, set
// [Options.Token]: each request must then have it, and may be for any IP address.
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

// Options are the options of [New]. The zero value is usable.
type Options struct {
	// MaxAge is how long records are kept. If zero, 7 days.
	MaxAge time.Duration
	// MaxBytes is the largest size of the database, in bytes. Above it the oldest
	// records are deleted. If zero, 1 GB.
	MaxBytes int64
	// QueueBytes bounds the records that were received and are not yet on disk, in
	// bytes. Above it requests are answered with 429, after which senders try again. If
	// zero, 64 MiB.
	QueueBytes int64
	// MaxBodyBytes is the longest request body in bytes, both as sent and inflated. A
	// longer one is answered with 413. If zero, 16 MiB.
	MaxBodyBytes int64
	// FastCommits answers requests after the records are written, without waiting until
	// they are synced. A crash of the machine may then lose the last records; a crash
	// of the process does not.
	FastCommits bool
	// Hosts are the names under which the viewer is reached, besides localhost and
	// loopback addresses. A request for another host is refused with 421.
	Hosts []string
	// Token, if not empty, is required of each request: in the header "Authorization:
	// Bearer TOKEN", or in a cookie. A browser gets the cookie when it opens the viewer
	// once with ?token=TOKEN.
	Token string
	// OnError, if not nil, is called with errors of background work, such as a full
	// disk while old records are deleted. If nil, only the status page shows them.
	OnError func(error)
}

// Viewer is an open database and its pages. End it with [Viewer.Close].
type Viewer struct {
	store *store.Store
	root  http.Handler
	run   string // what the records of Handler are of, where they do not say
}

// New opens the database in the directory dir, which is created if it does not exist.
// If opts is nil, the zero [Options] are used.
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

// ServeHTTP serves the pages, the API and the endpoints that receive records. Their
// paths begin at the root: a Viewer cannot be mounted below a path.
func (v *Viewer) ServeHTTP(w http.ResponseWriter, r *http.Request) { v.root.ServeHTTP(w, r) }

// Close commits the records received, and closes the database. Handlers of v drop later
// records.
func (v *Viewer) Close() error { return v.store.Close() }
