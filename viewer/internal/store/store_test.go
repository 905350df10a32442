package store

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

func open(t *testing.T, dir string, opts Options) *Store {
	t.Helper()
	opts.Fast = true
	opts.now = func() time.Time { return noon }
	if opts.OnError == nil {
		opts.OnError = func(err error) { t.Error(err) }
	}
	s, err := Open(dir, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func (s *Store) must(t *testing.T, logs ...event.Log) {
	t.Helper()
	if err := s.Append(t.Context(), &Batch{Logs: logs}); err != nil {
		t.Fatal(err)
	}
}

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

// at makes a record at a time after noon.
func at(d time.Duration, message string) event.Log {
	return event.Log{Time: noon.Add(d).UnixNano(), Source: "api", Message: message}
}

func messages(p Page) string {
	var list []string
	for i := range p.Records {
		list = append(list, p.Records[i].Message)
	}
	return strings.Join(list, " ")
}

func (s *Store) find(t *testing.T, sel Selection, cursor int64, limit int) Page {
	t.Helper()
	p, err := s.Scan(t.Context(), &sel, cursor, limit, false, Budget{Time: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// What is kept comes back whole, newest first, also after the store was closed.
func TestKept(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a b?c")
	s := open(t, dir, Options{})
	first := at(time.Nanosecond*1234567, "user 42 came")
	first.Attrs, first.Level, first.Trace, first.Span = []byte(`{"a":{"b":1}}`), 5, [16]byte{1}, [8]byte{2}
	s.must(t, at(2*time.Second, "late"), first, at(time.Second, ""))
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = open(t, dir, Options{})
	p := s.find(t, Selection{}, 0, 10)
	if got := messages(p); got != "late  user 42 came" || p.Next != 0 {
		t.Errorf("found %q, next %d", got, p.Next)
	}
	r := p.Records[2]
	if r.Time != first.Time || r.Level != 5 || string(r.Attrs) != `{"a":{"b":1}}` || r.Trace != first.Trace ||
		r.Span != first.Span || r.Source != "api" || r.Template != "user <*> came" {
		t.Errorf("the record came back as %+v", r)
	}
	if got, err := s.Get(t.Context(), r.ID); err != nil || got.Message != r.Message {
		t.Errorf("Get: %v, %v", got, err)
	}
}

// Pages that follow each other have every record once, whatever is asked for,
// upwards and downwards; records of one millisecond, too.
func TestPages(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	rnd := rand.New(rand.NewPCG(1, 2))
	var all []event.Log
	for i := range 5000 {
		l := at(time.Duration(rnd.IntN(3000))*time.Millisecond, fmt.Sprintf("m%d", i))
		l.Source = []string{"api", "web", "db"}[rnd.IntN(3)]
		l.Level = []int{-4, 0, 4, 8, 9, 12}[rnd.IntN(6)]
		l.Trace[0] = byte(rnd.IntN(4))
		if i%7 == 0 {
			l.Attrs = []byte(`{"seven":"yes"}`)
		}
		all = append(all, l)
	}
	for part := range slices.Chunk(all, 700) {
		s.must(t, part...)
	}
	level := func(n int) *int { return &n }
	odd := func(r *Record) bool { return len(r.Message)%2 == 1 }
	pair := []uint32{event.PairToken([]byte("seven"), []byte("yes"))}
	seven := func(r *Record) bool { return len(r.Attrs) > 0 }
	for name, sel := range map[string]Selection{
		"all": {}, "warn": {MinLevel: level(4)}, "error": {MinLevel: level(8)}, "error+1": {MinLevel: level(9)},
		"api": {Sources: []string{"api"}}, "api warn": {Sources: []string{"api"}, MinLevel: level(4)},
		"api, db": {Sources: []string{"api", "db"}}, "not api": {NotSources: []string{"api"}},
		"api, nobody": {Sources: []string{"api", "nobody"}}, "nobody": {Sources: []string{"nobody"}},
		"trace": {Trace: &[16]byte{1}}, "trace warn api": {Trace: &[16]byte{1}, MinLevel: level(4), Sources: []string{"api"}},
		"time": {From: noon.UnixMilli() + 500, To: noon.UnixMilli() + 2500}, "odd": {Match: odd}, "odd warn": {Match: odd, MinLevel: level(4)},
		"token": {Tokens: pair, Match: seven}, "token warn": {Tokens: pair, Match: seven, MinLevel: level(4), Sources: []string{"api"}},
	} {
		want := map[string]bool{}
		for i := range all {
			if sel.Matches(&Record{Log: all[i]}) {
				want[all[i].Message] = true
			}
		}
		for _, ascending := range []bool{false, true} {
			got := map[string]bool{}
			var cursor, last int64
			for {
				p, err := s.Scan(t.Context(), &sel, cursor, 97, ascending, Budget{Rows: 301, Time: time.Minute})
				if err != nil {
					t.Fatal(err)
				}
				for i := range p.Records {
					r := &p.Records[i]
					if got[r.Message] || last != 0 && (r.ID > last) != ascending {
						t.Fatalf("%s: %s is doubled or out of order", name, r.Message)
					}
					got[r.Message], last = true, r.ID
				}
				if cursor = p.Next; cursor == 0 {
					break
				}
			}
			if len(got) != len(want) {
				t.Errorf("%s, ascending %t: %d records, want %d", name, ascending, len(got), len(want))
			}
		}
	}
}

// A million rows of one millisecond are more than keys have room for: the next
// milliseconds take them.
func TestTakenKeys(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.must(t, at(0, "one"), at(0, "two"))
	s.inWriter(func(w *writer) { w.seq -= 2 }) // the keys of these come again
	many := make([]event.Log, 200)
	for i := range many {
		many[i] = at(0, "again")
	}
	s.must(t, many...)
	if p := s.find(t, Selection{}, 0, 1000); len(p.Records) != 202 {
		t.Errorf("%d records, want 202", len(p.Records))
	}
	// Where the filter looks for them, they are, too.
	sel := Selection{Tokens: event.AppendWords(nil, []byte("again")), Match: func(r *Record) bool { return r.Message == "again" }}
	if p := s.find(t, sel, 0, 1000); len(p.Records) != 200 {
		t.Errorf("the filter finds %d records, want 200", len(p.Records))
	}
}

// inWriter runs fn in the writer's goroutine.
func (s *Store) inWriter(fn func(w *writer)) error {
	j := &job{result: make(chan error, 1), do: func(w *writer) error { fn(w); return nil }}
	if err := s.enqueue([]*job{j}); err != nil {
		return err
	}
	return <-j.result
}

// What comes again by its id is kept once: in one batch, in another one, after a
// restart; with slogship's ids and with others.
func TestDoubled(t *testing.T) {
	dir := t.TempDir()
	id := func(i int) string { return fmt.Sprintf("%032x%016x", 7, i) }
	batch := func() (logs []event.Log) {
		for i := range 3000 {
			l := at(time.Duration(i)*time.Millisecond, "m")
			l.ID = id(i)
			if i%3 == 0 {
				l.ID = fmt.Sprint("uuid-", i)
			}
			logs = append(logs, l)
		}
		return append(logs, logs[5], logs[6])
	}
	s := open(t, dir, Options{})
	s.must(t, batch()[:2000]...)
	s.must(t, batch()...)
	s.Close()
	s = open(t, dir, Options{})
	s.must(t, batch()...)
	if p := s.find(t, Selection{}, 0, 10_000); len(p.Records) != 3000 {
		t.Errorf("%d records, want 3000", len(p.Records))
	}
}

// Of ids that are not numbered, the last two generations are known, in memory as
// on the disk, although nothing is old enough for retention.
func TestForgotten(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	s.inWriter(func(w *writer) { w.seen.perGen = 3000 })
	post := func(from, to int) {
		var logs []event.Log
		for i := from; i < to; i++ {
			l := at(time.Duration(i)*time.Millisecond, "m")
			l.ID = fmt.Sprint("uuid-", i)
			logs = append(logs, l)
		}
		s.must(t, logs...)
	}
	post(0, 10_000)
	s.inWriter(func(w *writer) {
		w.exec("COMMIT")
		w.retain(noon)
		var n int
		w.conn.QueryRowContext(t.Context(), "SELECT count(*) FROM seen").Scan(&n)
		if n != 4000 || len(w.seen.hashes) != 4000 {
			t.Errorf("%d ids are on the disk, %d in memory; want 4000", n, len(w.seen.hashes))
		}
		w.exec("BEGIN")
	})
	post(6000, 10_000)
	if p := s.find(t, Selection{}, 0, 20_000); len(p.Records) != 10_000 {
		t.Errorf("%d records, want 10,000", len(p.Records))
	}
}

// Whatever numbers are added in whatever order: each is new once.
func TestRanges(t *testing.T) {
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 50 {
		var r ranges
		was := map[uint64]bool{}
		for range 400 {
			n := rnd.Uint64N(200)
			var added bool
			r, added = r.add(n)
			if added == was[n] {
				t.Fatalf("%d: added %t", n, added)
			}
			was[n] = true
			if again := unpackRanges(r.pack()); !slices.Equal(again, r) {
				t.Fatalf("%v packed is %v", r, again)
			}
		}
	}
}

// A failed transaction keeps nothing, says so, and leaves a store that works.
func TestFailedTransaction(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.must(t, at(0, "before"))
	broken := errors.New("disk on fire")
	l := at(1, "lost")
	l.ID, l.Source = "x", "new"
	j := prepare([]event.Log{l})
	j.do = func(*writer) error { return broken }
	if err := s.enqueue([]*job{j}); err != nil {
		t.Fatal(err)
	}
	if err := <-j.result; !errors.Is(err, broken) {
		t.Errorf("the answer is %v", err)
	}
	s.must(t, l)
	if got := messages(s.find(t, Selection{Sources: []string{"new"}}, 0, 10)); got != "lost" {
		t.Errorf("found %q", got)
	}
	if st, _ := s.Status(t.Context()); st.Failed != 1 || !strings.Contains(st.LastError, "fire") || st.Logs != 2 {
		t.Errorf("status is %+v", st)
	}
}

// Batches of several senders that are committed together lie by time, and records of
// one time as they came.
func TestByTime(t *testing.T) {
	var jobs []*job
	for sender := range 3 {
		var logs []event.Log
		for i := range 4 {
			logs = append(logs, at(time.Duration(i/2)*time.Second, fmt.Sprint(sender, i)))
		}
		jobs = append(jobs, prepare(logs))
	}
	var got []string
	for _, r := range byTime(jobs) {
		got = append(got, r.Message)
	}
	if s := strings.Join(got, ","); s != "0 0,0 1,1 0,1 1,2 0,2 1,0 2,0 3,1 2,1 3,2 2,2 3" {
		t.Errorf("the order is %s", s)
	}
}

// A full queue refuses the batch whole; a batch larger than the queue is taken
// when nothing else waits.
func TestBusy(t *testing.T) {
	s := open(t, t.TempDir(), Options{QueueBytes: 1000})
	hold, release := make(chan bool), make(chan bool)
	go s.inWriter(func(*writer) { hold <- true; <-release })
	<-hold
	long := at(0, strings.Repeat("x", 5000))
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := s.Append(context.Background(), &Batch{Logs: []event.Log{long}}); err != nil {
			t.Error(err)
		}
	})
	for s.queued.Load() == 0 {
		time.Sleep(time.Millisecond) // until the goroutine above is there
	}
	if err := s.Append(t.Context(), &Batch{Logs: []event.Log{at(0, "x")}}); !errors.Is(err, ErrBusy) {
		t.Errorf("the answer is %v", err)
	}
	release <- true
	wg.Wait()
	s.must(t, at(0, "y"))
	s.Close()
	if err := s.Append(t.Context(), &Batch{Logs: []event.Log{long}}); !errors.Is(err, ErrClosed) {
		t.Errorf("after Close: %v", err)
	}
}

// A full disk is an error in words; nothing is acknowledged that was not kept, and
// what is sent again once there is room is kept once.
func TestDiskFull(t *testing.T) {
	s := open(t, t.TempDir(), Options{})
	s.must(t, at(0, "before"))
	s.inWriter(func(w *writer) {
		if rows, err := w.Query("PRAGMA max_page_count = 60"); err == nil {
			rows.Close()
		}
	})
	var logs []event.Log
	for i := range 5000 {
		l := at(time.Duration(i), strings.Repeat("x", 200))
		l.ID = fmt.Sprintf("%032x%016x", 7, i)
		logs = append(logs, l)
	}
	err := s.Append(t.Context(), &Batch{Logs: logs})
	if err == nil || !strings.Contains(err.Error(), "full") {
		t.Fatalf("the answer is %v", err)
	}
	if p := s.find(t, Selection{}, 0, 10); messages(p) != "before" {
		t.Errorf("%d records are there", len(p.Records))
	}
	s.inWriter(func(w *writer) {
		if rows, err := w.Query("PRAGMA max_page_count = 1000000"); err == nil {
			rows.Close()
		}
	})
	s.must(t, logs...)
	s.must(t, logs...)
	if p := s.find(t, Selection{}, 0, 10_000); len(p.Records) != 5001 {
		t.Errorf("%d records, want 5001", len(p.Records))
	}
}

// A file that is no database, and a directory in use, are errors in words; the file
// is left as it is.
func TestCannotOpen(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "viewer.db")
	garbage := []byte(strings.Repeat("not a database. ", 1000))
	if err := os.WriteFile(file, garbage, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "not a database") {
		t.Errorf("garbage: %v", err)
	}
	if b, err := os.ReadFile(file); err != nil || !bytes.Equal(b, garbage) {
		t.Errorf("the file was changed: %v", err)
	}
	dir = t.TempDir()
	open(t, dir, Options{})
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "in use") {
		t.Errorf("opened twice: %v", err)
	}
}
