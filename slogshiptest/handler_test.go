package slogshiptest

import (
	"encoding/json"
	"errors"
	"log/slog"
	"math"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
)

// backends are all that there are.
func backends() (all []Backend) {
	for b := Logflare; b <= VictoriaLogs; b++ {
		all = append(all, b)
	}
	return all
}

// NewHandler ships to whatever the receiver stands for, at every level, without
// a socket or over one.
func TestNewHandler(t *testing.T) {
	for _, b := range backends() {
		for _, backend := range []Target{NewReceiver(b), NewServer(t, b)} {
			h := NewHandler(t, backend)
			slog.New(h).Debug("hello", "n", "42")
			if err := h.Flush(t.Context()); err != nil {
				t.Fatalf("%v: %v", b, err)
			}
			r, _ := backend.target()
			if got, ok := r.Find("hello"); !ok || !strings.EqualFold(got.Level, "debug") || !got.Has("n", "42") {
				t.Errorf("%v: %+v, %v", b, got, ok)
			}
			if got, ok := r.Find("hell"); ok {
				t.Errorf("found %v", got)
			}
		}
	}
}

// In a bubble the handler ends with it. What options set is left alone, and
// their header is added.
func TestNewHandlerOptions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReceiver()
		told := 0
		h := NewHandler(t, r, slogship.Options{
			Level: slog.LevelWarn, Header: http.Header{"x-tenant": {"a"}}, FlushInterval: time.Hour,
			MinBackoff: time.Minute, OnError: func(error) { told++ }, Compression: slogship.None,
		})
		r.Fail(Failure{Requests: 1, Status: 503})
		log := slog.New(h)
		log.Info("no")
		log.Warn("yes")
		time.Sleep(59 * time.Minute)
		wantMessages(t, r)
		time.Sleep(2 * time.Minute)
		synctest.Wait()
		wantMessages(t, r, "yes")
		q := r.Requests()[1]
		if q.Header.Get("X-Tenant") != "a" || q.Header.Get("Authorization") == "" || q.Header.Get("Content-Encoding") != "" || told != 2 {
			t.Errorf("told %d; %v", told, q.Header)
		}
	})
}

// A handler that cannot send at the end of its test neither fails nor delays it.
func TestNewHandlerOfAReceiverThatFails(t *testing.T) {
	var began time.Time
	synctest.Test(t, func(t *testing.T) {
		began = time.Now()
		t.Cleanup(func() { // runs after the handler's
			if passed := time.Since(began); passed > testShutdown {
				t.Errorf("the end took %v", passed)
			}
		})
		r := NewReceiver()
		r.Fail(Failure{Status: 503})
		slog.New(NewHandler(t, r)).Info("m")
	})
}

func recordWith(t *testing.T, args ...any) Record {
	t.Helper()
	r := NewReceiver()
	h := NewHandler(t, r)
	slog.New(h).Info("m", args...)
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	record, _ := r.Find("m")
	return record
}

// An attribute is found by the path of its groups; dots may be in keys as well.
func TestAttrPath(t *testing.T) {
	r := recordWith(t, slog.Group("user", "id", 42, slog.Group("address", "city", "Bern", "zip.code", 3000), "a.b", slog.GroupValue(slog.Int("c.d", 1))),
		"http.status", 200, "f", 1.5, "u", uint64(math.MaxUint64), "list", []int{1, 2}, "null", nil)
	for path, want := range map[string]any{
		"user.id": 42, "user.address.city": "Bern", "user.address.zip.code": 3000, "user.a.b.c.d": 1, "http.status": 200, "f": 1.5,
		"u": uint64(math.MaxUint64), "list": []any{1, 2}, "user.address": map[string]any{"city": "Bern", "zip.code": 3000},
		"null": nil, "": nil, ".": nil, "user.": nil, "user.id.x": nil, "user.address.": nil, "city": nil,
	} {
		if got := r.Attr(path); !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %#v, want %#v", path, got, want)
		}
		if got, there := r.Has(path, want), want != nil || path == "null"; got != there {
			t.Errorf("Has(%q, %v) is %v", path, want, got)
		}
	}
	if r.Attr("user.id") != 42 {
		t.Error("an int does not compare")
	}
	big := Record{Attrs: map[string]any{"n": json.Number("123456789012345678901"), "f": json.Number("1e999")}}
	if big.Attr("n") != json.Number("123456789012345678901") || big.Attr("f") != json.Number("1e999") {
		t.Errorf("%v has lost digits", big.Attrs)
	}
}

// What was logged is what arrived, whatever its type; what differs is not.
func TestHas(t *testing.T) {
	at := time.Date(2026, 1, 2, 3, 4, 5, 678, time.FixedZone("", 3600))
	type point struct{ X, Y int }
	for _, c := range []struct {
		logged any
		equal  []any
		other  []any
	}{
		{42, []any{42, int8(42), uint16(42), 42.0, json.Number("42")}, []any{43, 42.5, "42", true, nil, -42}},
		{int64(math.MaxInt64), []any{int64(math.MaxInt64), uint64(math.MaxInt64)}, []any{int64(math.MaxInt64) - 1}},
		{uint64(math.MaxUint64), []any{uint64(math.MaxUint64)}, []any{uint64(math.MaxUint64) - 1, -1}},
		{1.5, []any{1.5, float32(1.5), json.Number("1.50")}, []any{1, 1.25}},
		{1e21, []any{1e21}, []any{1e20}},
		{"", []any{""}, []any{nil, 0, false}},
		{true, []any{true}, []any{false, "true", 1}},
		{time.Second, []any{time.Second, int64(1e9)}, []any{time.Minute, 1}},
		{at, []any{at, at.UTC()}, []any{at.Add(1), at.Format(time.RFC3339)}},
		{errors.New("boom"), []any{errors.New("boom"), "boom"}, []any{errors.New("bo")}},
		{nil, []any{nil}, []any{"", 0}},
		{
			point{1, 2},
			[]any{point{1, 2}, map[string]int{"X": 1, "Y": 2}, slog.GroupValue(slog.Int("X", 1), slog.Int("Y", 2))},
			[]any{point{1, 3}, map[string]int{"X": 1}, map[string]int{"X": 1, "Z": 2}, slog.GroupValue(slog.Int("X", 1)), "x"},
		},
		{[]any{1, "a"}, []any{[]any{1.0, "a"}}, []any{[]any{1}, []any{1, "b"}, "x"}},
	} {
		r := recordWith(t, "v", c.logged)
		for _, want := range c.equal {
			if !r.Has("v", want) {
				t.Errorf("%#v arrived as %v, which is not %#v", c.logged, r.Attrs, want)
			}
		}
		for _, other := range c.other {
			if r.Has("v", other) {
				t.Errorf("%#v arrived as %v, which is %#v", c.logged, r.Attrs, other)
			}
		}
	}
	for text, want := range map[string]any{"1s": time.Second, "1m0s": time.Minute} {
		if r := (Record{Attrs: map[string]any{"v": text}}); !r.Has("v", want) || r.Has("w", want) {
			t.Errorf("%s is not %v", text, want)
		}
	}
}
