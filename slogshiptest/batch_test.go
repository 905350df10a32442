package slogshiptest

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// An object that is no batch is one event, without its own id and time.
func TestSingleObjectLosesIDAndTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, body := range []string{
			`{"id":"i","timestamp":"2026-01-02T03:04:05.678901Z","message":"m"}`,
			`{"id":"i","timestamp":1000000000,"message":"m","batch":{"no":"array"}}`,
		} {
			r := NewReceiver()
			for range 2 {
				if status, text := post(t, r, body); status != 200 {
					t.Fatalf("%s: %d %s", body, status, text)
				}
			}
			got := r.Records()
			if len(got) != 2 || got[0].ID != "" || !got[0].Time.Equal(time.Now()) || got[0].Message != "m" {
				t.Errorf("%s: got %+v, want two events without an id, of now", body, got)
			}
			if string(got[0].Raw) != body {
				t.Errorf("Raw is %s, want %s", got[0].Raw, body)
			}
		}
	})
}

// An array at the top is a batch, and so are lines.
func TestBatchForms(t *testing.T) {
	ndjson := header("Content-Type", "application/x-ndjson")
	for name, post := range map[string]func(r *Receiver) (int, string){
		"object": func(r *Receiver) (int, string) {
			return post(t, r, " {\"x\":[{}], \"batch\" : [ {\"id\":\"1\",\"message\":\"a\"} ,\n{\"id\":\"2\",\"message\":\"b\"} ] } ")
		},
		"array": func(r *Receiver) (int, string) {
			return post(t, r, `[{"id":"1","message":"a"},{"id":"2","message":"b"}]`)
		},
		"lines": func(r *Receiver) (int, string) {
			return post(t, r, "\n{\"id\":\"1\",\"message\":\"a\"}\r\n\n{\"id\":\"2\",\"message\":\"b\"}", ndjson)
		},
	} {
		r := NewReceiver()
		if status, text := post(r); status != 200 {
			t.Errorf("%s: %d %s", name, status, text)
		}
		wantMessages(t, r, "a", "b")
		if got := r.Records(); got[0].ID != "1" || got[1].ID != "2" {
			t.Errorf("%s: the events lost their ids: %v", name, got)
		}
	}
	for _, body := range []string{`{"batch":[]}`, `[]`} {
		if status, text := post(t, NewReceiver(), body); status != 200 {
			t.Errorf("%s: %d %s, want 200", body, status, text)
		}
	}
}

// One element that is no object brings down the whole request, what is no JSON
// is a bad request; nothing of either is taken.
func TestBadBodies(t *testing.T) {
	ndjson := header("Content-Type", "application/x-ndjson")
	for body, want := range map[string]int{
		`[{},1]`:                                 500,
		`{"batch":[{"message":"a"},[]]}`:         500,
		`{"batch":[null]}`:                       500,
		`["a"]`:                                  500,
		``:                                       400,
		` `:                                      400,
		`{"batch":[{"message":"a"}]`:             400,
		`{"batch":[{"message":"a"},]}`:           400,
		`{"batch":[{"message":NaN}]}`:            400,
		"{\"batch\":[{\"message\":\"\xff\"}]}":   400,
		"{\"batch\":[{\"message\":\"a\nb\"}]}":   400,
		`{"batch":[{"message":"\ud800\u0041"}]}`: 400,
		`{"batch":[{"message":"\ud800"}]}`:       400,
		`{"batch":[{"message":"\udc00\ud800"}]}`: 400,
		`{"batch":[{"metadata":{"f":1e999}}]}`:   400,
		`{"batch":[{"metadata":{"\ud83d":1}}]}`:  400,
		`{"batch":[]} trailing`:                  400,
		`5`:                                      400,
		`"text"`:                                 400,
		`{"batch":[{"message":"\\ud800 \ud83d\ude00 1e999"}]}`:                          200,
		`{"batch":[{"metadata":{"f":-1.5e308,"i":1` + strings.Repeat("0", 400) + `}}]}`: 200,
	} {
		r := NewReceiver()
		status, text := post(t, r, body)
		if status != want {
			t.Errorf("%.60s: %d %s, want %d", body, status, text, want)
		}
		if taken := r.Len(); taken != 0 != (want == 200) {
			t.Errorf("%.60s: %d events taken", body, taken)
		}
	}
	for body, want := range map[string]int{"{}\n5\n": 500, "{}\n{\n": 400, "{} {}": 400} {
		r := NewReceiver()
		if status, text := post(t, r, body, ndjson); status != want || r.Len() != 0 {
			t.Errorf("%q: %d %s with %d events, want %d", body, status, text, r.Len(), want)
		}
	}
}

// An id that was seen counts as a duplicate, and its record stands once.
func TestDuplicates(t *testing.T) {
	r := NewReceiver()
	post(t, r, batch("a", "b", "a"))
	post(t, r, batch("c", "b"))
	post(t, r, `[{"message":"d"},{"message":"d"}]`) // nothing to know them by
	wantMessages(t, r, "a", "b", "c", "d", "d")
	if got := r.Duplicates(); got != 2 {
		t.Errorf("%d duplicates, want 2", got)
	}
	r.Reset()
	post(t, r, batch("a"))
	wantMessages(t, r, "a")
	if got := r.Duplicates(); got != 0 {
		t.Errorf("%d duplicates after Reset, want 0", got)
	}
}

// Of a batch with events that do not validate, the others are taken, and the
// answer gives a reason for each.
func TestRejectRecords(t *testing.T) {
	r := NewReceiver()
	r.RejectRecords(func(e Record) string {
		if strings.HasPrefix(e.Message, "bad") {
			return `no "` + e.Message + `"`
		}
		return ""
	})
	status, text := post(t, r, batch("a", "bad1", "b", "bad2"))
	var answer struct{ Message []string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil || status != 406 {
		t.Fatalf("%d %s %v, want 406", status, text, err)
	}
	if want := []string{`no "bad1"`, `no "bad2"`}; !slices.Equal(answer.Message, want) {
		t.Errorf("reasons are %q, want %q", answer.Message, want)
	}
	wantMessages(t, r, "a", "b")
	if status, _ := post(t, r, batch("c")); status != 200 {
		t.Errorf("%d for a good batch, want 200", status)
	}
	r.RejectRecords(nil)
	if status, _ := post(t, r, batch("bad1")); status != 200 {
		t.Errorf("%d without a function, want 200", status)
	}
}

// A batch that is refused brings nothing at all.
func TestFailBatchesOn(t *testing.T) {
	r := NewReceiver()
	r.FailBatchesOn(func(e Record) int {
		switch e.Message {
		case "bad":
			return http.StatusBadRequest
		case "worse":
			return http.StatusInternalServerError
		}
		return 0
	})
	for want, body := range map[int]string{400: batch("a", "bad", "worse"), 500: batch("worse", "bad"), 200: batch("b")} {
		if status, text := post(t, r, body); status != want {
			t.Errorf("%d %s, want %d", status, text, want)
		}
	}
	wantMessages(t, r, "b")
	r.FailBatchesOn(nil)
	if status, _ := post(t, r, batch("bad")); status != 200 {
		t.Errorf("%d without a function, want 200", status)
	}
}
