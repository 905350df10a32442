package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// troubles are the errors that OnError was called with.
type troubles struct {
	mu   sync.Mutex // guards errs
	errs []error
}

func (t *troubles) add(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.errs = append(t.errs, err)
}

func (t *troubles) all() []error {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.errs
}

// report is what is known at the end.
type report struct {
	stats      slogship.Stats
	unbalanced error // the first snapshot of Stats that did not balance
	closeErr   error // of the handler's Close
	troubles   []error
	costs      [phases]cost

	sent     []int // requests by client
	failed   error // why a client gave up
	arrived  []slogshiptest.Record
	repeated int // records that the receiver was sent again

	interrupted bool // the plan was not carried out to its end
}

// readNext is the file that shows how a handler is made.
const readNext = "examples/quickstart/main.go"

// print prints the table and the checks, and reports whether all of these hold.
func (r *report) print(out *screen) (ok bool) {
	var text strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&text, format+"\n", args...) }

	st := &r.stats
	line("")
	line("accepted    %9d", st.Accepted)
	line("delivered   %9d", st.Delivered)
	line("dropped     %9d  by reason: %v", st.Dropped.Total(), st.Dropped)
	line("batches     %9d", st.Batches)
	line("retries     %9d", st.Retries)
	line("bytes sent  %9d  before compression", st.BytesEncoded)
	line("            %9d  after it", st.BytesSent)
	line("")
	line("log calls    number       p50       p99")
	for p, c := range r.costs {
		line("  %-7s %9d %9v %9v", phase(p), c.calls, round(c.p50), round(c.p99))
	}
	line("")
	if raw := r.shipped(); raw != "" {
		line("a record as it was shipped (its batch in gzip):")
		line("%s", raw)
		line("")
	}
	ok = true
	for _, c := range r.checks() {
		if c.err != nil {
			ok = false
			line("FAILED  %s: %v", c.name, c.err)
		} else {
			line("ok      %s", c.name)
		}
	}
	line("")
	if r.interrupted {
		line("interrupted: the rest of the plan was left out")
	}
	line("read next: %s, which shows how the handler is made", readNext)
	out.write(text.String())
	return ok
}

// shipped is the last record that arrived, as it was sent, with indentation.
func (r *report) shipped() string {
	if len(r.arrived) == 0 {
		return ""
	}
	var text bytes.Buffer
	const margin = "  "
	if json.Indent(&text, r.arrived[len(r.arrived)-1].Raw, margin, "  ") != nil {
		return ""
	}
	return margin + text.String()
}

func round(d time.Duration) time.Duration { return d.Round(100 * time.Nanosecond) }

// check is something that must hold, and why it does not.
type check struct {
	name string
	err  error
}

func (r *report) checks() []check {
	order, once := r.sequences()
	checks := []check{
		{"every request was served, outage or not", r.failed},
		{"everything was delivered", r.delivered()},
		{"accepted = delivered + dropped + held, all the time", r.unbalanced},
		{"each client's requests arrived in order", order},
		{"no record arrived twice", once},
	}
	if !r.interrupted { // or there may have been no outage yet
		checks = append(checks, check{"OnError saw one failure and one recovery", r.oneTrouble()})
	}
	return checks
}

func (r *report) delivered() error {
	want := 0
	for _, n := range r.sent {
		want += n
	}
	st := &r.stats
	switch {
	case r.closeErr != nil:
		return r.closeErr
	case st.Accepted != int64(want) || st.Delivered != st.Accepted || len(r.arrived) != want:
		return fmt.Errorf("of %d requests %d were accepted and %d delivered, and %d have arrived",
			want, st.Accepted, st.Delivered, len(r.arrived))
	}
	return nil
}

// sequences goes through what arrived. The numbers of each client's requests
// must rise one by one from 1. The ids must rise over all clients, because they
// count the records in the order in which they were accepted.
func (r *report) sequences() (order, once error) {
	if r.repeated > 0 {
		once = fmt.Errorf("%d did", r.repeated)
	}
	last := make([]int, len(r.sent))
	lastID := ""
	seen := make(map[string]bool, len(r.arrived))
	for _, rec := range r.arrived {
		if once == nil && seen[rec.ID] {
			once = fmt.Errorf("the one with the id %s did", rec.ID)
		}
		seen[rec.ID] = true

		id, _ := rec.Attrs["request_id"].(string)
		i, n, err := parseRequestID(id)
		switch {
		case order != nil:
		case err != nil || i < 0 || i >= len(last):
			order = fmt.Errorf("a record has the request_id %q", id)
		case n != last[i]+1:
			order = fmt.Errorf("request %d of client %d came after its request %d", n, i, last[i])
		case rec.ID <= lastID:
			order = fmt.Errorf("the id %s came after %s", rec.ID, lastID)
		default:
			last[i], lastID = n, rec.ID
		}
	}
	for i := range last {
		if order == nil && last[i] != r.sent[i] {
			order = fmt.Errorf("client %d sent %d requests, the last to arrive was %d", i, r.sent[i], last[i])
		}
	}
	return order, once
}

func (r *report) oneTrouble() error {
	failures, recoveries := 0, 0
	for _, err := range r.troubles {
		if errors.Is(err, slogship.ErrRecovered) {
			recoveries++
		} else {
			failures++
		}
	}
	if failures != 1 || recoveries != 1 {
		return fmt.Errorf("it saw %d and %d", failures, recoveries)
	}
	return nil
}
