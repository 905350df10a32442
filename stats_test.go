package slogship

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship/internal/record"
)

// Dropped lists, adds up and prints each of its fields.
func TestDropped(t *testing.T) {
	all := Dropped{Overflow: 1, Rejected: 2, TooLarge: 3, Discarded: 4, Closed: 5, Shutdown: 6, Expired: 7, Corrupt: 8}
	want := map[string]int64{"overflow": 1, "rejected": 2, "too_large": 3, "discarded": 4, "closed": 5, "shutdown": 6, "expired": 7, "corrupt": 8}
	if got := maps.Collect(all.All()); !maps.Equal(got, want) || len(got) != reflect.TypeFor[Dropped]().NumField() {
		t.Errorf("All yields %v", got)
	}
	if got := all.Total(); got != 36 {
		t.Errorf("the total is %d, want 36", got)
	}
	if got := all.String(); got != "overflow 1, rejected 2, too large 3, discarded 4, closed 5, shutdown 6, expired 7, corrupt 8" {
		t.Error(got)
	}
	if got := (Dropped{}).String(); got != "none" {
		t.Error(got)
	}
	for reason := range all.All() {
		if reason == "rejected" {
			break // a loop may end early
		}
	}
}

// Stats prints for people, and logs in full, the last error as its text.
func TestStatsPrint(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	failing := Stats{
		Accepted: 120, Delivered: 100, Dropped: Dropped{Overflow: 2, TooLarge: 1}, Pending: 12, InFlight: 3, Spooled: 2,
		PendingBytes: 6, Recorded: 7, Cut: 4, Batches: 1, Retries: 2, Sending: 8, BytesEncoded: 1, BytesSent: 5,
		LastSuccess: at.Add(time.Second), NextAttempt: at.Add(time.Minute), Oldest: at.Add(-time.Second),
		LastError: &sendError{text: "slogship: POST http://logs.test/logs: 401 Unauthorized: no"}, FailingSince: at,
	}
	for want, s := range map[string]Stats{
		"accepted 0, delivered 0, dropped 0, pending 0, in flight 0; 0 batches, 0 retries, 0 bytes encoded, 0 sent": {},
		"accepted 120, delivered 100, dropped 3 (overflow 2, too large 1), pending 12, in flight 3, spooled 2, cut 4; " +
			"1 batch, 2 retries, 1 byte encoded, 5 sent; failing since 2026-01-02T03:04:05Z: 401 Unauthorized: no": failing,
	} {
		for _, got := range []string{s.String(), fmt.Sprintf("%+v", s), fmt.Sprintf("%v", &s)} { //nolint:gocritic // how fmt prints it is what is tested
			if got != want {
				t.Errorf("%s\nwant %s", got, want)
			}
		}
	}

	var out bytes.Buffer
	log := slog.New(slog.NewJSONHandler(&out, &slog.HandlerOptions{ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Key == slog.TimeKey {
			return slog.Attr{}
		}
		return a
	}}))
	log.Info("m", "stats", failing)
	const want = `{"level":"INFO","msg":"m","stats":{"accepted":120,"delivered":100,` +
		`"dropped":{"total":3,"overflow":2,"rejected":0,"too_large":1,"discarded":0,"closed":0,"shutdown":0,"expired":0,"corrupt":0},` +
		`"pending":12,"in_flight":3,"spooled":2,"pending_bytes":6,"recorded":7,` +
		`"spooled_bytes":0,"written":0,"durable":0,"recovered":0,"unprotected":0,"sync_missed":0,"cut":4,` +
		`"batches":1,"retries":2,"sending":8,"bytes_encoded":1,"bytes_sent":5,` +
		`"last_error":"slogship: POST http://logs.test/logs: 401 Unauthorized: no","failing_since":"2026-01-02T03:04:05Z",` +
		`"next_attempt":"2026-01-02T03:05:05Z","last_success":"2026-01-02T03:04:06Z","oldest":"2026-01-02T03:04:04Z"}}`
	if got := strings.TrimSpace(out.String()); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	out.Reset()
	log.Info("m", "stats", Stats{Accepted: 1})
	for _, name := range []string{"last_error", "failing_since", "next_attempt", "last_success", "oldest"} {
		if strings.Contains(out.String(), name) {
			t.Error(out.String())
		}
	}
	// Every field has its attribute: nothing that is added later is forgotten.
	if n := len(failing.LogValue().Group()); n != reflect.TypeFor[Stats]().NumField() {
		t.Errorf("%d attributes", n)
	}
}

// Published with package expvar, say, the last error is its text as well.
func TestStatsAsJSON(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for want, a := range map[string]answered{
			"slogship: POST http://logs.test/logs: 503 Service Unavailable: no": {status: 503, body: "no"},
			"slogship: POST http://logs.test/logs: connect: connection refused": {err: errors.New("connect: connection refused")},
		} {
			tr := start(t, always(a), Options{})
			tr.say("a")
			time.Sleep(2 * time.Second)
			text, err := json.Marshal(tr.Stats())
			if err != nil {
				t.Fatal(err)
			}
			var got struct{ LastError string }
			if err := json.Unmarshal(text, &got); err != nil || got.LastError != want {
				t.Errorf("%s, want %s (%v)", text, want, err)
			}
		}
	})
}

// Stats says what waits, since when, what is under way, and when it went well last.
func TestStatsSayWhatWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503).after(2*time.Second), status(200).after(time.Second)),
			Options{MinBackoff: time.Hour, MaxBackoff: time.Hour})
		check := func(when string, want Stats) {
			t.Helper()
			synctest.Wait()
			retryAt := tr.retryAt() // before Stats, whose lock keeps it apart from what the batcher does next
			s := tr.Stats()
			if !s.Oldest.Equal(want.Oldest) || s.PendingBytes != want.PendingBytes || s.Sending != want.Sending ||
				!s.LastSuccess.Equal(want.LastSuccess) {
				t.Errorf("%s: oldest %v, %d bytes pending, %d sending, last success %v; want %v, %d, %d, %v", when,
					s.Oldest, s.PendingBytes, s.Sending, s.LastSuccess, want.Oldest, want.PendingBytes, want.Sending, want.LastSuccess)
			}
			if next := s.NextAttempt; s.LastError == nil != next.IsZero() || !next.IsZero() && !next.Equal(retryAt) {
				t.Errorf("%s: the next attempt is at %v, want %v (%v)", when, next, retryAt, s.LastError)
			}
		}
		const size = 24 + 2 + 12 // of a record with a message of one byte, see TestRecorderBounds
		began := time.Now()
		check("at first", Stats{})
		tr.say("a")
		time.Sleep(time.Second / 2)
		tr.say("b")
		check("before the first batch", Stats{Oldest: began, PendingBytes: 2 * size})
		time.Sleep(time.Second)
		tr.say("c")
		check("in flight", Stats{Oldest: began, PendingBytes: size, Sending: 1})
		time.Sleep(2 * time.Second)
		check("backing off", Stats{Oldest: began, PendingBytes: 3 * size})
		time.Sleep(time.Until(tr.retryAt()) + time.Second/2)
		d := time.Now()
		tr.say("d")
		check("in flight again", Stats{Oldest: began, PendingBytes: size, Sending: 1})
		time.Sleep(time.Second / 2)
		check("delivered", Stats{Oldest: d, PendingBytes: size, LastSuccess: time.Now()})
		time.Sleep(2 * time.Second)
		check("at the end", Stats{LastSuccess: d.Add(2 * time.Second)})
	})
}

// A record whose time is not when it was logged does not look older than it is.
func TestOldestIsWhenItWasLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{})
		tr.Handle(t.Context(), slog.NewRecord(time.Unix(0, 0), slog.LevelInfo, "long ago", 0))
		if s := tr.Stats(); !s.Oldest.Equal(time.Now()) {
			t.Errorf("the oldest was logged at %v, want %v", s.Oldest, time.Now())
		}
	})
}

// Shutdown cuts a back-off short, and Stats says so.
func TestNextAttemptIsNowAtShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503), answered{hangs: true, status: 200}), Options{MinBackoff: time.Hour, MaxBackoff: time.Hour})
		tr.say("a")
		time.Sleep(2 * time.Second)
		if s := tr.Stats(); !s.NextAttempt.After(time.Now()) {
			t.Fatalf("the next attempt is at %v", s.NextAttempt)
		}
		ctx, cancel := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		wg.Go(func() { tr.Shutdown(ctx) })
		synctest.Wait()
		if s := tr.Stats(); s.NextAttempt.After(time.Now()) || s.Sending != 1 {
			t.Errorf("the next attempt is at %v, %d requests under way", s.NextAttempt, s.Sending)
		}
		cancel()
		wg.Wait()
	})
}

// What is in flight is as old as its oldest record, whichever left first.
func TestOldestInFlight(t *testing.T) {
	p := newPending(settings{Options: Options{MaxPending: 10, MaxPendingBytes: 1000, BatchRecords: 1, BatchBytes: 1000}})
	state := record.New(record.Options{MaxRecordBytes: 100})
	now := time.Now()
	for _, age := range []time.Duration{2 * time.Hour, 3 * time.Hour, time.Hour} {
		r := slog.Record{Time: now.Add(-age)} // with the clock's monotonic reading, as if logged then
		c := state.Capture(t.Context(), &r)
		p.push(c.Bytes, false)
		c.Free()
	}
	for i, want := range []time.Duration{2 * time.Hour, 3 * time.Hour, 3 * time.Hour} {
		p.swap()
		if got := p.stats().Oldest; !got.Equal(now.Add(-want)) {
			t.Errorf("after %d batches the oldest is %v old, want %v", i+1, now.Sub(got), want)
		}
	}
}
