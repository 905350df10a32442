package api

import (
	"encoding/hex"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/query"
	"github.com/slogship/slogship/viewer/internal/store"
)

// Span is a span as JSON.
type Span struct {
	Trace    string          `json:"trace"`
	ID       string          `json:"id"`
	Parent   string          `json:"parent,omitempty"`
	Source   string          `json:"source"`
	Name     string          `json:"name"`
	Kind     int             `json:"kind"`
	Failed   bool            `json:"failed"`
	Status   string          `json:"status,omitempty"`
	Time     string          `json:"time"`
	Start    string          `json:"start"`    // ns since 1970: too long for a number
	Duration int64           `json:"duration"` // ns
	Attrs    json.RawMessage `json:"attrs,omitempty"`
	Events   json.RawMessage `json:"events,omitempty"`
}

func newSpan(s *store.SpanRecord) Span {
	j := Span{
		Trace: hex.EncodeToString(s.Trace[:]), ID: hex.EncodeToString(s.Span.ID[:]), Source: s.Source, Name: s.Name, Kind: s.Kind, Failed: s.Failed,
		Status: s.Status, Time: time.Unix(0, s.Start).UTC().Format(timeLayout), Start: strconv.FormatInt(s.Start, 10), Duration: s.Duration,
		Attrs: s.Attrs, Events: s.Events,
	}
	if s.Parent != [8]byte{} {
		j.Parent = hex.EncodeToString(s.Parent[:])
	}
	return j
}

func (a *API) traces(r *http.Request) (any, error) {
	v := r.URL.Query()
	when, err := query.Parse(timeTerm(v.Get("last")), a.Now())
	if err != nil {
		return nil, err
	}
	sel := store.TraceSelection{From: when.From, Name: v.Get("name"), Source: v.Get("source"), Failed: v.Get("failed") == "1"}
	if s := v.Get("min"); s != "" {
		if sel.MinTook, err = time.ParseDuration(s); err != nil {
			return nil, &failure{status: http.StatusBadRequest, Text: "min is a duration such as 20ms"}
		}
	}
	cursor, err := number(r, "cursor", 0, 0, 1<<62)
	if err != nil {
		return nil, err
	}
	list, next, err := a.Store.Traces(r.Context(), sel, cursor, 50, store.Budget{})
	if err != nil {
		return nil, err
	}
	spans := make([]Span, len(list))
	for i := range list {
		spans[i] = newSpan(&list[i])
		spans[i].Attrs, spans[i].Events = nil, nil // the list does not show them
	}
	answer := map[string]any{"traces": spans, "names": a.Store.SpanNames(), "sources": a.Store.Sources()}
	if next != 0 {
		answer["next"] = strconv.FormatInt(next, 10)
	}
	return answer, nil
}

func timeTerm(last string) string {
	if last == "" {
		return ""
	}
	return "last:" + last
}

func (a *API) trace(r *http.Request) (any, error) {
	id, ok := event.ParseTrace(r.PathValue("id"))
	if !ok {
		return nil, missing("such trace: an id has 32 hexadecimal digits")
	}
	list, err := a.Store.Trace(r.Context(), id)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(list, func(x, y store.SpanRecord) int { return int(min(max(x.Start-y.Start, -1), 1)) })
	spans := make([]Span, len(list))
	for i := range list {
		spans[i] = newSpan(&list[i])
	}
	logs, err := a.Store.Scan(r.Context(), &store.Selection{Trace: &id}, 0, 500, true, store.Budget{})
	if err != nil {
		return nil, err
	}
	if len(spans) == 0 && len(logs.Records) == 0 {
		return nil, missing("such trace")
	}
	return map[string]any{"spans": spans, "logs": newPage(&logs, time.Now()).Records}, nil
}

func (a *API) errors(r *http.Request) (any, error) {
	before, err := number(r, "before", 0, 0, 1<<62)
	if err != nil {
		return nil, err
	}
	const limit = 50
	list, err := a.Store.Groups(r.Context(), r.URL.Query().Get("resolved") == "1", before, limit, a.Now())
	if list == nil {
		list = []store.Group{}
	}
	answer := map[string]any{"groups": list}
	if len(list) == limit {
		answer["next"] = strconv.FormatInt(list[limit-1].Last, 10)
	}
	return answer, err
}

func (a *API) resolve(r *http.Request) (any, error) { return a.settle(r, true) }
func (a *API) reopen(r *http.Request) (any, error)  { return a.settle(r, false) }

func (a *API) settle(r *http.Request, resolved bool) (any, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, missing("such group")
	}
	return map[string]bool{"resolved": resolved}, a.Store.Resolve(r.Context(), id, resolved, a.Now())
}

func (a *API) routes(r *http.Request) (any, error) {
	last := r.URL.Query().Get("last")
	if last == "" {
		last = "1h"
	}
	when, err := query.Parse(timeTerm(last), a.Now())
	if err != nil {
		return nil, err
	}
	return a.Store.Routes(r.Context(), when.From, a.Now().UnixMilli())
}
