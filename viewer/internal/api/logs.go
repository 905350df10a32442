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
// reads. What fails on the way breaks the connection off: an end like any other
// would make a part look like the whole.
func (a *API) export(w http.ResponseWriter, r *http.Request) {
	sel, err := a.selection(r)
	if err != nil {
		fail(w, err)
		return
	}
	format := r.URL.Query().Get("format")
	if format != "" && format != "ndjson" && format != "csv" {
		fail(w, &failure{status: http.StatusBadRequest, Text: "format is ndjson or csv"})
		return
	}
	page, err := a.Store.Scan(r.Context(), sel, 0, maxPage, false, store.Budget{})
	if err != nil {
		fail(w, err)
		return
	}
	w.Header().Set("Content-Disposition", "attachment; filename=logs")
	write := ndjsonLines(w)
	if format == "csv" {
		write = csvLines(w)
	}
	for {
		if err == nil {
			err = write(page.Records)
		}
		if err != nil {
			panic(http.ErrAbortHandler) // the client may have left, or the database failed
		}
		if page.Next == 0 {
			return
		}
		page, err = a.Store.Scan(r.Context(), sel, page.Next, maxPage, false, store.Budget{})
	}
}

func ndjsonLines(w http.ResponseWriter) func(records []store.Record) error {
	w.Header().Set("Content-Type", "application/x-ndjson")
	e := json.NewEncoder(w)
	return func(records []store.Record) error {
		for i := range records {
			if err := e.Encode(NewRecord(&records[i])); err != nil {
				return err
			}
		}
		return nil
	}
}

func csvLines(w http.ResponseWriter) func(records []store.Record) error {
	w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	c := csv.NewWriter(w)
	_ = c.Write([]string{"time", "level", "source", "msg", "trace", "span", "attrs"}) // Error says it
	return func(records []store.Record) error {
		for i := range records {
			r := NewRecord(&records[i])
			_ = c.Write([]string{r.Time, r.Level, Harmless(r.Source), Harmless(r.Message), r.Trace, r.Span, string(r.Attrs)}) // as above
		}
		c.Flush()
		return c.Error()
	}
}

// Harmless keeps a spreadsheet from taking a text for a formula: an apostrophe
// before it makes it text. Spreadsheets skip white space at the start of a cell.
func Harmless(s string) string {
	if s == "" {
		return s
	}
	switch s[0] {
	case '=', '+', '-', '@', '\t', '\r', '\n':
		return "'" + s
	}
	return s
}
