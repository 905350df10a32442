package store

import (
	"context"
	"math"
	"slices"
	"strings"
)

// Route is how requests of one route did.
type Route struct {
	Name      string   `json:"name"`
	N         int64    `json:"n"`
	Failed    int64    `json:"failed"`
	Quantiles [3]int64 `json:"quantiles"`      // p50, p95, p99 in ns
	Rate      []int64  `json:"rate,omitempty"` // requests by step
}

// Routes is how requests did between two times.
type Routes struct {
	Routes []Route `json:"routes"` // slowest p95 first
	From   int64   `json:"from"`   // ms: of whole minutes
	To     int64   `json:"to"`
}

// routeSteps is the length of Route.Rate; by hours there are as many as hours.
const routeSteps = 40

// Routes sums up the requests between two times (ms), by whole minutes. What is
// longer than six hours is read by hours, and by minutes before the first and after
// the last whole one.
func (s *Store) Routes(ctx context.Context, from, to int64) (Routes, error) {
	lo := from / 1000
	lo -= lo % minute
	hi := (to + 999) / 1000
	steps := int64(routeSteps)
	type part struct {
		table  string
		lo, hi int64
	}
	parts := []part{{"routes_1m", lo, hi}}
	if hi-lo > 6*hour {
		first, last := (lo+hour-1)/hour*hour, hi/hour*hour
		parts = []part{{"routes_1m", lo, first}, {"routes_1h", first, last}, {"routes_1m", last, hi}}
		steps = min((hi-lo)/hour, 3*routeSteps)
	}
	sums := routeSums{}
	for _, p := range parts {
		rows, err := s.read.QueryContext(ctx, "SELECT t, route, bucket, n, failed FROM "+p.table+" WHERE t >= ? AND t < ?", p.lo, p.hi)
		if err := each(rows, err, func() error {
			var t, route, bucket, n, failed int64
			if err := rows.Scan(&t, &route, &bucket, &n, &failed); err != nil {
				return err
			}
			u := sums.add(route, bucket, n, failed)
			if u.rate == nil {
				u.rate = make([]int64, steps)
			}
			u.rate[min(max((t-lo)*steps/max(hi-lo, 1), 0), steps-1)] += n
			return nil
		}); err != nil {
			return Routes{}, err
		}
	}
	return Routes{sums.list(s.names), lo * 1000, to}, nil
}

type routeSums map[int64]*routeSum

type routeSum struct {
	buckets map[int64]int64
	failed  int64
	rate    []int64
}

func (s routeSums) add(route, bucket, n, failed int64) *routeSum {
	u := s[route]
	if u == nil {
		u = &routeSum{buckets: map[int64]int64{}}
		s[route] = u
	}
	u.buckets[bucket] += n
	u.failed += failed
	return u
}

// list returns the routes, slowest p95 first.
func (s routeSums) list(n *names) []Route {
	list := make([]Route, 0, len(s))
	for route, u := range s {
		r := Route{Name: n.name(routes, route), Failed: u.failed, Rate: u.rate}
		r.N, r.Quantiles = quantiles(u.buckets)
		list = append(list, r)
	}
	slices.SortFunc(list, func(x, y Route) int {
		if d := y.Quantiles[1] - x.Quantiles[1]; d != 0 {
			return int(min(max(d, -1), 1))
		}
		return strings.Compare(x.Name, y.Name)
	})
	return list
}

// quantiles returns how many there are, and p50, p95 and p99: the upper ends of
// their buckets, 15 % too much at most.
func quantiles(buckets map[int64]int64) (n int64, at [3]int64) {
	highest := int64(0)
	for b, k := range buckets {
		n += k
		highest = max(highest, b)
	}
	sum := int64(0)
	for b := range highest + 1 {
		if sum += buckets[b]; sum == 0 {
			continue
		}
		for i, part := range []float64{0.5, 0.95, 0.99} {
			if at[i] == 0 && float64(sum) >= part*float64(n) {
				at[i] = int64(math.Round(bucketTop(b)))
			}
		}
	}
	return n, at
}
