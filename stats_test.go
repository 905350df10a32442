package slogship

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"
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
		Cut: 4, Batches: 1, Retries: 2, BytesEncoded: 1, BytesSent: 5,
		LastError: &sendError{text: "slogship: POST http://logs.test/logs: 401 Unauthorized: no"}, FailingSince: at,
	}
	for want, s := range map[string]Stats{
		"accepted 0, delivered 0, dropped 0, pending 0, in flight 0; 0 batches, 0 retries, 0 bytes encoded, 0 sent": {},
		"accepted 120, delivered 100, dropped 3 (overflow 2, too large 1), pending 12, in flight 3, spooled 2, cut 4; " +
			"1 batch, 2 retries, 1 byte encoded, 5 sent; failing since 2026-01-02T03:04:05Z: 401 Unauthorized: no": failing,
	} {
		for _, got := range []string{s.String(), fmt.Sprintf("%+v", s), fmt.Sprint(&s)} {
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
		`"pending":12,"in_flight":3,"spooled":2,` +
		`"spooled_bytes":0,"written":0,"durable":0,"recovered":0,"unprotected":0,"sync_missed":0,"cut":4,"batches":1,"retries":2,"bytes_encoded":1,"bytes_sent":5,` +
		`"last_error":"slogship: POST http://logs.test/logs: 401 Unauthorized: no","failing_since":"2026-01-02T03:04:05Z"}}`
	if got := strings.TrimSpace(out.String()); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
	out.Reset()
	log.Info("m", "stats", Stats{Accepted: 1})
	if strings.Contains(out.String(), "last_error") || strings.Contains(out.String(), "failing_since") {
		t.Error(out.String())
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
