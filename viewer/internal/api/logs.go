package api

import (
	"encoding/csv"
	"encoding/json"
	"net/http"
	"strconv"
	"time"

	"github.com/slogship/slogship/viewer/internal/store"
)

const (
	defaultPage = 100
	maxPage     = 1000
)

// Page is a page of records, newest first unless asked otherwise.
type Page struct {
	Records []Record `json:"records"`
	Next    string   `json:"next,omitempty"` // the cursor of the next page; none: this is the last one
	Partial bool     `json:"partial"`        // not all was looked at: there may be more at Next
	Scanned int      `json:"scanned"`
	UpTo    string   `json:"up_to,omitempty"` // with Partial: the time up to which was looked
	Took    float64  `json:"took_ms"`
}

func newPage(p *store.Page, start time.Time) Page {
	page := Page{Records: make([]Record, len(p.Records)), Partial: p.Partial, Scanned: p.Scanned}
	for i := range p.Records {
		page.Records[i] = NewRecord(&p.Records[i])
	}
	if p.Next != 0 {
		page.Next = strconv.FormatInt(p.Next, 10)
		if p.Partial {
			page.UpTo = time.UnixMilli(store.Millisecond(p.Next)).UTC().Format(timeLayout)
		}
	}
	page.Took = float64(time.Since(start).Microseconds()) / 1000
	return page
}

func (a *API) logs(r *http.Request) (any, error) {
	start := time.Now()
	sel, err := a.selection(r)
	if err != nil {
		return nil, err
	}
	limit, err := number(r, "limit", defaultPage, 1, maxPage)
	if err != nil {
		return nil, err
	}
	cursor, err := number(r, "cursor", 0, 0, 1<<62)
	if err != nil {
		return nil, err
	}
	page, err := a.Store.Scan(r.Context(), sel, cursor, int(limit), r.URL.Query().Get("order") == "asc", store.Budget{})
	if err != nil {
		return nil, err
	}
	return newPage(&page, start), nil
}

// context is how many records are shown before and after one.
const contextRecords = 10

func (a *API) record(r *http.Request) (any, error) {
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err != nil {
		return nil, missing("such record")
	}
	rec, err := a.Store.Get(r.Context(), id)
	if err != nil {
		return nil, err
	}
	if rec == nil {
		return nil, missing("such record: retention may have deleted it")
	}
	same := &store.Selection{Sources: []string{rec.Source}}
	before, err := a.Store.Scan(r.Context(), same, id, contextRecords, false, store.Budget{})
	if err != nil {
		return nil, err
	}
	after, err := a.Store.Scan(r.Context(), same, id, contextRecords, true, store.Budget{})
	if err != nil {
		return nil, err
	}
	now := time.Now()
	return map[string]any{"record": NewRecord(rec), "before": newPage(&before, now).Records, "after": newPage(&after, now).Records}, nil
}

func (a *API) histogram(r *http.Request) (any, error) {
	sel, err := a.selection(r)
	if err != nil {
		return nil, err
	}
	bars, err := number(r, "bars", 120, 1, 1000)
	if err != nil {
		return nil, err
	}
	h, err := a.Store.Histogram(r.Context(), sel, int(bars), store.Budget{Rows: 50_000, Time: 250 * time.Millisecond})
	if err != nil {
		return nil, err
	}
	losses, err := a.Store.Losses(r.Context(), sel)
	return struct {
		*store.Histogram
		Losses []store.Loss `json:"losses"` // what senders of the query's sources lost in its time
	}{h, losses}, err
}

func (a *API) templates(r *http.Request) (any, error) {
	sel, err := a.selection(r)
	if err != nil {
		return nil, err
	}
	list, err := a.Store.Templates(r.Context(), sel.From, sel.To, 50)
	return map[string]any{"templates": list}, err
}

func (a *API) status(r *http.Request) (any, error) { return a.Store.Status(r.Context()) }

// export streams all that a query finds, newest first, for as long as the client
// reads.
func (a *API) export(w http.ResponseWriter, r *http.Request) {
	sel, err := a.selection(r)
	if err != nil {
		fail(w, err)
		return
	}
	var line func(rec Record) error
	switch format := r.URL.Query().Get("format"); format {
	case "", "ndjson":
		w.Header().Set("Content-Type", "application/x-ndjson")
		e := json.NewEncoder(w)
		line = func(rec Record) error { return e.Encode(rec) }
	case "csv":
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
		c := csv.NewWriter(w)
		defer c.Flush()
		_ = c.Write([]string{"time", "level", "source", "msg", "trace", "span", "attrs"})
		line = func(rec Record) error {
			return c.Write([]string{rec.Time, rec.Level, harmless(rec.Source), harmless(rec.Message), rec.Trace, rec.Span, string(rec.Attrs)})
		}
	default:
		fail(w, &failure{status: http.StatusBadRequest, Text: "format is ndjson or csv"})
		return
	}
	w.Header().Set("Content-Disposition", "attachment; filename=logs")
	for cursor := int64(0); ; {
		page, err := a.Store.Scan(r.Context(), sel, cursor, maxPage, false, store.Budget{})
		if err != nil {
			return // the client sees the end of the connection, not of the file
		}
		for i := range page.Records {
			if line(NewRecord(&page.Records[i])) != nil {
				return
			}
		}
		if cursor = page.Next; cursor == 0 {
			return
		}
	}
}

// harmless keeps a spreadsheet from taking a text for a formula.
func harmless(s string) string {
	if s != "" && (s[0] == '=' || s[0] == '+' || s[0] == '-' || s[0] == '@') {
		return "'" + s
	}
	return s
}
