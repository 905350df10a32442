package slogship

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"
)

// A million records from 16 goroutines, to a backend that fails every third
// request: before it takes anything, or after it took everything and without
// saying so. A backend that keeps one copy for each id ends with every record
// once, and with those of each goroutine in the order in which it logged them.
func TestMillionRecordsInOrder(t *testing.T) {
	t.Parallel()
	const goroutines = 16
	total := 1_000_000
	if raceDetector || testing.Short() {
		total = 100_000
	}
	backend := &orderedBackend{t: t, want: total / goroutines, newest: make([]int, goroutines), ids: make([]bool, total)}
	h := shipTo(t, backend.roundTrip, Options{
		Compression: None, // to inflate takes longer than all the rest
		MaxPending:  total, MaxPendingBytes: 1 << 30,
		MinBackoff: time.Microsecond, MaxBackoff: time.Millisecond,
	})

	var wg sync.WaitGroup
	for g := range goroutines {
		l := slog.New(h).With("g", g)
		wg.Go(func() {
			for n := range total / goroutines {
				l.LogAttrs(context.Background(), slog.LevelInfo, "m", slog.Int("n", n+1))
			}
		})
	}
	wg.Wait()
	if err := h.Shutdown(context.Background()); err != nil {
		t.Fatal(err)
	}

	for g, newest := range backend.newest {
		if newest != backend.want {
			t.Errorf("goroutine %d: the newest record taken is %d, want %d", g, newest, backend.want)
		}
	}
	if backend.taken != total {
		t.Errorf("%d records were taken, want %d", backend.taken, total)
	}
	s := h.Stats()
	if s.Accepted != int64(total) || s.Delivered != int64(total) || s.Dropped.Total() != 0 || s.Pending != 0 || s.InFlight != 0 {
		t.Errorf("the books say %+v", s)
	}
	if failed := int64(backend.requests / 3); s.Retries < failed || s.Batches != int64(backend.requests)-failed || failed < 5 {
		t.Errorf("%d requests, %d retries, %d accepted; want a third of them to have failed, and 5 at least",
			backend.requests, s.Retries, s.Batches)
	}
}

// orderedBackend keeps one record for each id, and checks that each goroutine's
// come in order. It is called by one goroutine at a time.
type orderedBackend struct {
	t        *testing.T
	want     int    // records of each goroutine
	newest   []int  // number of the newest record, by goroutine
	ids      []bool // by sequence number: whether it was taken
	prefix   string // what all ids begin with
	taken    int
	requests int
	body     []byte
}

var errAnswerLost = errors.New("the answer was lost")

func (o *orderedBackend) roundTrip(r *http.Request) (*http.Response, error) {
	o.requests++
	fail := o.requests%3 == 0
	if fail && o.requests%2 == 0 {
		return answer(r, http.StatusServiceUnavailable), nil
	}
	o.body = slices.Grow(o.body[:0], int(r.ContentLength))[:r.ContentLength]
	_, err := io.ReadFull(r.Body, o.body)
	if err == nil {
		err = o.take(o.body)
	}
	if err != nil {
		o.t.Errorf("request %d: %v", o.requests, err)
		return answer(r, http.StatusOK), nil // or it would come again, for ever
	}
	if fail {
		return nil, errAnswerLost
	}
	return answer(r, http.StatusOK), nil
}

// take reads
//
//	{"batch":[{"id":"<32 digits><16 digits>", ... ,"g":3,"n":17}},{"id": ... }}]}
func (o *orderedBackend) take(body []byte) error {
	const head, idKey, prefixDigits = `{"batch":[`, `{"id":"`, 32
	for rest := body[len(head):]; len(rest) > len("]}"); {
		end := bytes.Index(rest[:min(len(rest), 1<<10)], []byte("}}")) // bounded: the race detector looks at all that it is given
		if end < len(idKey)+prefixDigits+sequenceDigits || string(rest[:len(idKey)]) != idKey {
			return fmt.Errorf("an event without an id: %.100q", rest)
		}
		event, id := rest[:end], rest[len(idKey):]
		if rest = rest[end+len("}}"):]; rest[0] == ',' {
			rest = rest[1:]
		}
		if o.prefix == "" {
			o.prefix = string(id[:prefixDigits])
		}
		if string(id[:prefixDigits]) != o.prefix || id[prefixDigits+sequenceDigits] != '"' {
			return fmt.Errorf("a strange id: %.100q", event)
		}
		seq, err := strconv.ParseUint(string(id[prefixDigits:prefixDigits+sequenceDigits]), 16, 64)
		if err != nil || seq >= uint64(len(o.ids)) {
			return fmt.Errorf("a strange sequence number: %.100q", event)
		}
		g, n := numberAfter(event, `"g":`), numberAfter(event, `"n":`)
		if g < 0 || g >= len(o.newest) || n <= 0 {
			return fmt.Errorf("a strange record: %.200q", event)
		}
		if o.ids[seq] { // sent again
			if n > o.newest[g] {
				return fmt.Errorf("record %d of goroutine %d has the id of another one", n, g)
			}
			continue
		}
		o.ids[seq] = true
		o.taken++
		if n != o.newest[g]+1 {
			return fmt.Errorf("record %d of goroutine %d came after %d", n, g, o.newest[g])
		}
		o.newest[g] = n
	}
	return nil
}

// numberAfter is the number behind the last key in event, -1 if there is none.
func numberAfter(event []byte, key string) int {
	at := bytes.LastIndex(event, []byte(key))
	if at < 0 {
		return -1
	}
	n := 0
	for _, c := range event[at+len(key):] {
		if c < '0' || c > '9' {
			break
		}
		n = 10*n + int(c-'0')
	}
	return n
}
