package slogshiptest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Wait returns once enough records are there, be it before or after the call;
// duplicates do not count.
func TestWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReceiver()
		var err error
		returned := false
		go func() {
			err = r.Wait(context.Background(), 3)
			returned = true
		}()
		post(t, r, batch("a", "b"))
		post(t, r, batch("b"))
		synctest.Wait()
		if returned {
			t.Fatalf("Wait returned %v with 2 records, want it to wait for 3", err)
		}
		post(t, r, batch("c", "d"))
		synctest.Wait()
		if !returned || err != nil {
			t.Errorf("Wait: returned %v, %v with 4 records", returned, err)
		}
		ended, cancel := context.WithCancel(t.Context())
		cancel()
		if err := r.Wait(ended, 4); err != nil {
			t.Errorf("Wait: %v, though the records are there", err)
		}
	})
}

// Whoever waits in vain is told how far it came.
func TestWaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReceiver()
		post(t, r, batch("a"))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := r.Wait(ctx, 2)
		if !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "1 of 2") {
			t.Errorf("got %v, want that 1 of 2 have arrived, and the deadline", err)
		}
	})
}

// Requests tells of every request what it was and how it ended.
func TestRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReceiver()
		gz := zipped(t, batch("a", "b"))
		r.Fail(Failure{Requests: 1, Status: 503})
		r.Fail(Failure{Requests: 1, Reset: true})
		start := time.Now()
		for range 3 {
			req := newRequest(t, r, strings.NewReader(gz), header("Content-Encoding", "gzip"), header("User-Agent", "test/1"))
			send(r.Client(), req)
			time.Sleep(time.Second)
		}
		got := r.Requests()
		if len(got) != 3 {
			t.Fatalf("%d requests, want 3", len(got))
		}
		for i, q := range got {
			if want := []int{503, 0, 200}[i]; q.Status != want {
				t.Errorf("request %d: status %d, want %d", i, q.Status, want)
			}
			if want := start.Add(time.Duration(i) * time.Second); !q.Time.Equal(want) {
				t.Errorf("request %d: at %v, want %v", i, q.Time, want)
			}
			if q.Method != http.MethodPost || q.Host != "receiver.invalid" || q.URL.Path != "/logs" || q.URL.Query().Get("source") != r.source {
				t.Errorf("request %d: %s %s %v", i, q.Method, q.Host, q.URL)
			}
			if q.Header.Get("Content-Encoding") != "gzip" || q.Header.Get("User-Agent") != "test/1" {
				t.Errorf("request %d: %v", i, q.Header)
			}
			if string(q.Body) != gz || string(q.Text()) != batch("a", "b") {
				t.Errorf("request %d: another body", i)
			}
			if m := messages(q.Records()); fmt.Sprint(m) != "[a b]" {
				t.Errorf("request %d: records %v", i, m)
			}
		}
		wantMessages(t, r, "a", "b")
	})
}

// A body that could not be taken has no records, and no text if it is corrupt.
func TestRequestsOfBadBodies(t *testing.T) {
	r := NewReceiver()
	post(t, r, "no gzip", header("Content-Encoding", "gzip"))
	post(t, r, "no json")
	post(t, r, batch("a"), header("Content-Type", "text/plain"))
	for i, q := range r.Requests() {
		if q.Records() != nil {
			t.Errorf("request %d has records", i)
		}
		if (q.Text() == nil) != (i != 1) {
			t.Errorf("request %d has the text %q", i, q.Text())
		}
	}
}

// An outage of days does not fill the memory with bodies, while what was taken
// stays.
func TestBodiesOfUntakenRequestsAreBounded(t *testing.T) {
	r := NewReceiver()
	post(t, r, batch("a"))
	r.Fail(Failure{Status: 503})
	for range untakenBodies + 3 {
		post(t, r, batch("b"))
	}
	r.Recover()
	post(t, r, batch("b"))
	var without []int
	for i, q := range r.Requests() {
		if q.Body == nil {
			without = append(without, i)
		}
	}
	if fmt.Sprint(without) != "[1 2 3]" {
		t.Errorf("requests %v have no body, want the first three of the outage", without)
	}
}

// Reset forgets what came, not what the receiver is to do.
func TestReset(t *testing.T) {
	r := NewReceiver()
	r.Fail(Failure{Requests: 2, Status: 503})
	r.RejectRecords(func(Record) string { return "no" })
	post(t, r, batch("a"))
	r.Reset()
	if len(r.Requests()) != 0 || len(r.Records()) != 0 || r.Len() != 0 {
		t.Error("the receiver remembers something")
	}
	if status, _ := post(t, r, batch("a")); status != 503 {
		t.Errorf("%d, want 503: the failure was for two requests", status)
	}
	if status, _ := post(t, r, batch("a")); status != 406 {
		t.Errorf("%d, want 406: the function is still set", status)
	}
}

// What a caller gets is his own.
func TestResultsAreCopies(t *testing.T) {
	r := NewReceiver()
	post(t, r, batch("a", "b"))
	r.Records()[0].Message = "x"
	r.Requests()[0].Status = 1
	r.Header().Set("Authorization", "none")
	one := r.Records()[0]
	_ = append(one.Raw, "overwritten"...)
	wantMessages(t, r, "a", "b")
	if got := r.Requests()[0].Status; got != 200 {
		t.Errorf("status %d, want 200", got)
	}
	if status, _ := post(t, r, batch("c")); status != 200 {
		t.Errorf("%d with the credentials of Header, want 200", status)
	}
}

// Any number of clients may send, while others look.
func TestConcurrentUse(t *testing.T) {
	r := NewReceiver()
	const senders, each = 8, 50
	for s := range senders {
		go func() {
			for i := range each {
				body := bytes.NewReader([]byte(batch(fmt.Sprintf("%d-%d", s, i), fmt.Sprintf("again-%d", i))))
				req, _ := http.NewRequest(http.MethodPost, r.URL, body)
				req.Header = r.Header()
				req.Header.Set("Content-Type", "application/json")
				send(r.Client(), req)
				r.Requests()
				r.Duplicates()
			}
		}()
	}
	if err := r.Wait(t.Context(), senders*each+each); err != nil {
		t.Fatal(err)
	}
	for i, rec := range r.Records() {
		if rec.ID == "" {
			t.Fatalf("record %d has no id", i)
		}
	}
}
