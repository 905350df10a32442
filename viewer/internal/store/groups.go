package store

import (
	"context"
	"database/sql"
	"time"
)

// Group is errors of one kind: one source, one type, one message template.
type Group struct {
	ID       int64   `json:"id,string"`
	Source   string  `json:"source"`
	Type     string  `json:"type"`
	Template string  `json:"template"`
	N        int64   `json:"n"`
	First    int64   `json:"first"` // ms
	Last     int64   `json:"last"`
	Sample   int64   `json:"sample,string"` // the key of the newest record
	Resolved int64   `json:"resolved"`      // ms; 0: open
	Reopened int64   `json:"reopened"`      // ms; 0: it never came back
	Hours    []int64 `json:"hours"`         // counts of the last 24 hours
}

// Groups returns up to limit groups whose newest record is before the cursor (ms;
// 0: any), the newest first; resolved ones only if asked for.
func (s *Store) Groups(ctx context.Context, resolved bool, before int64, limit int, now time.Time) (list []Group, err error) {
	if before == 0 {
		before = 1 << 62
	}
	err = s.reading(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, `SELECT id, src, type, tmpl, n, first, last, sample, resolved, reopened FROM groups
			INDEXED BY groups_last WHERE last < ? AND (resolved > 0) = ? ORDER BY last DESC LIMIT ?`, before, resolved, limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var g Group
			var src, tmpl int64
			if err := rows.Scan(&g.ID, &src, &g.Type, &tmpl, &g.N, &g.First, &g.Last, &g.Sample, &g.Resolved, &g.Reopened); err != nil {
				return err
			}
			g.Source, g.Template = s.names.name(sources, src), s.names.name(templates, tmpl)
			list = append(list, g)
		}
		if err := rows.Err(); err != nil {
			return err
		}
		for i := range list {
			if err := list[i].readHours(ctx, tx, now); err != nil {
				return err
			}
		}
		return nil
	})
	return list, err
}

func (g *Group) readHours(ctx context.Context, tx *sql.Tx, now time.Time) error {
	const shown = 24
	g.Hours = make([]int64, shown)
	first := now.Unix() - now.Unix()%hour - (shown-1)*hour
	rows, err := tx.QueryContext(ctx, "SELECT t, n FROM groups_1h WHERE grp = ? AND t >= ?", g.ID, first)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var t, n int64
		if err := rows.Scan(&t, &n); err != nil {
			return err
		}
		if i := (t - first) / hour; i < shown {
			g.Hours[i] += n
		}
	}
	return rows.Err()
}

// Resolve marks a group as resolved, or opens it again. It goes through the writer.
func (s *Store) Resolve(ctx context.Context, id int64, resolved bool, now time.Time) error {
	return s.do(ctx, func(w *writer) error {
		at := int64(0)
		if resolved {
			at = now.UnixMilli()
		}
		// A clock behind the sender's must not reopen it at once.
		_, err := w.exec("UPDATE groups SET resolved = CASE WHEN ?1 = 0 THEN 0 ELSE max(?1, last) END WHERE id = ?2", at, id)
		return err
	})
}
