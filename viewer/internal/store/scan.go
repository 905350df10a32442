package store

import (
	"bytes"
	"context"
	"database/sql"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

// Selection says which records are meant. What the store can answer by an index
// stands in fields of its own; Match asks for the rest, record by record.
type Selection struct {
	From, To int64 // milliseconds: From is in it, To is not; 0: no bound

	MinLevel   *int     // at or above
	Sources    []string // one of them; none: any
	NotSources []string
	Trace      *[16]byte
	Tokens     []uint32             // each occurs in every record that is meant
	Match      func(r *Record) bool // nil: all that the fields leave
}

// Budget bounds one call. What is found by then is returned, with the place where
// the next call goes on.
type Budget struct {
	Rows int           // looked at; 0: 200,000
	Time time.Duration // 0: 400 ms
}

// Page is a page of records.
type Page struct {
	Records []Record
	Scanned int   // rows that were looked at
	Next    int64 // the cursor of the page after this one; 0: there is nothing more
	Partial bool  // the budget was used up: there may be more, at Next
}

// Scan returns up to limit records before the cursor (0: from the newest on),
// newest first. With ascending it returns those after it, oldest first.
func (s *Store) Scan(ctx context.Context, sel *Selection, cursor int64, limit int, ascending bool, b Budget) (page Page, err error) {
	err = s.reading(ctx, func(tx *sql.Tx) error {
		page, err = s.scan(ctx, tx, sel, cursor, limit, ascending, b)
		return err
	})
	return page, err
}

func (s *Store) scan(ctx context.Context, tx *sql.Tx, sel *Selection, cursor int64, limit int, ascending bool, b Budget) (Page, error) {
	if b.Rows == 0 {
		b.Rows = 200_000
	}
	if b.Time == 0 {
		b.Time = 400 * time.Millisecond
	}
	lo, hi := sel.keys()
	if cursor != 0 && ascending {
		lo = max(lo, cursor+1)
	} else if cursor != 0 {
		hi = min(hi, cursor-1)
	}
	ranges := []keyRange{{lo, hi}}
	if len(sel.Tokens) > 0 && sel.Trace == nil {
		var err error
		if ranges, err = candidates(ctx, tx, sel.Tokens, lo, hi); err != nil {
			return Page{}, err
		}
		if ascending {
			slices.Reverse(ranges)
		}
	}
	p, possible := s.plan(sel)
	if !possible {
		return Page{}, nil
	}
	sc := scanner{s: s, sel: sel, limit: limit, budget: b, deadline: time.Now().Add(b.Time)}
	for _, r := range ranges {
		done, err := sc.run(ctx, tx, p, r, ascending)
		if err != nil || done {
			return sc.page, err
		}
	}
	return sc.page, nil
}

// keys returns the bounds of the time as keys.
func (sel *Selection) keys() (lo, hi int64) {
	hi = math.MaxInt64
	if sel.From > 0 {
		lo = FirstID(sel.From)
	}
	if sel.To > 0 {
		hi = FirstID(sel.To) - 1
	}
	return lo, hi
}

// plan is the index by which SQLite finds records, and the conditions that the
// index serves. All others are looked at here, row by row: only so the budget
// is seen.
type plan struct {
	index string
	where string
	args  []any
	exact bool // the index serves all that is asked for
}

// plan chooses the index; it reports false if there can be no record.
func (s *Store) plan(sel *Selection) (p plan, possible bool) {
	var src string
	known := 0
	for _, name := range sel.Sources {
		if id, ok := s.names.id(sources, name); ok {
			src = itoa(id)
			known++
		}
	}
	if len(sel.Sources) > 0 && known == 0 {
		return p, false
	}
	level := math.MinInt
	if sel.MinLevel != nil {
		level = *sel.MinLevel
	}
	one := known == 1
	// Our own numbers are written into the text: SQLite uses a partial index only
	// where it sees that it may.
	switch {
	case sel.Trace != nil:
		p.index, p.where, p.args = "logs_trace", "trace = ?", []any{sel.Trace[:]}
		p.exact = sel.MinLevel == nil && known == 0
	case len(sel.Tokens) > 0:
	case one && level >= 8:
		p.index, p.where = "logs_src_error", "src = "+src+" AND level >= 8"
		p.exact = level == 8
	case one && level >= 4:
		p.index, p.where = "logs_src_warn", "src = "+src+" AND level >= 4"
		p.exact = level == 4
	case level >= 8:
		p.index, p.where = "logs_error", "level >= 8"
		p.exact = level == 8 && known == 0
	case level >= 4:
		p.index, p.where = "logs_warn", "level >= 4"
		p.exact = level == 4 && known == 0
	case one:
		p.index, p.where = "logs_src", "src = "+src
		p.exact = sel.MinLevel == nil
	default:
		p.exact = sel.MinLevel == nil && known == 0
	}
	p.exact = p.exact && sel.Match == nil && len(sel.NotSources) == 0
	return p, true
}

// scanner fills a page.
type scanner struct {
	s        *Store
	sel      *Selection
	limit    int
	budget   Budget
	deadline time.Time
	page     Page
	last     int64 // key of the last row that was looked at
}

// run reads one range of keys, and reports whether the page is done.
func (sc *scanner) run(ctx context.Context, tx *sql.Tx, p plan, r keyRange, ascending bool) (done bool, err error) {
	var q strings.Builder
	q.WriteString("SELECT id, ns, src, level, tmpl, msg, attrs, trace, span FROM logs")
	if p.index != "" {
		q.WriteString(" INDEXED BY " + p.index)
	} else {
		q.WriteString(" NOT INDEXED")
	}
	q.WriteString(" WHERE id >= ? AND id <= ?")
	if p.where != "" {
		q.WriteString(" AND " + p.where)
	}
	if ascending {
		q.WriteString(" ORDER BY id")
	} else {
		q.WriteString(" ORDER BY id DESC")
	}
	q.WriteString(" LIMIT ?")
	limit := sc.budget.Rows - sc.page.Scanned + 1
	if p.exact {
		limit = min(limit, sc.limit-len(sc.page.Records)+1)
	}
	args := append(append([]any{r.lo, r.hi}, p.args...), limit)
	rows, err := tx.QueryContext(ctx, q.String(), args...)
	if err != nil {
		return false, err
	}
	defer rows.Close()
	var row logScan
	for rows.Next() {
		if sc.page.Scanned >= sc.budget.Rows || sc.page.Scanned%256 == 255 && time.Now().After(sc.deadline) {
			sc.page.Partial, sc.page.Next = true, sc.last
			return true, nil
		}
		if sc.page.Scanned%64 == 63 {
			sc.s.giveWay()
		}
		rec, err := row.scan(rows, sc.s.names)
		if err != nil {
			return false, err
		}
		if len(sc.page.Records) >= sc.limit {
			sc.page.Next = sc.last // there is at least one more row to look at
			return true, nil
		}
		sc.page.Scanned++
		sc.last = rec.ID
		if p.exact || sc.sel.Matches(rec) {
			sc.page.Records = append(sc.page.Records, *rec)
			sc.page.Records[len(sc.page.Records)-1].Attrs = bytes.Clone(rec.Attrs)
		}
	}
	return false, rows.Err()
}

// giveWay lets those who append go first: as long as somebody does, a search takes
// a fifth of a core, or a twentieth while batches wait, and its budget brings it
// less far. Without it, on two cores, four endless searches left a fifth of the
// ingest.
func (s *Store) giveWay() {
	const recently = int64(5 * time.Millisecond)
	switch {
	case time.Now().UnixNano()-s.appended.Load() > recently && s.queued.Load() == 0:
		runtime.Gosched()
	case s.queued.Load() == 0:
		time.Sleep(500 * time.Microsecond)
	default:
		time.Sleep(2 * time.Millisecond)
	}
}

// logScan reads rows of logs into one record: most rows of a search are looked at
// and left.
type logScan struct {
	rec                Record
	msg                sql.NullString
	attrs, trace, span sql.RawBytes
}

// scan returns a record that is valid until the next row.
func (l *logScan) scan(rows *sql.Rows, n *names) (*Record, error) {
	rec := &l.rec
	var ns, src, tmpl int64
	if err := rows.Scan(&rec.ID, &ns, &src, &rec.Level, &tmpl, &l.msg, &l.attrs, &l.trace, &l.span); err != nil {
		return nil, err
	}
	rec.Time = Millisecond(rec.ID)*1e6 + ns
	rec.Source, rec.Template = n.name(sources, src), n.name(templates, tmpl)
	rec.Message = rec.Template
	if l.msg.Valid {
		rec.Message = l.msg.String
	}
	rec.Attrs, rec.Trace, rec.Span = l.attrs, [16]byte{}, [8]byte{}
	copy(rec.Trace[:], l.trace)
	copy(rec.Span[:], l.span)
	return rec, nil
}

// Get returns one record, nil if there is none.
func (s *Store) Get(ctx context.Context, id int64) (*Record, error) {
	page, err := s.Scan(ctx, &Selection{}, id-1, 1, true, Budget{})
	if err != nil || len(page.Records) == 0 || page.Records[0].ID != id {
		return nil, err
	}
	return &page.Records[0], nil
}

// Matches reports whether a record is meant: what Scan does by SQL and by Match.
func (sel *Selection) Matches(r *Record) bool {
	ms := r.Time / 1e6
	return (sel.From == 0 || ms >= sel.From) && (sel.To == 0 || ms < sel.To) &&
		(sel.MinLevel == nil || r.Level >= *sel.MinLevel) &&
		(len(sel.Sources) == 0 || slices.Contains(sel.Sources, r.Source)) &&
		!slices.Contains(sel.NotSources, r.Source) &&
		(sel.Trace == nil || r.Trace == *sel.Trace) &&
		(sel.Match == nil || sel.Match(r))
}

// Sources returns the names of all sources, sorted.
func (s *Store) Sources() []string { return sorted(s.names.all(sources)) }

func sorted(names map[int64]string) []string {
	list := make([]string, 0, len(names))
	for _, name := range names {
		list = append(list, name)
	}
	slices.Sort(list)
	return list
}

// class is for the rollups' columns.
func class(level int) int64 { return int64(event.ClassOf(level)) }
