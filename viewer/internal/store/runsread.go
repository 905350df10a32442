package store

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
)

// Run is a run of a program, and what was counted of it.
type Run struct {
	ID       int64  `json:"id,string"`
	Source   string `json:"source"`
	Name     string `json:"name"`  // what the sender calls it
	First    int64  `json:"first"` // ms
	Last     int64  `json:"last"`
	Levels   Levels `json:"levels"` // records by class of level
	Requests int64  `json:"requests"`
	Failed   int64  `json:"failed"`  // of the requests
	Sampled  int64  `json:"sampled"` // when its agent reported last, ms; 0: never
	Pinned   bool   `json:"pinned"`
}

// Levels are counts by class of level.
type Levels struct {
	Trace int64 `json:"trace"`
	Debug int64 `json:"debug"`
	Info  int64 `json:"info"`
	Warn  int64 `json:"warn"`
	Error int64 `json:"error"`
	Fatal int64 `json:"fatal"`
}

// RunSelection says which runs a list has.
type RunSelection struct {
	Source string // "": any
	Pinned bool   // only those that are pinned
	// First and ID are those of the last run of the page before. 0: from the newest on.
	First, ID int64
}

// Runs returns up to limit runs, those that began last first.
func (s *Store) Runs(ctx context.Context, sel RunSelection, limit int) (list []Run, err error) {
	if sel.First == 0 {
		sel.First = 1 << 62
	}
	from, args := "runs INDEXED BY runs_first WHERE (first, id) < (?, ?)", []any{sel.First, sel.ID}
	src, known := s.names.id(sources, sel.Source)
	switch {
	case sel.Pinned:
		from = "runs INDEXED BY runs_pinned WHERE pinned = 1 AND (first, id) < (?, ?)"
	case sel.Source != "" && !known:
		return nil, nil
	case sel.Source != "":
		from, args = "runs INDEXED BY runs_src WHERE src = ? AND (first, id) < (?, ?)", []any{src, sel.First, sel.ID}
	}
	err = s.reading(ctx, func(tx *sql.Tx) error {
		list, err = s.queryRuns(ctx, tx, from+" ORDER BY first DESC, id DESC LIMIT "+strconv.Itoa(limit), args...)
		return err
	})
	return list, err
}

// queryRuns reads runs; from is what follows FROM.
func (s *Store) queryRuns(ctx context.Context, tx *sql.Tx, from string, args ...any) (list []Run, err error) {
	rows, err := tx.QueryContext(ctx, "SELECT id, src, name, first, last, trace, debug, info, warn, error, fatal, requests, failed, sampled, pinned FROM "+
		from, args...)
	err = each(rows, err, func() error {
		var r Run
		var src int64
		l := &r.Levels
		err := rows.Scan(&r.ID, &src, &r.Name, &r.First, &r.Last, &l.Trace, &l.Debug, &l.Info, &l.Warn, &l.Error, &l.Fatal,
			&r.Requests, &r.Failed, &r.Sampled, &r.Pinned)
		r.Source = s.names.name(sources, src)
		list = append(list, r)
		return err
	})
	return list, err
}

// RunDetail is all that is kept of a run.
type RunDetail struct {
	Run    Run        `json:"run"`
	Errors []RunError `json:"errors"` // most frequent first, at most 500 kinds
	Routes []Route    `json:"routes"` // slowest p95 first
	Bars   [][2]int64 `json:"bars"`   // records and errors by step, of the first week
	Step   int64      `json:"step"`   // ms: whole minutes, from the minute of Run.First
}

// RunError is errors of one kind in a run.
type RunError struct {
	Type     string `json:"type"`
	Template string `json:"template"`
	N        int64  `json:"n"`
	Sample   int64  `json:"sample,string"` // the key of the newest record
}

// Run returns what is kept of a run, nil if there is no such run.
func (s *Store) Run(ctx context.Context, id int64) (d *RunDetail, err error) {
	err = s.reading(ctx, func(tx *sql.Tx) error {
		runs, err := s.queryRuns(ctx, tx, "runs WHERE id = ?", id)
		if err != nil || len(runs) == 0 {
			return err
		}
		d = &RunDetail{Run: runs[0], Errors: []RunError{}}
		if err := s.readRunErrors(ctx, tx, d); err != nil {
			return err
		}
		if err := s.readRunRoutes(ctx, tx, d); err != nil {
			return err
		}
		return d.readBars(ctx, tx)
	})
	return d, err
}

func (s *Store) readRunErrors(ctx context.Context, tx *sql.Tx, d *RunDetail) error {
	rows, err := tx.QueryContext(ctx, "SELECT tmpl, type, n, sample FROM runs_errors WHERE run = ?", d.Run.ID)
	if err := each(rows, err, func() error {
		var e RunError
		var tmpl int64
		err := rows.Scan(&tmpl, &e.Type, &e.N, &e.Sample)
		e.Template = s.names.name(templates, tmpl)
		d.Errors = append(d.Errors, e)
		return err
	}); err != nil {
		return err
	}
	slices.SortStableFunc(d.Errors, func(x, y RunError) int { return int(min(max(y.N-x.N, -1), 1)) })
	return nil
}

func (s *Store) readRunRoutes(ctx context.Context, tx *sql.Tx, d *RunDetail) error {
	sums := routeSums{}
	rows, err := tx.QueryContext(ctx, "SELECT route, bucket, n, failed FROM runs_routes WHERE run = ?", d.Run.ID)
	err = each(rows, err, func() error {
		var route, bucket, n, failed int64
		err := rows.Scan(&route, &bucket, &n, &failed)
		sums.add(route, bucket, n, failed)
		return err
	})
	d.Routes = sums.list(s.names)
	return err
}

const runBars = 60

func (d *RunDetail) readBars(ctx context.Context, tx *sql.Tx) error {
	begin := d.Run.First / 1000
	begin -= begin % minute
	end := min(d.Run.Last/1000, begin+maxRunMinute) + 1
	unit := (end - begin + runBars*minute - 1) / (runBars * minute) * minute
	d.Step = unit * 1000
	d.Bars = make([][2]int64, (end-begin+unit-1)/unit)
	rows, err := tx.QueryContext(ctx, "SELECT t, n, errors FROM runs_1m WHERE run = ? AND t >= ? AND t < ?", d.Run.ID, begin, end)
	return each(rows, err, func() error {
		var t, n, errs int64
		err := rows.Scan(&t, &n, &errs)
		bar := &d.Bars[(t-begin)/unit]
		bar[0], bar[1] = bar[0]+n, bar[1]+errs
		return err
	})
}
