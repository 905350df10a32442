package spool

import (
	"context"
	"slices"
	"testing"
)

// What one process wrote and did not settle, the next one reads, in order, once.
func TestReplay(t *testing.T) {
	dir := t.TempDir()
	s := mustOpen(t, Options{Dir: dir, MaxBytes: 4 << 20})
	if s.Next() != 1 {
		t.Fatalf("Next is %d", s.Next())
	}
	mustAppend(t, s, 1, 5000)
	if err := s.WaitDurable(context.Background(), 5000); err != nil {
		t.Fatal(err)
	}
	s.Settle(1, 100)
	s.Settle(200, 299)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	prefix := s.Prefix()

	s = mustOpen(t, Options{Dir: dir, MaxBytes: 4 << 20})
	if s.Next() != 5001 || s.Stats().Recovered != 4800 || s.Stats().Spooled != 4800 {
		t.Fatalf("Next %d, %+v", s.Next(), s.Stats())
	}
	var p Page
	if err := s.Read(&p); err != nil || p.Prefix != prefix {
		t.Fatal(err, p.Prefix)
	}
	got := append(checkPage(t, &p), readAll(t, s)...)
	if want := append(rangeOf(101, 199), rangeOf(300, 5000)...); !slices.Equal(got, want) {
		t.Fatalf("got %d records, want %d", len(got), len(want))
	}
	if st := s.Stats(); st.Spooled != 0 || st.Lost.Total() != 0 {
		t.Fatalf("%+v", st)
	}
	s.Settle(1, 5000)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	s = mustOpen(t, Options{Dir: dir, MaxBytes: 4 << 20})
	if st := s.Stats(); st.Segments != 0 || st.Recovered != 0 || s.Next() != 5001 {
		t.Fatalf("%+v", st)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
