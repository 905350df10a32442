// Package api answers the pages' and programs' questions, as JSON.
//
//	GET  /api/logs?q=&cursor=&limit=&order=   a page of records
//	GET  /api/logs/{id}                       one record, with those around it
//	GET  /api/histogram?q=&bars=              counts over time, with sources, levels, and losses
//	GET  /api/templates?q=                    message templates by frequency
//	GET  /api/tail?q=                         records as they come, as server-sent events
//	GET  /api/errors?resolved=&before=        errors by kind
//	POST /api/errors/{id}/resolve, /reopen
//	GET  /api/traces?name=&source=&failed=&min=&last=&cursor=
//	GET  /api/traces/{id}                     the spans of a trace
//	GET  /api/routes?last=                    requests by route
//	GET  /api/processes?last=                 CPU, memory, goroutines and pauses, as viewer/agent reports them
//	GET  /api/runs?source=&pinned=1&before=   runs of programs, by when they began
//	GET  /api/runs/{id}                       what was counted of a run
//	POST /api/runs/{id}/pin, /unpin
//	GET  /api/status                          how the store is
//	GET  /api/export?q=&format=ndjson|csv     a query's result, streamed
//
// Keys of records are strings: JavaScript's numbers are too short for them.
package api

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/query"
	"github.com/slogship/slogship/viewer/internal/store"
)

// API serves the questions.
type API struct {
	Store *store.Store
	Now   func() time.Time
}

// Register adds the routes to the mux.
func (a *API) Register(mux *http.ServeMux) {
	for pattern, fn := range map[string]func(r *http.Request) (any, error){
		"GET /api/logs": a.logs, "GET /api/logs/{id}": a.record, "GET /api/histogram": a.histogram, "GET /api/templates": a.templates,
		"GET /api/errors": a.errors, "POST /api/errors/{id}/resolve": a.resolve, "POST /api/errors/{id}/reopen": a.reopen,
		"GET /api/traces": a.traces, "GET /api/traces/{id}": a.trace, "GET /api/routes": a.routes, "GET /api/status": a.status,
		"GET /api/runs": a.runs, "GET /api/runs/{id}": a.run, "POST /api/runs/{id}/pin": a.pin, "POST /api/runs/{id}/unpin": a.unpin,
		"GET /api/processes": a.processes,
	} {
		mux.HandleFunc(pattern, answer(fn))
	}
	mux.HandleFunc("GET /api/tail", a.tail)
	mux.HandleFunc("GET /api/export", a.export)
}

// failure is an answer that says what is wrong with the question.
type failure struct {
	status int
	Text   string `json:"error"`
	Pos    *int   `json:"pos,omitempty"` // in the query
	End    *int   `json:"end,omitempty"`
}

func (f *failure) Error() string { return f.Text }

func answer(fn func(r *http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := fn(r)
		if err != nil {
			fail(w, err)
			return
		}
		write(w, http.StatusOK, v)
	}
}

func write(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v) // the client may have left
}

func fail(w http.ResponseWriter, err error) {
	var f *failure
	var q *query.Error
	switch {
	case errors.As(err, &f):
	case errors.As(err, &q):
		f = &failure{http.StatusBadRequest, q.Text, &q.Pos, &q.End}
	case errors.Is(err, store.ErrBusy):
		f = &failure{status: http.StatusTooManyRequests, Text: err.Error()}
	default:
		f = &failure{status: http.StatusInternalServerError, Text: err.Error()}
	}
	write(w, f.status, f)
}

func missing(what string) error {
	return &failure{status: http.StatusNotFound, Text: "there is no " + what}
}

// Record is a record as JSON.
type Record struct {
	ID       string          `json:"id"`
	Time     string          `json:"time"` // RFC 3339 with nanoseconds, UTC
	Level    string          `json:"level"`
	Class    string          `json:"class"`
	Source   string          `json:"source"`
	Message  string          `json:"msg"`
	Template string          `json:"template,omitempty"`
	Attrs    json.RawMessage `json:"attrs,omitempty"`
	Trace    string          `json:"trace,omitempty"`
	Span     string          `json:"span,omitempty"`
}

const timeLayout = "2006-01-02T15:04:05.000000000Z07:00"

// NewRecord turns a record of the store into JSON.
func NewRecord(r *store.Record) Record {
	rec := Record{
		ID: strconv.FormatInt(r.ID, 10), Time: time.Unix(0, r.Time).UTC().Format(timeLayout), Level: event.LevelName(r.Level),
		Class: event.ClassOf(r.Level).String(), Source: r.Source, Message: r.Message, Attrs: r.Attrs,
	}
	if r.Template != r.Message {
		rec.Template = r.Template
	}
	if r.Trace != [16]byte{} {
		rec.Trace = hex.EncodeToString(r.Trace[:])
	}
	if r.Span != [8]byte{} {
		rec.Span = hex.EncodeToString(r.Span[:])
	}
	return rec
}

// Select parses a query into what the store can be asked.
func Select(text string, now time.Time) (*store.Selection, error) {
	q, err := query.Parse(text, now)
	if err != nil {
		return nil, err
	}
	p := q.Plan()
	sel := &store.Selection{
		From: p.From, To: p.To, MinLevel: p.MinLevel, Sources: p.Sources, NotSources: p.NotSources, Trace: p.Trace, Tokens: p.Tokens,
	}
	if len(p.Rest) > 0 {
		sel.Match = func(r *store.Record) bool { return query.All(p.Rest, query.Record{Log: &r.Log, Template: r.Template}) }
	}
	return sel, nil
}

func (a *API) selection(r *http.Request) (*store.Selection, error) {
	return Select(r.URL.Query().Get("q"), a.Now())
}

// number reads a parameter between low and high.
func number(r *http.Request, name string, def, low, high int64) (int64, error) {
	s := r.URL.Query().Get(name)
	if s == "" {
		return def, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < low || n > high {
		return 0, &failure{status: http.StatusBadRequest, Text: name + " is a number between " +
			strconv.FormatInt(low, 10) + " and " + strconv.FormatInt(high, 10)}
	}
	return n, nil
}
