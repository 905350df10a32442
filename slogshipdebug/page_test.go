package slogshipdebug

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
)

// What delivery does is said in a sentence, and why.
func TestState(t *testing.T) {
	now := time.Now()
	failing := func(s slogship.Stats) slogship.Stats {
		s.LastError, s.FailingSince, s.Pending = errors.New("503"), now.Add(-90*time.Second), 1
		return s
	}
	for _, c := range []struct {
		s    slogship.Stats
		want state
	}{
		{slogship.Stats{}, state{"idle", "Nothing has been logged yet", ""}},
		{slogship.Stats{Accepted: 1, InFlight: 1}, state{"idle", "Nothing has been delivered yet", ""}},
		{slogship.Stats{LastSuccess: now}, state{"works", "Delivery works", "Nothing waits."}},
		{slogship.Stats{LastSuccess: now, Spooled: 1}, state{"works", "Delivery works", "What waits is for the next batch, or under way."}},
		{failing(slogship.Stats{}), state{"failing", "Delivery has been failing for 1m30s", "503"}},
		{
			failing(slogship.Stats{NextAttempt: now.Add(1500 * time.Millisecond)}),
			state{"failing", "Delivery has been failing for 1m30s", "503\nThe next attempt is in 1.5s."},
		},
		{
			failing(slogship.Stats{NextAttempt: now, Sending: 1}),
			state{"failing", "Delivery has been failing for 1m30s", "503\nAn attempt is under way."},
		},
	} {
		if got := stateOf(c.s, now); got != c.want {
			t.Errorf("%v: %q, want %q", c.s, got, c.want)
		}
	}
}

// A row for the disk is there if something is on it.
func TestWaitingOnDisk(t *testing.T) {
	disk := func(r row) bool { return strings.HasPrefix(r.Name, "On disk") }
	if slices.ContainsFunc(waiting(slogship.Stats{}), disk) || !slices.ContainsFunc(waiting(slogship.Stats{Spooled: 1}), disk) {
		t.Error(waiting(slogship.Stats{}), waiting(slogship.Stats{Spooled: 1}))
	}
}

// A label's value is escaped as the text format asks, and valid UTF-8.
func TestEscaped(t *testing.T) {
	if got, want := escaped("a\"b\\c\nd\xff"), `a\"b\\c\nd`+"\uFFFD"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

func TestCountAndSpan(t *testing.T) {
	for n, want := range map[int64]string{0: "0", 999: "999", 1000: "1,000", 123456: "123,456", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("count(%d) is %q, want %q", n, got, want)
		}
	}
	for d, want := range map[time.Duration]string{
		-time.Second: "0s", 1500 * time.Microsecond: "2ms", 1234 * time.Millisecond: "1.2s", 61*time.Minute + 500*time.Microsecond: "1h1m0s",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%d) is %q, want %q", d, got, want)
		}
	}
}
