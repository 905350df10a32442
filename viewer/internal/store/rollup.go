package store

import (
	"math"

	"github.com/slogship/slogship/viewer/internal/event"
)

// rolls collects the counts of a transaction: histogram, facets, error groups and
// routes read those, never the rows.
type rolls struct {
	levels    map[levelKey]int64
	templates map[templateKey]int64
	groups    map[groupKey]*groupCount
	requests  map[requestKey]*requestCount
}

type levelKey struct {
	minute, src int64
	class       event.Class
}

type templateKey struct{ hour, tmpl int64 }

type groupKey struct {
	src, tmpl int64
	errType   string
}

type groupCount struct {
	n, first, last, sample int64
	hours                  map[int64]int64
}

type requestKey struct{ minute, route, bucket int64 }

type requestCount struct{ n, failed int64 }

const (
	minute = 60
	hour   = 3600
)

func (r *rolls) reset() {
	*r = rolls{map[levelKey]int64{}, map[templateKey]int64{}, map[groupKey]*groupCount{}, map[requestKey]*requestCount{}}
}

func (r *rolls) log(id, src, tmpl int64, row *logRow) {
	ms := Millisecond(id)
	second := ms / 1000
	r.levels[levelKey{second - second%minute, src, event.ClassOf(row.Level)}]++
	r.templates[templateKey{second - second%hour, tmpl}]++
	if row.Level < 8 {
		return
	}
	k := groupKey{src, tmpl, row.errType}
	g := r.groups[k]
	if g == nil {
		g = &groupCount{first: math.MaxInt64, hours: map[int64]int64{}}
		r.groups[k] = g
	}
	g.n++
	g.first = min(g.first, ms)
	if ms >= g.last {
		g.last, g.sample = ms, id
	}
	g.hours[second-second%hour]++
}

func (r *rolls) request(id, route int64, s *event.Span) {
	second := Millisecond(id) / 1000
	k := requestKey{second - second%minute, route, bucketOf(s.Duration)}
	c := r.requests[k]
	if c == nil {
		c = &requestCount{}
		r.requests[k] = c
	}
	c.n++
	if s.Failed {
		c.failed++
	}
}

// Buckets of durations are 15 % wide and begin at a microsecond.
const bucketWidth = 1.15

func bucketOf(ns int64) int64 {
	if ns <= 1000 {
		return 0
	}
	return int64(math.Log(float64(ns)/1000)/math.Log(bucketWidth)) + 1
}

// bucketTop returns the longest duration of a bucket, in ns.
func bucketTop(bucket int64) float64 { return 1000 * math.Pow(bucketWidth, float64(bucket)) }

func (r *rolls) flush(w *writer) error {
	for k, n := range r.levels {
		if _, err := w.exec("INSERT INTO roll_1m VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n", k.minute, k.src, int64(k.class), n); err != nil {
			return err
		}
		if _, err := w.exec("INSERT INTO roll_1h VALUES (?,?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n",
			k.minute-k.minute%hour, k.src, int64(k.class), n); err != nil {
			return err
		}
	}
	for k, n := range r.templates {
		if _, err := w.exec("INSERT INTO templates_1h VALUES (?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n", k.hour, k.tmpl, n); err != nil {
			return err
		}
	}
	for k, c := range r.requests {
		for _, t := range []struct {
			query string
			at    int64
		}{
			{"INSERT INTO routes_1m VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n, failed = failed + excluded.failed", k.minute},
			{"INSERT INTO routes_1h VALUES (?,?,?,?,?) ON CONFLICT DO UPDATE SET n = n + excluded.n, failed = failed + excluded.failed", k.minute - k.minute%hour},
		} {
			if _, err := w.exec(t.query, t.at, k.route, k.bucket, c.n, c.failed); err != nil {
				return err
			}
		}
	}
	for k, g := range r.groups {
		if err := g.flush(w, k); err != nil {
			return err
		}
	}
	if len(r.levels)+len(r.requests) > 0 {
		r.reset()
	}
	return nil
}

// flush writes a group. One that is said to be resolved, and comes back later, is
// open again.
func (g *groupCount) flush(w *writer, k groupKey) error {
	_, err := w.exec(`INSERT INTO groups(src, type, tmpl, n, first, last, sample) VALUES (?,?,?,?,?,?,?)
		ON CONFLICT(src, type, tmpl) DO UPDATE SET n = n + excluded.n, first = min(first, excluded.first),
			sample = CASE WHEN excluded.last >= last THEN excluded.sample ELSE sample END,
			last = max(last, excluded.last),
			reopened = CASE WHEN resolved > 0 AND excluded.last > resolved THEN excluded.last ELSE reopened END,
			resolved = CASE WHEN excluded.last > resolved THEN 0 ELSE resolved END`,
		k.src, k.errType, k.tmpl, g.n, g.first, g.last, g.sample)
	if err != nil {
		return err
	}
	for t, n := range g.hours {
		if _, err := w.exec(`INSERT INTO groups_1h VALUES ((SELECT id FROM groups WHERE src = ? AND type = ? AND tmpl = ?), ?, ?)
			ON CONFLICT DO UPDATE SET n = n + excluded.n`, k.src, k.errType, k.tmpl, t, n); err != nil {
			return err
		}
	}
	return nil
}
