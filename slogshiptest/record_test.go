package slogshiptest

import (
	"encoding/json"
	"fmt"
	"reflect"
	"testing"
	"testing/synctest"
	"time"
)

// one posts an event and returns the record that became of it.
func one(t testing.TB, event string) Record {
	t.Helper()
	r := NewReceiver()
	if status, text := post(t, r, `[`+event+`]`); status != 200 {
		t.Fatalf("%s: %d %s", event, status, text)
	}
	records := r.Records()
	if len(records) != 1 {
		t.Fatalf("%s: %d records, want 1", event, len(records))
	}
	return records[0]
}

// Every part of an event is where its user looks for it.
func TestRecord(t *testing.T) {
	event := `{"id":"i-1","timestamp":"2026-01-02T03:04:05.678901Z","message":"m\u00e9 \"q\"","metadata":{"level":"warn",` +
		`"n":12345678901234567890,"f":1.50,"b":false,"z":null,"s":"","a":[1,[],{"x":"y"}],"a-b":{"c d":"e"},"context":{"file":"f.go","line":7}}}`
	r := one(t, event)
	want := Record{
		ID:      "i-1",
		Time:    time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
		Message: `mé "q"`,
		Level:   "warn",
		Context: map[string]any{"file": "f.go", "line": json.Number("7")},
		Attrs: map[string]any{
			"n": json.Number("12345678901234567890"), "f": json.Number("1.50"), "b": false, "z": nil, "s": "",
			"a": []any{json.Number("1"), []any{}, map[string]any{"x": "y"}}, "a-b": map[string]any{"c d": "e"},
		},
		Raw: json.RawMessage(event),
	}
	if !reflect.DeepEqual(r, want) {
		t.Errorf("got  %+v\nwant %+v", r, want)
	}
}

// Logflare keeps nothing that is empty, and rewrites keys.
func TestStored(t *testing.T) {
	for metadata, want := range map[string]map[string]any{
		`{"a":null,"b":"","c":[],"d":{},"e":false,"f":0}`:                  {"e": false, "f": json.Number("0")},
		`{"a":{"b":{"c":null}},"d":[null,"",[],{}],"e":[[{"f":""}]]}`:      nil,
		`{"a":[1,null,{"b":"","c":2}]}`:                                    {"a": []any{json.Number("1"), map[string]any{"c": json.Number("2")}}},
		`{"a-b":1,"c.d é":{"e f":2},"g_h":3,"9":4}`:                        {"_a_b": json.Number("1"), "_c_d__": map[string]any{"_e_f": json.Number("2")}, "g_h": json.Number("3"), "9": json.Number("4")},
		`{"level":"info","context":{"file":"f.go","function":""},"x":"y"}`: {"level": "info", "context": map[string]any{"file": "f.go"}, "x": "y"},
		`[1]`: nil,
	} {
		if got := one(t, `{"metadata":`+metadata+`}`).Stored(); !reflect.DeepEqual(got, want) {
			t.Errorf("%s is stored as %v, want %v", metadata, got, want)
		}
	}
	if got := one(t, `{"message":"m"}`).Stored(); got != nil {
		t.Errorf("no metadata is stored as %v", got)
	}
}

// What has not the form that Logflare expects is not lost, nor mistaken.
func TestOddRecords(t *testing.T) {
	for event, want := range map[string]Record{
		`{}`:          {},
		`{"id":17}`:   {},
		`{"id":null}`: {},
		`{"ID":"x","Message":"y","meta\u0064ata":{"level":"z"}}`: {Level: "z", Attrs: map[string]any{}},
		`{"message":{"a":1},"metadata":5}`:                       {Message: `{"a":1}`},
		`{"metadata":{"level":3,"context":"c"}}`:                 {Attrs: map[string]any{"level": json.Number("3"), "context": "c"}},
		`{"message":"first","message":"last","metadata":{"a":1,"a":2}}`: {
			Message: "last", Attrs: map[string]any{"a": json.Number("2")},
		},
	} {
		got := one(t, event)
		got.Time, got.Raw = time.Time{}, nil
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: got %+v, want %+v", event, got, want)
		}
	}
}

// tenDigits sleeps, in a bubble, whose time begins in 2000, until the seconds
// since 1970 have the ten digits that they have today.
func tenDigits() { time.Sleep(time.Until(time.Unix(2e9, 0))) }

// A timestamp is a text with an offset, or an integer whose digits tell its
// scale. For anything else the server takes its own time.
func TestTimestamps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenDigits()
		now := time.Now().UTC()
		at := time.Date(1999, 12, 31, 23, 59, 58, 0, time.UTC)
		for value, want := range map[string]time.Time{
			`"1999-12-31T23:59:58Z"`:             at,
			`"1999-12-31T23:59:58.123456Z"`:      at.Add(123456 * time.Microsecond),
			`"1999-12-31T23:59:58.123456789Z"`:   at.Add(123456 * time.Microsecond),
			`"1999-12-31T23:59:58.5+00:00"`:      at.Add(time.Second / 2),
			`"2000-01-01T01:59:58.000001+02:00"`: at.Add(time.Microsecond),
			`"1999-12-31T18:29:58-0530"`:         at,
			`"1999-12-31T22:59:58-01"`:           at,
			`"1999-12-31 23:59:58Z"`:             at,
			`946684798`:                          now, // nine digits
			`1000000000`:                         time.Unix(1e9, 0).UTC(),
			`946684798123`:                       now, // twelve
			`1000000000123`:                      time.UnixMilli(1000000000123).UTC(),
			`1000000000123456`:                   time.UnixMicro(1000000000123456).UTC(),
			`1000000000123456789`:                time.UnixMicro(1000000000123456).UTC(),
			`9999999999999999999`:                now, // no int64
			`-100000000`:                         now,
			`-1000000000`:                        now,
			`1e9`:                                now,
			`1000000000.0`:                       now,
			`"1000000000"`:                       now,
			`"1999-12-31T23:59:58"`:              now, // no offset
			`"1999-12-31"`:                       now,
			`"yesterday"`:                        now,
			`null`:                               now,
			`{"a":1}`:                            now,
		} {
			if got := one(t, `{"timestamp":`+value+`}`).Time; !got.Equal(want) || got.Location() != time.UTC {
				t.Errorf("%s is %v, want %v", value, got, want)
			}
		}
	})
}

// An event from more than an hour ahead disappears, and nobody is told.
func TestFutureEventsAreDroppedSilently(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tenDigits()
		r := NewReceiver()
		event := func(ahead time.Duration) string {
			return fmt.Sprintf(`{"timestamp":%d,"message":"%v"}`, time.Now().Add(ahead).UnixMicro(), ahead)
		}
		body := `[` + event(time.Hour) + `,` + event(time.Hour+time.Microsecond) + `,` + event(-1000*time.Hour) + `]`
		if status, text := post(t, r, body); status != 200 || text != `{"message":"Logged!"}` {
			t.Errorf("%d %s", status, text)
		}
		wantMessages(t, r, "1h0m0s", "-1000h0m0s")
	})
}
