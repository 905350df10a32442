package slogshiptest

import (
	"bytes"
	"encoding/json"
	"reflect"
	"testing"
)

// What is acceptable decodes to what encoding/json makes of it, and nothing is
// acceptable that encoding/json does not decode.
func FuzzDecode(f *testing.F) {
	for _, s := range []string{
		`{}`, `[]`, `""`, `0`, `-1.5e+3`, `true`, `false`, `null`, ` { "a" : [ 1 , "b\\" , { } ] , "c\"" : null } `,
		`{"a":1,"a":{"b":2},"\u0061":[3]}`, `["\ud83d\ude00\u00e9\/\b\f"]`, `"\ud83d"`, `"\ude00\ud83d"`, `1e999`, `[[[[]]],{"x":{"y":{}}}]`,
		"\"\xff\"", `{"a":"}","b":"]","c":"\\\"}"}`, "[1\n,\t2\r]",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		text = trim(text)
		var want any
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		err := d.Decode(&want)
		if !acceptable(text) {
			return
		}
		if err != nil {
			t.Fatalf("%q is acceptable, but %v", text, err)
		}
		if got := decode(text); !reflect.DeepEqual(got, want) {
			t.Fatalf("%q decodes to %#v, want %#v", text, got, want)
		}
		if end := skipValue(text, 0); end != len(text) {
			t.Fatalf("%q ends at %d, want %d", text, end, len(text))
		}
	})
}

// BenchmarkReceive is what a record costs the receiver.
func BenchmarkReceive(b *testing.B) {
	event := []byte(batch("a request was served")[len(`{"batch":[`) : len(batch("a request was served"))-2])
	body := append(append([]byte("["), bytes.Repeat(append(event, ','), 999)...), event...)
	body = append(body, ']')
	r := NewReceiver()
	client := r.Client()
	b.SetBytes(int64(len(body)))
	for b.Loop() {
		r.Reset()
		if got, err := send(client, newRequest(b, r, bytes.NewReader(body))); err != nil || got.status != 200 {
			b.Fatal(got, err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/1000, "ns/record")
}
