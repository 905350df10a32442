// Package slogshipdebug shows what a [slogship.Handler] is doing: as a web page,
// as JSON, and as metrics for Prometheus.
//
//	mux.Handle("/debug/slogship/", slogshipdebug.New(h, nil))
//
// serves these paths below one that ends in a slash:
//
//	.         a page: whether delivery works, what is held, what was dropped, the level
//	stats     the same as JSON, named as in slogship.Stats.LogValue
//	metrics   Prometheus's text format, version 0.0.4
//	level     POST level=DEBUG: sets the level, if Options.Level is set
//
// A pattern without a trailing slash serves the one with its last name:
// mux.Handle("/metrics", ...).
//
// The pages contain no secrets, but everyone who can reach them sees the endpoint and
// can change the level. Serve them where you would serve net/http/pprof, not on a
// public address. A POST by a browser from another origin is refused.
package slogshipdebug

import (
	"context"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

// Options configure [New]. The zero value is ready to use.
type Options struct {
	// Level, if not nil, is shown and can be changed. Set it to the LevelVar
	// that is also in slogship.Options.Level.
	Level *slog.LevelVar
}

// New returns an [http.Handler] that shows h. Nil o is the same as the zero
// [Options].
func New(h *slogship.Handler, o *Options) http.Handler {
	d := &debug{h: h}
	if o != nil {
		d.level = o.Level
	}
	return d
}

type debug struct {
	h         *slogship.Handler
	level     *slog.LevelVar
	crossSite http.CrossOriginProtection
}

// ServeHTTP looks at the last part of the path, wherever the handler is mounted.
func (d *debug) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	head := w.Header()
	head.Set("Cache-Control", "no-store")
	head.Set("X-Content-Type-Options", "nosniff")
	last := path.Base(r.URL.Path)
	if strings.HasSuffix(r.URL.Path, "/") || r.URL.Path == "" {
		last = ""
	}
	if last == "level" && d.level != nil {
		d.setLevel(w, r)
		return
	}
	var show func(http.ResponseWriter, slogship.Stats)
	switch last {
	case "":
		show = d.page
	case "stats":
		show = d.stats
	case "metrics":
		show = d.metrics
	default:
		http.NotFound(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		notAllowed(w, "GET, HEAD")
		return
	}
	show(w, d.h.Stats())
}

func notAllowed(w http.ResponseWriter, allowed string) {
	w.Header().Set("Allow", allowed)
	http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
}

// longestForm is more than any level takes.
const longestForm = 1 << 10

// setLevel sets the level, and leads back to the page.
func (d *debug) setLevel(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		notAllowed(w, "POST")
		return
	}
	if err := d.crossSite.Check(r); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	r.Body = http.MaxBytesReader(w, r.Body, longestForm)
	if err := r.ParseForm(); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(r.PostForm.Get("level"))); err != nil {
		http.Error(w, err.Error()+": want level=DEBUG, INFO, WARN, ERROR, or one of these and an offset: INFO+2", http.StatusBadRequest)
		return
	}
	d.level.Set(level)
	w.Header().Set("Location", "./") // as it is: http.Redirect would make it absolute, without what a prefix was stripped of
	w.WriteHeader(http.StatusSeeOther)
}

// stats writes JSON as slog does, so that each name is what it is in a log.
func (d *debug) stats(w http.ResponseWriter, s slogship.Stats) {
	w.Header().Set("Content-Type", "application/json")
	attrs := []slog.Attr{slog.String("endpoint", d.h.String()), slog.Time("time", time.Now())}
	if d.level != nil {
		attrs = append(attrs, slog.String("level", d.level.Level().String()))
	}
	attrs = append(attrs, slog.Any("stats", s))
	var r slog.Record
	r.AddAttrs(attrs...)
	_ = slog.NewJSONHandler(w, &slog.HandlerOptions{ReplaceAttr: withoutBuiltins()}).Handle(context.Background(), r)
}

// withoutBuiltins leaves out the level and the message that JSONHandler asks for
// first; the record has no time.
func withoutBuiltins() func([]string, slog.Attr) slog.Attr {
	seen := 0
	return func(_ []string, a slog.Attr) slog.Attr {
		if seen++; seen <= 2 {
			return slog.Attr{}
		}
		return a
	}
}
