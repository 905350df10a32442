package store

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/slogship/slogship/viewer/internal/event"
)

// Histogram counts records over time, by class of level.
type Histogram struct {
	From  int64                  `json:"from"` // ms
	Step  int64                  `json:"step"` // ms
	Bars  [][event.Classes]int64 `json:"bars"`
	Exact bool                   `json:"exact"` // false: of what the budget allowed to look at
	Class [event.Classes]int64   `json:"classes"`
	Names [event.Classes]string  `json:"names"`
	By    map[string]int64       `json:"sources"`
	Seen  int64                  `json:"seen"` // ms: without Exact, what is older was not looked at
}

// Counted reports whether rollups can answer: nothing is asked for but time,
// source and a class of levels.
func (sel *Selection) Counted() bool {
	return sel.Trace == nil && len(sel.Tokens) == 0 && sel.Match == nil &&
		(sel.MinLevel == nil || event.ClassOf(*sel.MinLevel).Base() == *sel.MinLevel)
}

// Extent returns the time of the oldest and the newest record, in ms.
func (s *Store) Extent(ctx context.Context) (oldest, newest int64, err error) {
	var lo, hi *int64
	err = s.read.QueryRowContext(ctx, "SELECT (SELECT min(id) FROM logs), (SELECT max(id) FROM logs)").Scan(&lo, &hi)
	if lo == nil || hi == nil {
		return 0, 0, err
	}
	return Millisecond(*lo), Millisecond(*hi), err
}

// Histogram counts in about bars steps, each of whole minutes where the rollups
// answer.
func (s *Store) Histogram(ctx context.Context, sel *Selection, bars int, b Budget) (*Histogram, error) {
	from, to := sel.From, sel.To
	if from == 0 || to == 0 {
		oldest, newest, err := s.Extent(ctx)
		if err != nil {
			return nil, err
		}
		if from == 0 {
			from = oldest
		}
		if to == 0 {
			to = max(newest+1, from+1)
		}
	}
	h := &Histogram{By: map[string]int64{}}
	for c := range event.Classes {
		h.Names[c] = c.String()
	}
	step := max((to-from)/int64(max(bars, 1)), 1)
	h.Step = niceStep(step)
	counted := sel.Counted() && h.Step >= minute*1000
	h.From = from - from%h.Step
	n := (to - h.From + h.Step - 1) / h.Step
	h.Bars = make([][event.Classes]int64, min(max(n, 1), 2000))
	if counted {
		h.Exact = true
		return h, s.countRolls(ctx, sel, h, from, to)
	}
	// Few minutes, or a question that needs the records: they are looked at.
	narrow := *sel
	narrow.From, narrow.To = from, to
	if b.Rows == 0 {
		b.Rows = 100_000
	}
	page, err := s.Scan(ctx, &narrow, 0, b.Rows, false, b)
	if err != nil {
		return nil, err
	}
	for i := range page.Records {
		r := &page.Records[i]
		h.add(r.Time/1e6, event.ClassOf(r.Level), r.Source, 1)
	}
	h.Exact = page.Next == 0
	h.Seen = Millisecond(page.Next)
	return h, nil
}

func (h *Histogram) add(ms int64, c event.Class, source string, n int64) {
	i := (ms - h.From) / h.Step
	if ms < h.From || i >= int64(len(h.Bars)) || c < 0 || c >= event.Classes {
		return
	}
	h.Bars[i][c] += n
	h.Class[c] += n
	h.By[source] += n
}

// niceStep rounds up to a step that people read: 1, 2, 5, 10 ... s, minutes, hours, days.
func niceStep(ms int64) int64 {
	for _, s := range []int64{
		1, 5, 10, 50, 100, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 900_000,
		1_800_000, 3_600_000, 7_200_000, 10_800_000, 21_600_000, 43_200_000, 86_400_000,
	} {
		if s >= ms {
			return s
		}
	}
	const day = 86_400_000
	return (ms + day - 1) / day * day
}

func (s *Store) countRolls(ctx context.Context, sel *Selection, h *Histogram, from, to int64) error {
	table, unit := "roll_1m", int64(minute)
	if h.Step%(hour*1000) == 0 {
		table, unit = "roll_1h", hour
	}
	where, possible := s.rollWhere(sel)
	if !possible {
		return nil
	}
	lo, hi := from/1000, (to+999)/1000
	lo -= lo % unit
	rows, err := s.read.QueryContext(ctx, fmt.Sprintf("SELECT t, src, class, n FROM %s WHERE t >= ? AND t < ?%s", table, where), lo, hi)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var t, src, n int64
		var c event.Class
		if err := rows.Scan(&t, &src, &c, &n); err != nil {
			return err
		}
		h.add(max(t*1000, h.From), c, s.names.name(sources, src), n)
	}
	return rows.Err()
}

// rollWhere returns the conditions on the rollups' columns.
func (s *Store) rollWhere(sel *Selection) (where string, possible bool) {
	if sel.MinLevel != nil {
		where = " AND class >= " + itoa(class(*sel.MinLevel))
	}
	if len(sel.Sources) > 0 {
		var ids []string
		for _, name := range sel.Sources {
			if id, ok := s.names.id(sources, name); ok {
				ids = append(ids, itoa(id))
			}
		}
		if len(ids) == 0 {
			return "", false
		}
		where += " AND src IN (" + strings.Join(ids, ",") + ")"
	}
	var not []string
	for _, name := range sel.NotSources {
		if id, ok := s.names.id(sources, name); ok {
			not = append(not, itoa(id))
		}
	}
	if len(not) > 0 {
		where += " AND src NOT IN (" + strings.Join(not, ",") + ")"
	}
	return where, true
}

// NameCount is a name, and how often it occurs.
type NameCount struct {
	Name string `json:"name"`
	N    int64  `json:"n"`
}

// Templates counts the message templates of a time, by whole hours, the most
// frequent first.
func (s *Store) Templates(ctx context.Context, from, to int64, limit int) ([]NameCount, error) {
	if to == 0 {
		to = 1 << 50
	}
	lo := from / 1000
	lo -= lo % hour
	counts := map[int64]int64{}
	err := s.reading(ctx, func(tx *sql.Tx) error {
		rows, err := tx.QueryContext(ctx, "SELECT tmpl, n FROM templates_1h WHERE t >= ? AND t < ?", lo, (to+999)/1000)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var tmpl, n int64
			if err := rows.Scan(&tmpl, &n); err != nil {
				return err
			}
			counts[tmpl] += n
		}
		return rows.Err()
	})
	list := make([]NameCount, 0, len(counts))
	for tmpl, n := range counts {
		list = append(list, NameCount{s.names.name(templates, tmpl), n})
	}
	slices.SortFunc(list, func(a, b NameCount) int {
		if a.N != b.N {
			return int(min(max(b.N-a.N, -1), 1))
		}
		return strings.Compare(a.Name, b.Name)
	})
	return list[:min(limit, len(list))], err
}

func itoa(n int64) string { return strconv.FormatInt(n, 10) }
