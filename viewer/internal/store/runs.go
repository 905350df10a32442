package store

import (
	"context"
	"encoding/hex"
	"errors"
	"math"
	"strconv"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

// Bounds of what is kept of runs.
const (
	maxRuns      = 1000 // beyond it the one that was silent longest goes
	maxPinned    = 50
	maxRunKinds  = 500       // kinds of errors of one run
	maxRunMinute = 7 * 86400 // seconds of a run that runs_1m tells of
)

// runKey names a run. A slogship handler makes a random prefix of its records' ids
// when it starts: where nothing else names the run, the prefix does.
type runKey struct {
	src    int64
	name   string
	prefix [16]byte // instead of a name
}

func newRunKey(src int64, name string) runKey {
	k := runKey{src: src, name: name}
	if len(name) == 32 {
		if _, err := hex.Decode(k.prefix[:], []byte(name)); err == nil && hex.EncodeToString(k.prefix[:]) == name {
			k.name = ""
		} else {
			k.prefix = [16]byte{}
		}
	}
	return k
}

func (k *runKey) none() bool { return k.name == "" && k.prefix == [16]byte{} }

func (k *runKey) text() string {
	if k.name != "" {
		return k.name
	}
	return hex.EncodeToString(k.prefix[:])
}

// runs knows the runs, and counts what a transaction adds to them. It is the
// writer's.
type runs struct {
	ids    map[runKey]int64
	counts map[int64]*runCount // of this transaction
	last   struct {            // most records are of the run of the one before
		key   runKey
		count *runCount
	}
}

type runCount struct {
	id               int64
	first, last      int64 // ms
	classes          [event.Classes]int64
	requests, failed int64
	sampled          int64
	minutes          map[int64]*[2]int64 // records, errors
	errors           map[errorKind]*groupCount
	routes           map[requestKey]*requestCount // minute is 0
}

type errorKind struct {
	tmpl    int64
	errType string
}

func (d *runs) load(w *writer) error {
	*d = runs{ids: map[runKey]int64{}, counts: map[int64]*runCount{}}
	rows, err := w.Query("SELECT id, src, name FROM runs")
	return each(rows, err, func() error {
		var id, src int64
		var name string
		err := rows.Scan(&id, &src, &name)
		d.ids[newRunKey(src, name)] = id
		return err
	})
}

// of returns the count of a run, which it makes where there is none, or nil.
func (d *runs) of(w *writer, k runKey, ms int64) (*runCount, error) {
	if k.none() {
		return nil, nil // no run is no error
	}
	if d.last.count == nil || d.last.key != k {
		id, known := d.ids[k]
		if !known {
			var err error
			if id, err = d.begin(w, k, ms); err != nil {
				return nil, err
			}
		}
		if d.counts[id] == nil {
			d.counts[id] = &runCount{
				id: id, first: math.MaxInt64, minutes: map[int64]*[2]int64{}, errors: map[errorKind]*groupCount{},
				routes: map[requestKey]*requestCount{},
			}
		}
		d.last.key, d.last.count = k, d.counts[id]
	}
	c := d.last.count
	c.first, c.last = min(c.first, ms), max(c.last, ms)
	return c, nil
}

// begin adds a run to the database. Where there are too many, another one goes.
func (d *runs) begin(w *writer, k runKey, ms int64) (int64, error) {
	if len(d.ids) >= maxRuns {
		if err := d.flush(w); err != nil { // the silent one is to be found
			return 0, err
		}
		if err := d.drop(w, math.MaxInt64, len(d.ids)-maxRuns+maxRuns/20); err != nil { // some at once: it costs
			return 0, err
		}
	}
	result, err := w.exec(`INSERT INTO runs(src, name, first, last, trace, debug, info, warn, error, fatal, requests, failed)
		VALUES (?,?,?,?,0,0,0,0,0,0,0,0)`, k.src, k.text(), ms, ms)
	if err != nil {
		return 0, err
	}
	id, err := result.LastInsertId()
	d.ids[k] = id
	return id, err
}

func (c *runCount) log(id, tmpl int64, r *logRow) {
	ms := Millisecond(id)
	second := ms / 1000
	m := c.minutes[second-second%minute]
	if m == nil {
		m = new([2]int64)
		c.minutes[second-second%minute] = m
	}
	m[0]++
	c.classes[event.ClassOf(r.Level)]++
	if r.Level < 8 {
		return
	}
	m[1]++
	g := c.errors[errorKind{tmpl, r.errType}]
	if g == nil {
		g = &groupCount{}
		c.errors[errorKind{tmpl, r.errType}] = g
	}
	g.n++
	if ms >= g.last {
		g.last, g.sample = ms, id
	}
}

func (c *runCount) request(route int64, s *event.Span) {
	k := requestKey{0, route, bucketOf(s.Duration)}
	if c.routes[k] == nil {
		c.routes[k] = &requestCount{}
	}
	c.requests++
	c.routes[k].n++
	if s.Failed {
		c.failed++
		c.routes[k].failed++
	}
}

func (d *runs) flush(w *writer) error {
	for _, c := range d.counts {
		if err := c.flush(w); err != nil {
			return err
		}
	}
	if len(d.counts) > 0 {
		d.counts, d.last.count = map[int64]*runCount{}, nil
	}
	return nil
}

func (c *runCount) flush(w *writer) error {
	n := &c.classes
	if _, err := w.exec(`UPDATE runs SET first = min(first, ?), last = max(last, ?), trace = trace + ?, debug = debug + ?,
		info = info + ?, warn = warn + ?, error = error + ?, fatal = fatal + ?, requests = requests + ?, failed = failed + ?,
		sampled = max(sampled, ?) WHERE id = ?`,
		c.first, c.last, n[0], n[1], n[2], n[3], n[4], n[5], c.requests, c.failed, c.sampled, c.id); err != nil {
		return err
	}
	for t, m := range c.minutes {
		if _, err := w.exec(`INSERT INTO runs_1m SELECT ?1, ?2, ?3, ?4 FROM runs WHERE id = ?1 AND ?2 < first / 1000 + ?5
			ON CONFLICT DO UPDATE SET n = n + excluded.n, errors = errors + excluded.errors`, c.id, t, m[0], m[1], maxRunMinute); err != nil {
			return err
		}
	}
	for k, r := range c.routes {
		if _, err := w.exec(`INSERT INTO runs_routes VALUES (?,?,?,?,?)
			ON CONFLICT DO UPDATE SET n = n + excluded.n, failed = failed + excluded.failed`, c.id, k.route, k.bucket, r.n, r.failed); err != nil {
			return err
		}
	}
	for k, g := range c.errors {
		if err := c.flushError(w, k, g); err != nil {
			return err
		}
	}
	return nil
}

// flushError counts errors of one kind: a new kind only if there is room for it.
func (c *runCount) flushError(w *writer, k errorKind, g *groupCount) error {
	result, err := w.exec("UPDATE runs_errors SET n = n + ?, sample = max(sample, ?) WHERE run = ? AND tmpl = ? AND type = ?",
		g.n, g.sample, c.id, k.tmpl, k.errType)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n > 0 {
		return err
	}
	result, err = w.exec("UPDATE runs SET kinds = kinds + 1 WHERE id = ? AND kinds < ?", c.id, maxRunKinds)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return err
	}
	_, err = w.exec("INSERT INTO runs_errors VALUES (?,?,?,?,?)", c.id, k.tmpl, k.errType, g.n, g.sample)
	return err
}

// drop deletes up to limit runs that are not pinned and were silent since a time.
func (d *runs) drop(w *writer, before int64, limit int) error {
	var ids []int64
	rows, err := w.Query("SELECT id FROM runs INDEXED BY runs_last WHERE pinned = 0 AND last < " + itoa(before) +
		" ORDER BY last LIMIT " + strconv.Itoa(limit))
	if err := each(rows, err, func() error {
		ids = append(ids, 0)
		return rows.Scan(&ids[len(ids)-1])
	}); err != nil {
		return err
	}
	for _, id := range ids {
		for _, query := range []string{
			"DELETE FROM runs_1m WHERE run = ?", "DELETE FROM runs_errors WHERE run = ?", "DELETE FROM runs_routes WHERE run = ?",
			"DELETE FROM process WHERE run = ?", "DELETE FROM process_1m WHERE run = ?", "DELETE FROM runs WHERE id = ?",
		} {
			if _, err := w.exec(query, id); err != nil {
				return err
			}
		}
	}
	for k, id := range d.ids {
		for _, gone := range ids {
			if id == gone {
				delete(d.ids, k)
			}
		}
	}
	return nil
}

// processDay is how long reports of processes are kept by the second, in seconds.
const processDay = 25 * hour

// retainRuns deletes a step's worth of what is too old: runs, reports of processes,
// and losses.
func (w *writer) retainRuns(now time.Time) (err error) {
	if _, err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return err
	}
	defer func() {
		if err != nil {
			_, _ = w.exec("ROLLBACK") // there may be none
			err = errors.Join(err, w.runs.load(w))
		}
	}()
	cut := now.Add(-w.s.opts.MaxAge)
	if err := w.runs.drop(w, cut.UnixMilli(), 8); err != nil {
		return err
	}
	for _, step := range []struct {
		query string
		arg   int64
	}{
		{"DELETE FROM process WHERE (run, t) IN (SELECT run, t FROM process INDEXED BY process_t WHERE t < ? LIMIT 2000)", now.Unix() - processDay},
		{"DELETE FROM process_1m WHERE (run, t) IN (SELECT run, t FROM process_1m INDEXED BY process_1m_t WHERE t < ? LIMIT 2000)", cut.Unix()},
		{"DELETE FROM losses WHERE id IN (SELECT id FROM losses INDEXED BY losses_until WHERE until < ? LIMIT 2000)", cut.UnixMilli()},
	} {
		if _, err := w.exec(step.query, step.arg); err != nil {
			return err
		}
	}
	_, err = w.exec("COMMIT")
	return err
}

// ErrPinned says that no more runs can be pinned.
var ErrPinned = errors.New("50 runs are pinned, or there is no such run")

// Pin keeps what is counted of a run although it is old, or lets it go with the
// others. It does not keep the run's records.
func (s *Store) Pin(ctx context.Context, id int64, pinned bool) error {
	full := false // an error would undo what others append in the same transaction
	err := s.do(ctx, func(w *writer) error {
		if !pinned {
			_, err := w.exec("UPDATE runs SET pinned = 0 WHERE id = ?", id)
			return err
		}
		result, err := w.exec(`UPDATE runs SET pinned = 1 WHERE id = ? AND
			(SELECT coalesce(sum(pinned), 0) FROM runs INDEXED BY runs_pinned WHERE pinned = 1) < ?`, id, maxPinned)
		if err != nil {
			return err
		}
		n, err := result.RowsAffected()
		full = n == 0
		return err
	})
	if err == nil && full {
		err = ErrPinned
	}
	return err
}

// do runs fn in the writer, within a transaction.
func (s *Store) do(ctx context.Context, fn func(w *writer) error) error {
	j := &job{result: make(chan error, 1), do: fn}
	if err := s.enqueue([]*job{j}); err != nil {
		return err
	}
	select {
	case err := <-j.result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}
