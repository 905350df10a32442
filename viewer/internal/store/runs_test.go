package store

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

func (s *Store) runs(t *testing.T, sel RunSelection, limit int) []Run {
	t.Helper()
	list, err := s.Runs(t.Context(), sel, limit)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func names1(list []Run) (names []string) {
	for _, r := range list {
		names = append(names, r.Name)
	}
	return names
}

// A run is what the sender calls one, or what slogship's ids begin with; a record
// that says neither is of none. It is counted by level, kind of error, minute and
// route, also over a restart.
func TestRuns(t *testing.T) {
	dir := t.TempDir()
	const prefix = "0123456789abcdef0123456789abcdef"
	for round := range 2 {
		s := open(t, dir, Options{})
		var logs []event.Log
		for i := range 100 {
			l := at(time.Duration(round*100+i)*time.Second, fmt.Sprintf("order %d failed", i))
			l.Level = []int{-8, -4, 0, 4, 8}[i%5]
			l.ID = fmt.Sprintf("%s%016x", prefix, round*100+i)
			l.Attrs = []byte(`{"error":{"type":"*a.Error"}}`)
			logs = append(logs, l)
		}
		logs = append(logs, at(0, "of no run"), event.Log{Time: noon.UnixNano(), Source: "api", Run: prefix, Level: 12, Message: "told by name"},
			event.Log{Time: noon.UnixNano(), Source: "web", Run: "pod-1", Message: "another source"})
		// A loss has an id of its own, which is not the run's.
		lost := at(time.Minute, lossMessage)
		lost.ID, lost.Level, lost.Attrs = fmt.Sprintf("%032x%016x", 77+round, 1), 4, []byte(`{"lost":3}`)
		spans := []event.Span{
			{Start: noon.UnixNano(), Duration: 5e6, Source: "api", Run: prefix, Name: "GET /", Route: "GET /", Kind: 2, Trace: [16]byte{1}, ID: [8]byte{byte(round + 1)}},
			{Start: noon.UnixNano(), Duration: 9e6, Source: "api", Run: prefix, Name: "GET /", Route: "GET /", Kind: 2, Failed: true, Trace: [16]byte{2}, ID: [8]byte{byte(round + 1)}},
			{Start: noon.UnixNano(), Duration: 9e6, Source: "api", Run: prefix, Name: "SELECT", Trace: [16]byte{3}, ID: [8]byte{byte(round + 1)}},
		}
		if err := s.Append(t.Context(), &Batch{Logs: append(logs, lost), Spans: spans}); err != nil {
			t.Fatal(err)
		}
		s.must(t, logs[:50]...) // they come again, and count once
		s.Close()
	}
	s := open(t, dir, Options{})
	list := s.runs(t, RunSelection{}, 10)
	if got := names1(list); len(list) != 2 || !slices.Contains(got, prefix) || !slices.Contains(got, "pod-1") {
		t.Fatalf("the runs are %v", got)
	}
	list = s.runs(t, RunSelection{Source: "api"}, 10)
	if len(s.runs(t, RunSelection{Source: "nobody"}, 10)) != 0 || len(list) != 1 {
		t.Fatalf("by source: %v", list)
	}
	r := list[0]
	if r.First != noon.UnixMilli() || r.Last != noon.Add(199*time.Second).UnixMilli() || r.Levels != (Levels{40, 40, 40, 40, 40, 2}) ||
		r.Requests != 4 || r.Failed != 2 || r.Sampled != 0 || r.Source != "api" {
		t.Errorf("the run is %+v", r)
	}
	d, err := s.Run(t.Context(), r.ID)
	if err != nil || d.Step != 60_000 || len(d.Bars) != 4 || d.Bars[0] != [2]int64{62, 14} || d.Bars[3] != [2]int64{20, 4} {
		t.Errorf("bars %v of %d ms, %v", d.Bars, d.Step, err)
	}
	if len(d.Errors) != 2 || d.Errors[0].N != 40 || d.Errors[0].Type != "*a.Error" || d.Errors[0].Template != "order <*> failed" || d.Errors[1].N != 2 {
		t.Errorf("errors %+v", d.Errors)
	}
	if sample, err := s.Get(t.Context(), d.Errors[0].Sample); err != nil || sample == nil || sample.Message != "order 99 failed" {
		t.Errorf("the sample is %v, %v", sample, err)
	}
	if len(d.Routes) != 1 || d.Routes[0].N != 4 || d.Routes[0].Failed != 2 || d.Routes[0].Name != "GET /" {
		t.Errorf("routes %+v", d.Routes)
	}
	if d, err := s.Run(t.Context(), 999); d != nil || err != nil {
		t.Errorf("a run that is not there: %v, %v", d, err)
	}
}

// Pages of runs have each run once, the newest first, although many began at once.
func TestRunPages(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	var logs []event.Log
	for i := range 100 {
		l := at(time.Duration(i/10)*time.Second, "m")
		l.Run = fmt.Sprint("run", i)
		logs = append(logs, l)
	}
	s.must(t, logs...)
	seen := map[int64]bool{}
	sel, before := RunSelection{}, int64(math.MaxInt64)
	for {
		page := s.runs(t, sel, 7)
		for _, r := range page {
			if seen[r.ID] || r.First > before {
				t.Errorf("%d again, or out of order", r.ID)
			}
			seen[r.ID], before = true, r.First
		}
		if len(page) < 7 {
			break
		}
		sel.First, sel.ID = page[6].First, page[6].ID
	}
	if len(seen) != 100 {
		t.Errorf("%d runs", len(seen))
	}
}

// Beyond a thousand runs those go that were silent longest, but not pinned ones;
// what is old goes as well, with all that was counted.
func TestRunsAreBounded(t *testing.T) {
	now := noon
	s := open(t, t.TempDir(), Options{})
	s.opts.now = func() time.Time { return now }
	add := func(name string, when time.Duration) {
		l := at(when, "it broke")
		l.Run, l.Level = name, 8
		s.must(t, l)
	}
	add("pinned", 0)
	id := s.runs(t, RunSelection{}, 1)[0].ID
	if err := s.Pin(t.Context(), id, true); err != nil {
		t.Fatal(err)
	}
	add("old", time.Second)
	add("lives", 2*time.Second)
	add("lives", time.Hour)
	var logs []event.Log
	for i := range 2*maxRuns + 10 {
		l := at(time.Minute+time.Duration(i)*time.Millisecond, "m")
		l.Run = fmt.Sprint("run", i)
		logs = append(logs, l)
	}
	s.must(t, logs...)
	list := s.runs(t, RunSelection{}, 10_000)
	names := names1(list)
	if len(list) > maxRuns || len(list) < maxRuns*9/10 || !slices.Contains(names, "pinned") || !slices.Contains(names, "lives") || slices.Contains(names, "old") ||
		names[0] != fmt.Sprint("run", 2*maxRuns+9) {
		t.Errorf("%d runs, first %s, last %s", len(list), names[0], names[len(names)-1])
	}
	now = noon.Add(8 * 24 * time.Hour)
	for range 200 {
		if err := s.do(t.Context(), func(w *writer) error { return w.runs.drop(w, now.Add(-s.opts.MaxAge).UnixMilli(), 8) }); err != nil {
			t.Fatal(err)
		}
	}
	if got := names1(s.runs(t, RunSelection{}, 10)); !slices.Equal(got, []string{"pinned"}) {
		t.Errorf("after a week there are %v", got)
	}
	if got := names1(s.runs(t, RunSelection{Pinned: true}, 10)); !slices.Equal(got, []string{"pinned"}) {
		t.Errorf("pinned are %v", got)
	}
	for table, want := range map[string]int{"runs": 1, "runs_1m": 1, "runs_errors": 1} {
		if n := count(t, s, table); n != want {
			t.Errorf("%s has %d rows, want %d", table, n, want)
		}
	}
	add("lives", 8*24*time.Hour) // it was forgotten, and begins anew
	if got := names1(s.runs(t, RunSelection{}, 10)); !slices.Equal(got, []string{"lives", "pinned"}) {
		t.Errorf("then there are %v", got)
	}
	if err := s.Pin(t.Context(), id, false); err != nil || len(s.runs(t, RunSelection{Pinned: true}, 10)) != 0 {
		t.Errorf("unpin: %v", err)
	}
}

func count(t *testing.T, s *Store, table string) (n int) {
	t.Helper()
	if err := s.read.QueryRow("SELECT count(*) FROM " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// The fifty-first pin is refused, and undoes nothing of what is appended meanwhile.
func TestPins(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for i := range maxPinned + 1 {
		l := at(time.Duration(i)*time.Second, "m")
		l.Run = fmt.Sprint("run", i)
		s.must(t, l)
	}
	for i, r := range s.runs(t, RunSelection{}, 100) {
		if err := s.Pin(t.Context(), r.ID, true); (err != nil) != (i == maxPinned) || i == maxPinned && !errors.Is(err, ErrPinned) {
			t.Errorf("pin %d: %v", i, err)
		}
	}
	if err := s.Pin(t.Context(), 999, true); !errors.Is(err, ErrPinned) {
		t.Errorf("a run that is not there: %v", err)
	}
	if n := s.stats.failed.Load(); n != 0 {
		t.Errorf("%d rows failed", n)
	}
}

// A run has at most 500 kinds of errors, and a week of minutes.
func TestRunIsBounded(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	for round := range 3 {
		var logs []event.Log
		for i := range 300 {
			l := at(time.Duration(i)*time.Hour, "it broke")
			l.Run, l.Level, l.Attrs = "r", 8, fmt.Appendf(nil, `{"error":{"type":"t%d"}}`, round*300+i)
			logs = append(logs, l)
		}
		s.must(t, logs...)
	}
	d, err := s.Run(t.Context(), s.runs(t, RunSelection{}, 1)[0].ID)
	if err != nil || len(d.Errors) != maxRunKinds || d.Run.Levels.Error != 900 {
		t.Errorf("%d kinds, %v, %v", len(d.Errors), d.Run.Levels, err)
	}
	if n := count(t, s, "runs_1m"); n != 7*24 || len(d.Bars) > runBars+1 {
		t.Errorf("%d minutes, %d bars", n, len(d.Bars))
	}
}

// A transaction that fails leaves the counts as they are in the database.
func TestRunsAfterFailure(t *testing.T) {
	s := open(t, t.TempDir(), Options{OnError: func(error) {}})
	l := at(0, "m")
	l.Run = "r"
	s.must(t, l)
	broken := errors.New("broken")
	if err := s.do(t.Context(), func(w *writer) error {
		for _, name := range []string{"r", "new"} {
			c, err := w.runs.of(w, runKey{src: 1, name: name}, noon.UnixMilli())
			if err != nil {
				return err
			}
			c.classes[2]++
		}
		return broken
	}); !errors.Is(err, broken) {
		t.Fatal(err)
	}
	l.Run = "new"
	s.must(t, l)
	for _, r := range s.runs(t, RunSelection{}, 10) {
		if r.Levels.Info != 1 {
			t.Errorf("%s has %d records", r.Name, r.Levels.Info)
		}
	}
}

// Requests by route are those of whole minutes, however long the time is: each
// once, with quantiles at most 15 % too high.
func TestRoutesAgainstSpans(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	random := rand.New(rand.NewPCG(1, 2))
	var spans []event.Span
	for i := range 3000 {
		spans = append(spans, event.Span{
			Start: noon.Add(-time.Duration(random.Int64N(int64(72 * time.Hour)))).UnixNano(), Duration: int64(math.Exp(random.NormFloat64()) * 2e7), Kind: 2,
			Source: "web", Name: "GET /", Route: []string{"GET /a", "GET /b"}[i%2], Failed: random.IntN(20) == 0, Trace: [16]byte{1, byte(i), byte(i >> 8)}, ID: [8]byte{1},
		})
	}
	if err := s.Append(t.Context(), &Batch{Spans: spans}); err != nil {
		t.Fatal(err)
	}
	to := noon.Add(-17*time.Minute - 11*time.Second)
	for _, length := range []time.Duration{15 * time.Minute, 3 * time.Hour, 6 * time.Hour, 7 * time.Hour, 24 * time.Hour, 70 * time.Hour} {
		from := to.Add(-length)
		got, err := s.Routes(t.Context(), from.UnixMilli(), to.UnixMilli())
		if err != nil || got.From != from.Truncate(time.Minute).UnixMilli() || got.To != to.UnixMilli() {
			t.Fatalf("%s: from %d to %d, %v", length, got.From, got.To, err)
		}
		whole := to.Truncate(time.Minute).Add(time.Minute)
		for _, r := range got.Routes {
			var took []int64
			failed, rate := int64(0), int64(0)
			for _, span := range spans {
				if at := time.Unix(0, span.Start); span.Route == r.Name && !at.Before(from.Truncate(time.Minute)) && at.Before(whole) {
					took = append(took, span.Duration)
					if span.Failed {
						failed++
					}
				}
			}
			slices.Sort(took)
			for _, n := range r.Rate {
				rate += n
			}
			if r.N != int64(len(took)) || r.Failed != failed || rate != r.N {
				t.Errorf("%s of %s: %d requests, %d failed, %d over time; want %d, %d", r.Name, length, r.N, r.Failed, rate, len(took), failed)
				continue
			}
			for i, q := range []float64{0.5, 0.95, 0.99} {
				exact := float64(took[int(math.Ceil(q*float64(len(took))))-1])
				if x := float64(r.Quantiles[i]); x < exact*0.999 || x > exact*1.151 {
					t.Errorf("%s of %s: quantile %g is %g, exactly %g", r.Name, length, q, x, exact)
				}
			}
		}
		if length > time.Hour && len(got.Routes) != 2 {
			t.Errorf("%s: %d routes", length, len(got.Routes))
		}
	}
}
