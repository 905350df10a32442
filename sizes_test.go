package slogship

import (
	"math"
	"testing"
	"time"
)

// A size that is refused is halved, and from one that is taken it goes up until it is
// within a quarter of the one that was refused: no further, before ten minutes.
func TestSizesComeClose(t *testing.T) {
	var s sizes
	now := time.Unix(1e9, 0)
	const most = 1 << 20
	try := func(size, limit int) {
		if size > limit {
			s.refused(size, size/2, now)
		} else {
			s.taken(size, most, now)
		}
	}
	want := func(step string, limit int) {
		t.Helper()
		if got := s.limit(); got != limit {
			t.Fatalf("%s: the limit is %d, want %d", step, got, limit)
		}
	}
	want("at first", math.MaxInt)
	try(1000, 700)
	want("refused", 500)
	try(250, 700)
	want("a small one", 500)
	try(500, 700)
	want("taken", 750)
	try(750, 700)
	want("refused again", 500) // rather than 375: that was taken
	try(500, 700)
	want("taken again", 625)
	for range 10 {
		try(s.limit(), 700)
		want("within a quarter", 625)
	}
	now = now.Add(probeLarger - 1)
	try(625, 700)
	want("just before ten minutes", 625)
	now = now.Add(1)
	try(625, most)
	want("after ten minutes", 1250)
	try(1250, most)
	want("doubled", 2500)
	for range 9 {
		try(s.limit(), most)
	}
	want("all that is wanted", math.MaxInt)
}
