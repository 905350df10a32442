package store

import (
	"context"
	"fmt"
	"time"
)

// retainRows is how many rows one step of retention deletes, and how many steps
// there are in a row: between two of them whoever appends comes first.
const (
	retainRows  = 2000
	retainPages = 128
)

// retain deletes what is too old or too much, a step at a time, until nothing is,
// or somebody waits for the writer.
func (w *writer) retain(now time.Time) {
	if err := w.retainRuns(now); err != nil {
		w.s.opts.OnError(fmt.Errorf("store: retention of runs: %w", err))
	}
	w.overdue = true
	for w.overdue {
		more, err := w.retainStep(now)
		if err != nil {
			_, _ = w.exec("ROLLBACK") // there may be none
			w.s.opts.OnError(fmt.Errorf("store: retention: %w", plain(err)))
			w.overdue = false
			return
		}
		w.overdue = more
		if len(w.s.queue) > 0 {
			return
		}
	}
}

// keepUp deletes about as many rows as were added, where retention could not end
// its work because there is always somebody who waits.
func (w *writer) keepUp(rows int, now time.Time) {
	for deleted := 0; w.overdue && deleted < rows*5/4; deleted += retainRows {
		more, err := w.retainStep(now)
		if err != nil {
			_, _ = w.exec("ROLLBACK") // there may be none
			w.s.opts.OnError(fmt.Errorf("store: retention: %w", plain(err)))
		}
		w.overdue = more && err == nil
	}
}

// retainStep deletes one step's worth, and reports whether there is more to do.
func (w *writer) retainStep(now time.Time) (more bool, err error) {
	cut := now.Add(-w.s.opts.MaxAge).UnixMilli()
	oldest, ok, err := w.oldest()
	if err != nil {
		return false, err
	}
	size, err := w.used()
	if err != nil {
		return false, err
	}
	if ok && size > w.s.opts.MaxBytes {
		// The minute of the oldest row goes, at most: then the size is looked at again.
		cut = max(cut, oldest-oldest%(minute*1000)+minute*1000)
	}
	cut -= cut % (minute * 1000) // rollups go by whole minutes
	if !ok || oldest >= cut {
		if w.seen.stale() {
			return true, w.seen.forget(w, 0)
		}
		return w.giveBack()
	}
	if _, err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return false, err
	}
	if err := w.deleteBefore(cut); err != nil {
		return false, err
	}
	_, err = w.exec("COMMIT")
	return true, err
}

// oldest returns the millisecond of the oldest row.
func (w *writer) oldest() (ms int64, ok bool, err error) {
	rows, err := w.Query("SELECT min(id) FROM logs UNION ALL SELECT min(id) FROM spans")
	err = each(rows, err, func() error {
		var id *int64
		if err := rows.Scan(&id); err != nil {
			return err
		}
		if id != nil && (!ok || Millisecond(*id) < ms) {
			ms, ok = Millisecond(*id), true
		}
		return nil
	})
	return ms, ok, err
}

// used returns the bytes that rows use, free pages left out.
func (w *writer) used() (int64, error) { return used(w) }

func used(db queryer) (int64, error) {
	var n [3]int64
	for i, pragma := range []string{"page_count", "freelist_count", "page_size"} {
		rows, err := db.Query("PRAGMA " + pragma)
		if err := each(rows, err, func() error { return rows.Scan(&n[i]) }); err != nil {
			return 0, err
		}
	}
	return (n[0] - n[1]) * n[2], nil
}

func (w *writer) deleteBefore(cut int64) error {
	id, second := FirstID(cut), cut/1000
	last := second - second%hour // this hour stays, part of it does
	for _, step := range []struct {
		query string
		arg   int64
	}{
		{"DELETE FROM logs  WHERE id IN (SELECT id FROM logs  WHERE id < ? ORDER BY id LIMIT 2000)", id},
		{"DELETE FROM spans WHERE id IN (SELECT id FROM spans WHERE id < ? ORDER BY id LIMIT 2000)", id},
		{"DELETE FROM roll_1m WHERE t < ?", second},
		{"DELETE FROM roll_1h WHERE t < ?", last},
		{"DELETE FROM templates_1h WHERE t < ?", last},
		{"DELETE FROM routes_1m WHERE t < ?", second},
		{"DELETE FROM routes_1h WHERE t < ?", last},
		{"DELETE FROM groups_1h WHERE grp IN (SELECT id FROM groups WHERE last < ?)", cut},
		{"DELETE FROM groups WHERE last < ?", cut},
	} {
		result, err := w.exec(step.query, step.arg)
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err == nil && step.arg == id {
			w.s.stats.expired.Add(n)
		}
	}
	// Filters are deleted from the first block on, as far as blocks are old.
	for p := range parts {
		if _, err := w.exec(`DELETE FROM filters WHERE part = ?1 AND block IN (SELECT block FROM filters WHERE part = ?1 ORDER BY block LIMIT 8)
			AND hi < ?2`, p, id); err != nil {
			return err
		}
	}
	return w.seen.forget(w, cut)
}

// giveBack returns free pages to the file system, some at a time.
func (w *writer) giveBack() (more bool, err error) {
	var free int64
	if err := w.conn.QueryRowContext(context.Background(), "PRAGMA freelist_count").Scan(&free); err != nil {
		return false, err
	}
	if free < retainPages {
		return false, nil
	}
	rows, err := w.Query(fmt.Sprintf("PRAGMA incremental_vacuum(%d)", retainPages))
	if err != nil {
		return false, err
	}
	for rows.Next() { // each row is a page given back
	}
	return free > 2*retainPages, rows.Close()
}
