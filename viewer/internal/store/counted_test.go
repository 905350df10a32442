package store

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

// The histogram from rollups, by minute and by hour, and the one from the records
// say the same as counting does.
func TestHistogram(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	var logs []event.Log
	for i := range 4000 {
		l := at(time.Duration(i)*5*time.Second, "m")
		l.Level = []int{-4, 0, 4, 8}[i%4]
		l.Source = []string{"api", "web"}[i%2]
		logs = append(logs, l)
	}
	s.must(t, logs...)
	warn := 4
	for name, c := range map[string]struct {
		sel   Selection
		bars  int
		exact bool
		total int64
	}{
		"all, minutes":  {Selection{}, 300, true, 4000},
		"all, hours":    {Selection{}, 6, true, 4000},
		"warn":          {Selection{MinLevel: &warn}, 100, true, 2000},
		"warn of api":   {Selection{MinLevel: &warn, Sources: []string{"api"}}, 100, true, 1000},
		"not api":       {Selection{NotSources: []string{"api"}}, 100, true, 2000},
		"by the record": {Selection{Match: func(r *Record) bool { return r.Level == 8 }}, 100, true, 1000},
		"one minute":    {Selection{From: noon.UnixMilli(), To: noon.Add(time.Minute).UnixMilli()}, 60, true, 12},
	} {
		h, err := s.Histogram(t.Context(), &c.sel, c.bars, Budget{Time: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		var total int64
		for _, bar := range h.Bars {
			for _, n := range bar {
				total += n
			}
		}
		if total != c.total || h.Exact != c.exact || len(h.Bars) > 2*c.bars+1 {
			t.Errorf("%s: %d in %d bars, exact %t; want %d, %t", name, total, len(h.Bars), h.Exact, c.total, c.exact)
		}
	}
	// A budget that is used up says so, and up to where.
	h, err := s.Histogram(t.Context(), &Selection{Match: func(*Record) bool { return true }}, 100, Budget{Rows: 100})
	if err != nil || h.Exact || h.Seen == 0 {
		t.Errorf("exact %t, seen %d, %v", h.Exact, h.Seen, err)
	}
}

// A search by tokens looks at the rows of few blocks only, also after a restart
// in the middle of a block, and finds each record that has them.
func TestTokenFilter(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	n := 0
	add := func(rows, each int) {
		for range rows / each {
			var logs []event.Log
			for range each {
				logs = append(logs, at(time.Duration(n)*time.Millisecond, fmt.Sprintf("request number%d", n)))
				n++
			}
			s.must(t, logs...)
		}
	}
	add(20_000, 5000)
	add(700, 7)
	s.Close()
	s = open(t, dir, Options{})
	add(3000, 100)
	for _, i := range []int{0, 1023, 1024, 19_999, 20_000, 20_500, 20_700, 21_600, 23_699} {
		word := fmt.Sprintf("number%d", i)
		sel := Selection{Tokens: event.AppendWords(nil, []byte("request "+word)), Match: func(r *Record) bool { return r.Message == "request "+word }}
		p := s.find(t, sel, 0, 10)
		if len(p.Records) != 1 || p.Scanned > 2*blockRows {
			t.Errorf("%s: %d found, %d rows looked at", word, len(p.Records), p.Scanned)
		}
	}
}

// Of filters with thirteen bits a token, one in 300 lets a strange token pass at most.
func TestBloom(t *testing.T) {
	var in []uint32
	for i := range 400 {
		in = append(in, event.PairToken([]byte("in"), fmt.Append(nil, i)))
	}
	bits := bloom(in)
	for _, token := range in {
		if !bloomHas(bits, token) {
			t.Fatal("a token is missing")
		}
	}
	wrong := 0
	for i := range 30_000 {
		if bloomHas(bits, event.PairToken([]byte("out"), fmt.Append(nil, i))) {
			wrong++
		}
	}
	if wrong > 100 {
		t.Errorf("%d of 30,000 strange tokens pass", wrong)
	}
}

// What is older than MaxAge goes, in steps, with its counts, filters and groups;
// what is younger stays, and the space is given back.
func TestRetentionByAge(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxAge: 24 * time.Hour})
	var logs []event.Log
	for i := range 12_000 {
		l := at(time.Duration(i-6000)*time.Second, fmt.Sprintf("m %d with some text to fill pages", i))
		l.Level = 8
		logs = append(logs, l)
	}
	s.must(t, logs...)
	before, _ := s.Status(t.Context())
	s.inWriter(func(w *writer) { w.exec("COMMIT"); w.retain(noon.Add(24 * time.Hour)); w.exec("BEGIN") })
	st, err := s.Status(t.Context())
	if err != nil || st.Logs > 6000+3600 || st.Expired != 6000 || st.Oldest != noon.UnixMilli() {
		t.Errorf("status is %+v, %v", st, err)
	}
	h, err := s.Histogram(t.Context(), &Selection{}, 200, Budget{Time: time.Minute})
	if err != nil || h.Class[event.Error] != 6000 {
		t.Errorf("the histogram counts %d, %v", h.Class, err)
	}
	s.inWriter(func(w *writer) { w.exec("COMMIT"); w.retain(noon.Add(240 * time.Hour)); w.exec("BEGIN") })
	if p := s.find(t, Selection{}, 0, 10); len(p.Records) != 0 {
		t.Errorf("%d records left", len(p.Records))
	}
	groups, err := s.Groups(t.Context(), false, 0, 10, noon)
	if err != nil || len(groups) != 0 {
		t.Errorf("groups left: %v, %v", groups, err)
	}
	s.Close() // the log goes into the file
	if info, err := os.Stat(filepath.Join(filepath.Dir(s.path), "viewer.db")); err != nil || info.Size() > before.Bytes/2 {
		t.Errorf("%d bytes of %d left, %v", info.Size(), before.Bytes, err)
	}
}

// Above MaxBytes the oldest go, until it fits.
func TestRetentionBySize(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxBytes: 3 << 20, MaxAge: 1000 * 24 * time.Hour})
	for part := range 10 {
		var logs []event.Log
		for i := range 3000 {
			logs = append(logs, at(time.Duration(part*3000+i)*100*time.Millisecond, fmt.Sprintf("%0200d", i)))
		}
		s.must(t, logs...)
	}
	s.inWriter(func(w *writer) { w.exec("COMMIT"); w.retain(noon); w.exec("BEGIN") })
	var size int64
	s.inWriter(func(w *writer) { size, _ = w.used() })
	p := s.find(t, Selection{}, 0, 1)
	if size > 3<<20 || size < 1<<20 || len(p.Records) != 1 || p.Records[0].Time != noon.Add(29_999*100*time.Millisecond).UnixNano() {
		t.Errorf("%d bytes are left, the newest is %v", size, p.Records)
	}
}

// Where there is always somebody who waits, each commit deletes as much as it adds.
func TestRetentionKeepsUp(t *testing.T) {
	s := open(t, t.TempDir(), Options{MaxAge: time.Hour})
	var logs []event.Log
	for i := range 9000 {
		logs = append(logs, at(time.Duration(i)*time.Millisecond, "old"))
	}
	s.must(t, logs...)
	s.inWriter(func(w *writer) {
		w.exec("COMMIT")
		w.keepUp(3000, noon.Add(2*time.Hour)) // nothing is known to be overdue
		w.overdue = true
		w.keepUp(3000, noon.Add(2*time.Hour))
		w.exec("BEGIN")
	})
	if st, _ := s.Status(t.Context()); st.Expired != 4000 {
		t.Errorf("%d rows were deleted, want 4000", st.Expired)
	}
}

// Errors are grouped by source, type and template; a resolved group that comes
// back is open again.
func TestGroups(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	fail := func(d time.Duration, n int, kind string) event.Log {
		l := at(d, fmt.Sprintf("order %d failed", n))
		l.Level, l.Attrs = 8, []byte(fmt.Sprintf(`{"exception":{"type":%q}}`, kind))
		return l
	}
	s.must(t, fail(0, 1, "E"), fail(time.Minute, 2, "E"), fail(2*time.Minute, 3, "F"), at(3*time.Minute, "order 4 failed"))
	groups := func(resolved bool) []Group {
		t.Helper()
		list, err := s.Groups(t.Context(), resolved, 0, 10, noon.Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	list := groups(false)
	if len(list) != 2 || list[1].N != 2 || list[1].Type != "E" || list[1].Template != "order <*> failed" || list[1].Hours[22] != 2 ||
		list[1].First != noon.UnixMilli() || list[1].Last != noon.Add(time.Minute).UnixMilli() {
		t.Fatalf("groups are %+v", list)
	}
	if r, err := s.Get(t.Context(), list[1].Sample); err != nil || r.Message != "order 2 failed" {
		t.Errorf("the sample is %v, %v", r, err)
	}
	if err := s.Resolve(t.Context(), list[1].ID, true, noon.Add(5*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if len(groups(false)) != 1 || len(groups(true)) != 1 {
		t.Error("it is not resolved")
	}
	s.must(t, fail(4*time.Minute, 7, "E")) // late, from before
	if len(groups(true)) != 1 {
		t.Error("a late record opened it")
	}
	s.must(t, fail(6*time.Minute, 8, "E"))
	if list := groups(false); len(list) != 2 || list[0].Reopened == 0 || list[0].N != 4 {
		t.Errorf("groups are %+v", list)
	}
}

// Traces are listed by their entries, by name, source and failure; a trace has its
// spans; requests are summed up by route; a span that comes again is kept once.
func TestTraces(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	var spans []event.Span
	for i := range 300 {
		root := event.Span{
			Start: noon.Add(time.Duration(i) * time.Second).UnixNano(), Duration: int64(i+1) * 1e6, Source: "web", Name: fmt.Sprint("GET /", i%3),
			Route: fmt.Sprint("GET /", i%3), Kind: 2, Failed: i%10 == 0, Trace: [16]byte{1, byte(i), byte(i >> 8)}, ID: [8]byte{1},
		}
		child := root
		child.ID, child.Parent, child.Kind, child.Name, child.Route, child.Source = [8]byte{2}, [8]byte{1}, 1, "query", "", "db"
		spans = append(spans, root, child)
	}
	for range 2 {
		if err := s.Append(t.Context(), &Batch{Spans: spans}); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		sel  TraceSelection
		want int
	}{
		"all": {TraceSelection{}, 300}, "name": {TraceSelection{Name: "GET /1"}, 100}, "part": {TraceSelection{Name: "get"}, 300},
		"nothing": {TraceSelection{Name: "POST"}, 0}, "source": {TraceSelection{Source: "web"}, 300}, "failed": {TraceSelection{Failed: true}, 30},
		"name and source": {TraceSelection{Name: "GET /1", Source: "web"}, 100}, "name of another source": {TraceSelection{Name: "GET /1", Source: "db"}, 0},
		"names and source": {TraceSelection{Name: "get", Source: "web"}, 300},
		"slow":             {TraceSelection{MinTook: 251 * time.Millisecond}, 50}, "time": {TraceSelection{From: noon.Add(time.Minute).UnixMilli()}, 240},
	} {
		got := 0
		for cursor := int64(0); ; {
			list, next, err := s.Traces(t.Context(), c.sel, cursor, 37, Budget{Time: time.Minute})
			if err != nil {
				t.Fatal(err)
			}
			got += len(list)
			if cursor = next; next == 0 {
				break
			}
		}
		if got != c.want {
			t.Errorf("%s: %d traces, want %d", name, got, c.want)
		}
	}
	if list, err := s.Trace(t.Context(), [16]byte{1, 7}); err != nil || len(list) != 2 {
		t.Errorf("the trace has %d spans, %v", len(list), err)
	}
	routes, err := s.Routes(t.Context(), noon.UnixMilli(), noon.Add(5*time.Minute).UnixMilli())
	list := routes.Routes
	if err != nil || len(list) != 3 || list[0].N != 100 || list[0].Failed != 10 {
		t.Fatalf("routes are %+v, %v", list, err)
	}
	if q := list[0].Quantiles; q[0] < 140e6 || q[0] > 180e6 || q[2] < 280e6 || q[2] > 360e6 {
		t.Errorf("the quantiles are %v", q)
	}
}

// A subscriber hears what was committed, and how much it missed.
func TestSubscribe(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	sub := s.Subscribe()
	s.must(t, at(0, "one"))
	if got := <-sub.C; len(got) != 1 || got[0].Message != "one" || got[0].ID == 0 {
		t.Errorf("heard %v", got)
	}
	for range cap(sub.C) + 3 {
		s.must(t, at(0, "more"))
	}
	if n := sub.Dropped(); n != 3 {
		t.Errorf("%d dropped, want 3", n)
	}
	sub.Close()
	for range sub.C {
	}
	s.Close()
	if _, ok := <-s.Subscribe().C; ok {
		t.Error("a closed store has news")
	}
}
