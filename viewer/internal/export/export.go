// Package export carries what a query finds to where it is kept for longer: as
// lines to a file, or through slogship to a log backend.
//
//	API, oldest first, page by page -> one page ahead -> lines (NDJSON, CSV)
//	                                                  -> slogship.Handler per source -> backend
//
// It holds some pages at most, however much there is, and says with which cursor
// an export that was broken off goes on.
package export

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/slogship/slogship/viewer/internal/api"
	"github.com/slogship/slogship/viewer/internal/query"
)

// Get asks the viewer's API. The caller closes the body.
type Get func(ctx context.Context, path string, params url.Values) (io.ReadCloser, error)

// Sink takes records, the oldest first.
type Sink interface {
	// Take takes a record; it may wait. An error ends the export.
	Take(r *api.Record) error
	// Close waits, for a while, until what was taken is kept. It returns the last
	// key up to which every record is, given the last one that was taken.
	Close(taken int64) (kept int64, err error)
}

// Export is one run.
type Export struct {
	Get    Get
	Query  string
	Cursor int64 // go on after this key; 0: from the oldest record on

	// Progress, if not nil, is called after each page.
	Progress func(Progress)
}

// Progress is how far an export came.
type Progress struct {
	Records int64 // taken by the sink
	Cursor  int64 // where it goes on
	Query   string
	Time    string // of the last record that was looked at
	Broken  bool   // the export did not come to its end: it can go on with Query at Cursor
}

// Pages of as many records as are worth a request, and of bounded size.
const (
	firstPage = 100
	mostPage  = 1000
	bigPage   = 4 << 20 // bytes: the next one has fewer records
)

type page struct {
	api.Page
	err error
}

// Run exports, and returns how far it came, also with an error.
func (e *Export) Run(ctx context.Context, sink Sink) (p Progress, err error) {
	p.Cursor = e.Cursor
	p.Query, err = e.pinned(ctx)
	pinned := err == nil
	if pinned && p.Query != nothing {
		err = e.carry(ctx, sink, &p)
	}
	taken := p.Cursor
	var closeErr error
	p.Cursor, closeErr = sink.Close(taken)
	p.Broken = pinned && (err != nil || p.Cursor < taken)
	return p, errors.Join(err, closeErr)
}

func (e *Export) carry(ctx context.Context, sink Sink, p *Progress) error {
	reading, stop := context.WithCancel(ctx)
	defer stop()
	pages := make(chan page, 1) // one page ahead; closed by read
	go e.read(reading, p.Query, pages)
	for page := range pages {
		for i := range page.Records {
			r := &page.Records[i]
			if err := sink.Take(r); err != nil {
				return err
			}
			p.Records++
			p.Time = r.Time
			if id, err := strconv.ParseInt(r.ID, 10, 64); err == nil {
				p.Cursor = id
			}
		}
		if page.err != nil {
			return page.err
		}
		if next, err := strconv.ParseInt(page.Next, 10, 64); err == nil {
			p.Cursor = next
		}
		if page.Partial {
			p.Time = page.UpTo
		}
		if e.Progress != nil {
			e.Progress(*p)
		}
	}
	return ctx.Err()
}

// read reads pages until there are no more, or ctx ends.
func (e *Export) read(ctx context.Context, text string, pages chan<- page) {
	defer close(pages)
	limit := firstPage
	for cursor := strconv.FormatInt(e.Cursor, 10); ; {
		var p page
		var size int64
		size, p.err = e.get(ctx, &p.Page, "/api/logs", url.Values{"q": {text}, "cursor": {cursor}, "order": {"asc"}, "limit": {strconv.Itoa(limit)}})
		select {
		case pages <- p:
		case <-ctx.Done():
			return
		}
		if p.err != nil || p.Next == "" {
			return
		}
		if cursor = p.Next; size > bigPage {
			limit = max(limit/4, 1)
		} else if len(p.Records) == limit {
			limit = min(limit*2, mostPage)
		}
	}
}

func (e *Export) get(ctx context.Context, v any, path string, params url.Values) (size int64, err error) {
	body, err := e.Get(ctx, path, params)
	if err != nil {
		return 0, err
	}
	defer body.Close()
	d := json.NewDecoder(body)
	if err := d.Decode(v); err != nil {
		return 0, fmt.Errorf("the viewer's answer ends too soon: %w", err)
	}
	return d.InputOffset(), nil
}

// nothing is the query for which there can be no record.
const nothing = "\x00"

// pinned returns the query with its times fixed: last:1h means the same hour when
// the export goes on tomorrow, and what comes while it runs is not part of it.
func (e *Export) pinned(ctx context.Context) (string, error) {
	q, err := query.Parse(e.Query, time.Now())
	if err != nil {
		return e.Query, err
	}
	var status struct{ Newest int64 }
	if _, err := e.get(ctx, &status, "/api/status", nil); err != nil {
		return e.Query, err
	}
	from, to := q.From, q.To
	if to == 0 || to > status.Newest {
		to = status.Newest + 1
	}
	if status.Newest == 0 || from >= to {
		return nothing, nil
	}
	text := e.Query
	if text != "" {
		text += " "
	}
	if from > shortest {
		text += "since:" + strconv.FormatInt(from, 10) + " "
	}
	if to > shortest {
		text += "until:" + strconv.FormatInt(to, 10)
	}
	return text, nil
}

// shortest is the least number that a query takes for milliseconds: in 1973. A
// time before it can only be an absolute one, which need not be fixed.
const shortest = 1e11
