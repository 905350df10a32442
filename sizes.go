package slogship

import (
	"math"
	"time"
)

// probeLarger is how long a size that the server refused is not tried again.
const probeLarger = 10 * time.Minute

// sizes is what 413 has taught about the size of requests, in bytes of records.
//
// A size that is refused is halved. From a size that is taken it goes half the
// way to the one that was refused, until they are within a quarter of each
// other. Ten minutes after the last refusal that one is forgotten: the size is
// doubled with each request that is taken, until the next refusal.
type sizes struct {
	good int // of the next request; 0 is no limit
	took int // the largest that was taken
	bad  int // the smallest that was refused; 0 if that is forgotten
	at   time.Time
}

func (s *sizes) limit() int {
	if s.good == 0 {
		return math.MaxInt
	}
	return s.good
}

// refused notes that a request was refused for its size; half is the size of
// half of its records.
func (s *sizes) refused(size, half int, now time.Time) {
	if s.took >= size {
		s.took = 0 // once it did
	}
	s.good, s.bad, s.at = max(half, s.took), size, now
}

// taken notes that a request was taken. At most bytes or above, the limit is
// removed.
func (s *sizes) taken(size, most int, now time.Time) {
	if s.good == 0 {
		return
	}
	s.took = max(s.took, size)
	if 2*size <= s.good { // there was not more to send
		return
	}
	if s.bad > 0 && now.Sub(s.at) >= probeLarger {
		s.bad, s.at = 0, now
	}
	switch {
	case s.bad == 0:
		s.good *= 2
	case s.bad-s.good > s.good/4:
		s.good = (s.good + s.bad) / 2
	}
	if s.good >= most {
		*s = sizes{}
	}
}
