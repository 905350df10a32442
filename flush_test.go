package slogship

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// lossOf is err as a *LossError, the zero one for nil.
func lossOf(t *testing.T, err error) LossError {
	t.Helper()
	var loss *LossError
	switch {
	case err == nil:
		return LossError{}
	case !errors.As(err, &loss):
		t.Fatalf("%v is no *LossError", err)
	}
	return *loss
}

// Flush does not wait for FlushInterval, and returns when the server has taken
// what was logged before it, and no later.
func TestFlush(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(3*time.Second)), Options{FlushInterval: time.Hour, BatchRecords: 2})
		if err := tr.Flush(t.Context()); err != nil {
			t.Errorf("with nothing logged: %v", err)
		}
		tr.say("a", "b", "c") // two batches
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
		tr.wantTaken("a", "b", "c")
		if passed := time.Since(tr.began); passed != 6*time.Second {
			t.Errorf("Flush returned after %v, want 6 s", passed)
		}
		if err := tr.Flush(t.Context()); err != nil || time.Since(tr.began) != 6*time.Second {
			t.Errorf("with nothing held: %v, after %v", err, time.Since(tr.began))
		}
		tr.say("d")
		synctest.Wait() // the batcher waits for FlushInterval
		tr.wantRequests(2)
		if err := tr.Flush(t.Context()); err != nil || time.Since(tr.began) != 9*time.Second {
			t.Errorf("with the batcher asleep: %v, after %v", err, time.Since(tr.began))
		}
		tr.say("e")
		if err := tr.Flush(nil); err != nil { //nolint:staticcheck // nil is forgiven
			t.Errorf("without a context: %v", err)
		}
	})
}

// What is logged after the call is not waited for, nor does its fate matter.
func TestFlushWaitsForItsOwnOnly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, func(r *request) answered {
			if r.has("later") {
				return status(503)
			}
			return status(200).after(time.Second)
		}, Options{FlushInterval: time.Hour, MaxPending: 4, BatchRecords: 2})
		tr.say("a", "b")
		synctest.Wait() // in flight
		tr.say("c")
		go func() {
			time.Sleep(time.Millisecond)
			tr.say("later", "later", "later", "later", "later") // c overflows, and some of these
		}()
		err := tr.Flush(t.Context())
		if loss := lossOf(t, err); loss != (LossError{Dropped: Dropped{Overflow: 1}}) {
			t.Errorf("Flush: %+v", loss)
		}
		if errors.Is(err, ErrUnsent) || err.Error() != "slogship: 1 record dropped (overflow 1)" {
			t.Errorf("Flush: %v", err)
		}
		if s := tr.Stats(); s.Dropped.Overflow != 2 || s.Delivered != 2 {
			t.Errorf("%+v", s)
		}
	})
}

// Flush names the losses among its records by reason.
func TestFlushCountsLosses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, func(r *request) answered {
			switch {
			case r.has("big"):
				return status(413)
			case r.bad():
				return status(400)
			}
			return status(200)
		}, Options{FlushInterval: time.Hour})
		tr.say("a", "big", "b", "bad1", "c", "bad2")
		err := tr.Flush(t.Context())
		if loss := lossOf(t, err); loss != (LossError{Dropped: Dropped{Rejected: 2, TooLarge: 1}}) {
			t.Errorf("Flush: %+v", loss)
		}
		if got := fmt.Sprint(err); got != "slogship: 3 records dropped (rejected 2, too large 1)" {
			t.Error(got)
		}
		tr.say("d")
		if err := tr.Flush(t.Context()); err != nil {
			t.Errorf("losses of an earlier Flush: %v", err)
		}

		tr.say("e", "f")
		go func() {
			time.Sleep(time.Millisecond)
			tr.Discard()
		}()
		tr.answerWith(always(status(503)))
		if loss := lossOf(t, tr.Flush(t.Context())); loss != (LossError{Dropped: Dropped{Discarded: 2}}) {
			t.Errorf("Flush: %+v", loss)
		}
	})
}

// Flush obeys its context, also in the middle of a request, which it leaves
// alone.
func TestFlushIsCutShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(answered{status: 406, body: `{"message":["odd"]}`, takes: time.Second}, status(200).after(5*time.Second)), Options{FlushInterval: time.Hour, BatchRecords: 2})
		tr.say("a", "b", "c", "d", "e")
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err := tr.Flush(ctx)
		if passed := time.Since(tr.began); passed != 2*time.Second {
			t.Errorf("Flush returned after %v", passed)
		}
		if !errors.Is(err, ErrUnsent) || !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
			t.Errorf("Flush: %v", err)
		}
		if loss := lossOf(t, err); loss.Unsent != 3 || loss.Dropped != (Dropped{Rejected: 1}) {
			t.Errorf("Flush: %+v", loss)
		}
		if got := fmt.Sprint(err); got != "slogship: 1 record dropped (rejected 1), 3 records unsent after 2 s; last attempt: no answer for 1 s; the one before: 406 Not Acceptable: 1 record not accepted: odd" {
			t.Error(got)
		}
		time.Sleep(time.Minute)
		tr.wantRequests(3)
		tr.wantTaken("c", "d", "e")

		// That a request has been under way for a moment explains nothing.
		tr.answerWith(always(status(200).after(5 * time.Second)))
		tr.say("f")
		brief, cancel := context.WithTimeout(t.Context(), 900*time.Millisecond)
		defer cancel()
		if got := fmt.Sprint(tr.Flush(brief)); got != "slogship: 1 record unsent after 900 ms: context deadline exceeded" {
			t.Error(got)
		}
		time.Sleep(time.Hour)

		before := len(tr.got())
		tr.answerWith(always(status(503)))
		tr.say("f")
		err = tr.Flush(cancelled(t)) // wakes the batcher all the same
		if !errors.Is(err, ErrUnsent) || !errors.Is(err, context.Canceled) || lossOf(t, err).Unsent != 1 {
			t.Errorf("Flush: %v", err)
		}
		synctest.Wait()
		tr.wantRequests(before + 1)
	})
}

// Any number may wait at once, each for its own.
func TestConcurrentFlushes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, func(r *request) answered {
			if r.bad() {
				return status(400).after(time.Second)
			}
			return status(200).after(time.Second)
		}, Options{FlushInterval: time.Hour, BatchRecords: 1})
		var done sync.WaitGroup
		for i := range 20 {
			done.Go(func() {
				time.Sleep(time.Duration(i) * 100 * time.Millisecond)
				mine := []string{"bad", "good"}[i%2]
				tr.say(mine)
				err := tr.Flush(t.Context())
				// Of its records those of the odd ones before it are bad, less
				// those that were settled already.
				if loss := lossOf(t, err); loss.Unsent != 0 || loss.Dropped != (Dropped{Rejected: loss.Dropped.Rejected}) || loss.Dropped.Rejected > int64(i/2+1) {
					t.Errorf("Flush %d: %+v", i, loss)
				}
				if s := tr.Stats(); s.Delivered+s.Dropped.Rejected < int64(i+1) {
					t.Errorf("Flush %d returned with %d of its records settled", i, s.Delivered+s.Dropped.Rejected)
				}
			})
		}
		done.Wait()
		tr.wantBooks(10, Dropped{Rejected: 10}, 0)
	})
}

// A Flush that waits when Shutdown gives up ends too, and says what was lost.
func TestFlushDuringShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{})
		tr.say("a", "b", "c")
		time.Sleep(5 * time.Second)
		result := make(chan error)
		go func() { result <- tr.Flush(context.Background()) }()
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		want := tr.Shutdown(ctx)
		err := <-result
		if loss := lossOf(t, err); loss.Dropped != (Dropped{Shutdown: 3}) || loss.Unsent != 0 || !errors.Is(err, ErrUnsent) {
			t.Errorf("Flush: %v", err)
		}
		if got := fmt.Sprint(err); got != "slogship: 3 records dropped (shutdown 3); last attempt: 503 Service Unavailable" {
			t.Error(got)
		}
		if err := tr.Flush(t.Context()); err != want || want == nil {
			t.Errorf("Flush after Shutdown: %v, want Shutdown's %v", err, want)
		}
	})
}

// A Flush that waits is served by a Shutdown that succeeds.
func TestFlushIsServedByShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503), status(200)), Options{MinBackoff: time.Hour, MaxBackoff: time.Hour})
		tr.say("a")
		time.Sleep(time.Second)
		result := make(chan error)
		go func() { result <- tr.Flush(context.Background()) }()
		synctest.Wait()
		if err := tr.Shutdown(t.Context()); err != nil {
			t.Error(err)
		}
		if err := <-result; err != nil {
			t.Error(err)
		}
		if err := tr.Flush(t.Context()); err != nil {
			t.Errorf("Flush after Shutdown: %v", err)
		}
	})
}

// Whatever a record waits for, LossError says it in one line.
func TestLossErrorText(t *testing.T) {
	refused := &sendError{text: "slogship: POST http://logs.test/logs: 401 Unauthorized: who: are you?"}
	for want, e := range map[string]*LossError{
		"36 records dropped (overflow 1, rejected 2, too large 3, discarded 4, closed 5, shutdown 6, expired 7, corrupt 8), 7 records unsent: context canceled": {
			Dropped: Dropped{1, 2, 3, 4, 5, 6, 7, 8}, Unsent: 7, Cause: context.Canceled,
		},
		"1 record dropped (overflow 1)":                                            {Dropped: Dropped{Overflow: 1}},
		"1 record unsent after 3 ms: context deadline exceeded":                    {Unsent: 1, Cause: context.DeadlineExceeded, After: 3 * time.Millisecond},
		"1 record unsent after 5 s; last attempt: 401 Unauthorized: who: are you?": {Unsent: 1, Cause: context.DeadlineExceeded, After: 5 * time.Second, LastError: refused},
		"2 records unsent after 1.5 s: context canceled; last attempt: 401 Unauthorized: who: are you?": {
			Unsent: 2, Cause: context.Canceled, After: 1500 * time.Millisecond, LastError: refused,
		},
		"3 records unsent; last attempt: 401 Unauthorized: who: are you?": {Unsent: 3, After: time.Millisecond - 1, LastError: refused},
		"2 records unsent after 2m30s; last attempt: no answer for 9.99 s": {
			Unsent: 2, Cause: context.DeadlineExceeded, After: 150 * time.Second, hanging: 9994 * time.Millisecond,
		},
		"2 records unsent; Retry-After asks for another 1m0s, which is beyond the deadline; last attempt: boom": {
			Unsent: 2, Cause: context.DeadlineExceeded, LastError: errors.New("slogship: boom"), retryIn: time.Minute,
		},
	} {
		if got := e.Error(); got != "slogship: "+want {
			t.Errorf("%s\nwant %s", got, want)
		}
	}
}
