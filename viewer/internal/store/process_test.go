package store

import (
	"fmt"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

func reportAt(d time.Duration, cpu float64, memory int) event.Log {
	l := at(d, processMessage)
	l.Run = "r"
	l.Attrs = fmt.Appendf(nil, `{"app":1,"process":{"run":"own","interval_ms":5000,"cpu":%g,"cpus":4,"memory":%d,"heap":10,"goroutines":7,"allocated":1,"gcs":2,"pause_ns":300}}`, cpu, memory)
	return l
}

// What the agent reports is kept as numbers and not as a record: by the second for
// a short time, by the minute for a long one, in at most 240 points.
func TestProcess(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	var logs []event.Log
	for i := range 7200 { // ten hours
		logs = append(logs, reportAt(time.Duration(i-7200)*5*time.Second, float64(i%2), i))
	}
	s.must(t, logs...)
	if got := s.find(t, Selection{}, 0, 10); len(got.Records) != 0 {
		t.Errorf("reports are in the list: %v", messages(got))
	}
	for _, c := range []struct {
		length, step time.Duration
	}{{15 * time.Minute, 10 * time.Second}, {5 * time.Hour, 75 * time.Second}, {10 * time.Hour, 3 * time.Minute}} {
		from := noon.Add(-c.length)
		list, err := s.Processes(t.Context(), 0, from.UnixMilli(), noon.UnixMilli())
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		p := list[0]
		if p.Step != c.step.Milliseconds() || len(p.Points) > maxPoints+1 || len(p.Points) < int(c.length/c.step)-1 || p.CPUs != 4 || p.Run.Name != "r" {
			t.Errorf("%s: %d points of %d ms", c.length, len(p.Points), p.Step)
		}
		each := c.step.Milliseconds() / 5000
		one := p.Points[5]
		if one.CPU < 0.4 || one.CPU > 0.6 || one.Heap != 10 || one.Goroutines != 7 || one.GCs != 2*each || one.Pause != 300 || one.At != p.Points[4].At+1 ||
			one.Memory != p.Points[4].Memory+each {
			t.Errorf("%s: point %+v after %+v", c.length, one, p.Points[4])
		}
	}
	if r := s.runs(t, RunSelection{}, 1)[0]; r.Levels != (Levels{}) || r.Sampled != noon.Add(-5*time.Second).UnixMilli() {
		t.Errorf("the run is %+v", r)
	}
	if list, err := s.Processes(t.Context(), 0, noon.UnixMilli(), noon.Add(time.Hour).UnixMilli()); err != nil || len(list) != 0 {
		t.Errorf("afterwards there are %v, %v", list, err)
	}
}

// Reports of one second become one: the average of CPU, the highest of memory.
func TestReportsOfOneSecond(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.must(t, reportAt(0, 1, 5), reportAt(300*time.Millisecond, 5, 9), reportAt(600*time.Millisecond, 0, 7))
	list, err := s.Processes(t.Context(), 0, noon.Add(-time.Minute).UnixMilli(), noon.Add(time.Minute).UnixMilli())
	if err != nil || len(list) != 1 || len(list[0].Points) != 1 || count(t, s, "process") != 1 || count(t, s, "process_1m") != 1 {
		t.Fatalf("%+v, %v", list, err)
	}
	if p := list[0].Points[0]; p.CPU != 2 || p.Memory != 9 || p.GCs != 6 {
		t.Errorf("the point is %+v", p)
	}
}

// Reports go by age: those by the second after a day.
func TestProcessRetention(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.must(t, reportAt(-8*24*time.Hour, 1, 1), reportAt(-26*time.Hour, 1, 1), reportAt(-time.Hour, 1, 1), func() event.Log {
		l := at(-8*24*time.Hour, lossMessage)
		l.Attrs = []byte(`{"lost":1}`)
		return l
	}())
	retained(t, s)
	if a, b, c := count(t, s, "process"), count(t, s, "process_1m"), count(t, s, "losses"); a != 1 || b != 2 || c != 0 {
		t.Errorf("%d by second, %d by minute, %d losses", a, b, c)
	}
}

// retained waits until the writer has looked after retention once.
func retained(t *testing.T, s *Store) {
	t.Helper()
	for start := time.Now(); count(t, s, "process")+count(t, s, "losses") > 1 && time.Since(start) < time.Minute; {
		time.Sleep(10 * time.Millisecond)
	}
}

// A record that only has the message stays a record; a report without a run is of
// the process that it names; what makes no sense is not believed.
func TestReadReport(t *testing.T) {
	for attrs, want := range map[string]*report{
		``:                                       nil,
		`{"cpu":1}`:                              nil,
		`{"process":{"memory":1}}`:               nil,
		`{"process":{"cpu":-1}}`:                 nil,
		`{"process":{"cpu":"NaN"}}`:              nil,
		`{"process":{"cpu":1e300}}`:              nil,
		`{"subprocess":{"cpu":1}}`:               nil,
		`{"process":{"cpu":0.5,"gcs":3}}`:        {cpu: 0.5, gcs: 3},
		`{"g":{"process":{"cpu":1,"run":"x"}}}`:  {cpu: 1, run: "x"},
		`{"process.cpu":"2","process.heap":"9"}`: {cpu: 2, heap: 9},
	} {
		got := readReport([]byte(attrs))
		if (got == nil) != (want == nil) || got != nil && *got != *want {
			t.Errorf("%s: %+v", attrs, got)
		}
	}
	s := open(t, t.TempDir(), Options{})
	l := reportAt(0, 1, 1)
	l.Run = ""
	plain := at(0, processMessage)
	s.must(t, l, plain)
	if got := names1(s.runs(t, RunSelection{}, 10)); len(got) != 1 || got[0] != "own" {
		t.Errorf("the runs are %v", got)
	}
	if got := messages(s.find(t, Selection{}, 0, 10)); got != processMessage {
		t.Errorf("the records are %q", got)
	}
}

// A loss is found by its time and source, with its reasons.
func TestLosses(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	lost := func(d time.Duration, source, attrs string) event.Log {
		l := at(d, lossMessage)
		l.Level, l.Source, l.Attrs = 4, source, []byte(attrs)
		return l
	}
	s.must(t, lost(10*time.Minute, "api", `{"lost":12,"dropped":{"overflow":10,"rejected":2},"from":"2026-05-04T12:03:00.5Z","to":"2026-05-04T12:05:00Z"}`),
		lost(20*time.Minute, "web", fmt.Sprintf(`{"lost":"5","dropped":{"stale":5},"from":%d,"to":"%d"}`, noon.Add(15*time.Minute).UnixNano(), noon.Add(16*time.Minute).UnixNano())),
		lost(30*time.Minute, "web", `{"lost":1}`), lost(31*time.Minute, "web", `{"dropped":{"overflow":1}}`), lost(32*time.Minute, "web", `{"lost":-4}`),
		lost(50*time.Minute, "clock", `{"lost":2,"from":"2026-05-04T12:49:00Z","to":"2026-05-04T12:48:00Z"}`))
	minutes := func(from, to int) *Selection {
		return &Selection{From: noon.Add(time.Duration(from) * time.Minute).UnixMilli(), To: noon.Add(time.Duration(to) * time.Minute).UnixMilli()}
	}
	for name, c := range map[string]struct {
		sel  *Selection
		want string
	}{
		"all": {&Selection{}, "12 5 1 2"}, "a clock that was set back": {minutes(48, 49), "2"}, "before": {minutes(0, 3), ""}, "begins within": {minutes(0, 4), "12"}, "inside": {minutes(4, 4), "12"},
		"ends within": {minutes(5, 6), "12"}, "between": {minutes(6, 15), ""}, "later": {minutes(15, 40), "5 1"},
		"by source": {&Selection{Sources: []string{"web"}}, "5 1"}, "but": {&Selection{NotSources: []string{"web", "clock"}}, "12"}, "nobody's": {&Selection{Sources: []string{"x"}}, ""},
	} {
		list, err := s.Losses(t.Context(), c.sel)
		got := ""
		for i, l := range list {
			if i > 0 {
				got += " "
			}
			got += fmt.Sprint(l.N)
		}
		if err != nil || got != c.want {
			t.Errorf("%s: %q, want %q; %v", name, got, c.want, err)
		}
	}
	list, _ := s.Losses(t.Context(), &Selection{})
	if l := list[0]; l.From != noon.Add(3*time.Minute+500*time.Millisecond).UnixMilli() || l.To != noon.Add(5*time.Minute).UnixMilli() || l.Source != "api" ||
		len(l.Why) != 2 || l.Why["overflow"] != 10 || l.Why["rejected"] != 2 {
		t.Errorf("the loss is %+v", l)
	}
	if l := list[3]; l.From != l.To {
		t.Errorf("a loss that ends before it begins is %+v", l)
	}
	if l := list[2]; l.From != noon.Add(30*time.Minute).UnixMilli() || l.To != l.From {
		t.Errorf("a loss without a time is %+v", l)
	}
	if r, err := s.Get(t.Context(), list[0].ID); err != nil || r == nil || r.Message != lossMessage {
		t.Errorf("its record is %v, %v", r, err)
	}
}
