package store

import (
	"context"
	"database/sql"
	"strings"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

// SpanRecord is a span with its key.
type SpanRecord struct {
	ID int64
	event.Span
}

// TraceSelection says which traces a list has. A trace is listed by the spans by
// which a service was entered.
type TraceSelection struct {
	From, To int64  // ms; 0: no bound
	Name     string // of the span, or part of it
	Source   string
	Failed   bool
	MinTook  time.Duration
}

// maxNameMatches is how many span names one filter may stand for.
const maxNameMatches = 50

// Traces returns up to limit entry spans that begin before the cursor, newest
// first.
func (s *Store) Traces(ctx context.Context, sel TraceSelection, cursor int64, limit int, b Budget) (spans []SpanRecord, next int64, err error) {
	if b.Rows == 0 {
		b.Rows = 50_000
	}
	if b.Time == 0 {
		b.Time = 400 * time.Millisecond
	}
	lo, hi := (&Selection{From: sel.From, To: sel.To}).keys()
	if cursor != 0 {
		hi = min(hi, cursor-1)
	}
	index, where := "spans_entry", ""
	var named map[int64]bool
	if sel.Name != "" {
		named = s.namesLike(sel.Name)
	}
	src, known := s.names.id(sources, sel.Source)
	switch {
	case sel.Name != "" && len(named) == 0, sel.Source != "" && !known:
		return nil, 0, nil
	case len(named) == 1:
		index = "spans_name"
		for id := range named {
			where = " AND name = " + itoa(id)
		}
		if sel.Source != "" {
			index, where = "spans_name_src", where+" AND src = "+itoa(src)
		}
	case sel.Source != "":
		index, where = "spans_src", " AND src = "+itoa(src)
	case sel.Failed:
		index, where = "spans_failed", " AND failed = 1"
	}
	rows, err := s.read.QueryContext(ctx, "SELECT "+spanColumns+" FROM spans INDEXED BY "+index+
		" WHERE entry = 1 AND id >= ? AND id <= ?"+where+" ORDER BY id DESC LIMIT ?", lo, hi, b.Rows+1)
	if err != nil {
		return nil, 0, err
	}
	defer rows.Close()
	deadline := time.Now().Add(b.Time)
	var last int64
	for n := 0; rows.Next(); n++ {
		if len(spans) == limit || n == b.Rows || n%256 == 255 && time.Now().After(deadline) {
			return spans, last, nil
		}
		r, name, err := s.scanSpan(rows)
		if err != nil {
			return nil, 0, err
		}
		last = r.ID
		if (named == nil || named[name]) && (sel.Source == "" || r.Source == sel.Source) &&
			(!sel.Failed || r.Failed) && r.Duration >= int64(sel.MinTook) {
			spans = append(spans, r)
		}
	}
	return spans, 0, rows.Err()
}

// namesLike returns the span names that contain the text, in any case.
func (s *Store) namesLike(text string) map[int64]bool {
	found := map[int64]bool{}
	if id, ok := s.names.id(spanNames, text); ok {
		found[id] = true // the very name is meant alone
		return found
	}
	text = strings.ToLower(text)
	for id, name := range s.names.all(spanNames) {
		if strings.Contains(strings.ToLower(name), text) && len(found) < maxNameMatches {
			found[id] = true
		}
	}
	return found
}

// SpanNames returns all span names, sorted.
func (s *Store) SpanNames() []string { return sorted(s.names.all(spanNames)) }

// maxTraceSpans is how much of a trace is shown.
const maxTraceSpans = 5000

// Trace returns the spans of a trace, as they begin.
func (s *Store) Trace(ctx context.Context, id [16]byte) (spans []SpanRecord, err error) {
	rows, err := s.read.QueryContext(ctx, "SELECT "+spanColumns+" FROM spans INDEXED BY spans_trace WHERE trace = ? LIMIT ?", id[:], maxTraceSpans)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		r, _, err := s.scanSpan(rows)
		if err != nil {
			return nil, err
		}
		spans = append(spans, r)
	}
	return spans, rows.Err()
}

const spanColumns = "id, ns, dur, src, name, route, kind, failed, status, trace, span, parent, attrs, events"

func (s *Store) scanSpan(rows *sql.Rows) (r SpanRecord, name int64, err error) {
	var ns, src, route int64
	var status sql.NullString
	var trace, span, parent []byte
	err = rows.Scan(&r.ID, &ns, &r.Duration, &src, &name, &route, &r.Kind, &r.Failed, &status, &trace, &span, &parent, &r.Attrs, &r.Events)
	r.Start = Millisecond(r.ID)*1e6 + ns
	r.Source, r.Name, r.Route = s.names.name(sources, src), s.names.name(spanNames, name), s.names.name(routes, route)
	r.Status = status.String
	copy(r.Trace[:], trace)
	copy(r.Span.ID[:], span)
	copy(r.Parent[:], parent)
	return r, name, err
}
