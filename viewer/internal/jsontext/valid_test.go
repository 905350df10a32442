package jsontext

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

var texts = []string{
	`{}`, `[]`, ` { "a" : [ 1 , -0 , 0.5e+7 , 1E-2, true , false , null ] } `, `"\u00e4\"\\\/\b\f\n\r\t"`, `""`, `0`, `-1`, "\"\x80\"", "\"\xc3\xa4\"",
	``, ` `, `{`, `[`, `"`, `"\`, `"\u12`, `"\u12g4"`, `"\x"`, `01`, `-`, `1.`, `1.e3`, `1e`, `1e+`, `.5`, `+1`, `tru`, `trux`, `nul`, `falsy`, `[1,]`, `[,]`, `[1 2]`,
	`{"a"}`, `{"a":}`, `{"a":1,}`, `{a:1}`, `{"a":1 "b":2}`, `[1}`, `{"a":1]`, `1 2`, "\"\n\"", "\"\x7f\"", "\x00", "{}\x00", "\ufeff{}",
}

func check(t *testing.T, text string) {
	t.Helper()
	b := []byte(text)
	if got, want := Valid(b), json.Valid(b) && utf8.Valid(b); got != want {
		t.Errorf("Valid(%.60q) = %t", text, got)
	}
}

// Valid says of each text what encoding/json says of it, and refuses what is not UTF-8.
func TestValid(t *testing.T) {
	for _, text := range texts {
		check(t, text)
		check(t, `{"k":[`+text+`,"x"]}`)
	}
	for _, n := range []int{maxNesting - 1, maxNesting, maxNesting + 1} {
		check(t, strings.Repeat("[", n)+strings.Repeat("]", n))
		check(t, strings.Repeat(`{"a":`, n)+"1"+strings.Repeat("}", n))
	}
}

func FuzzValid(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(check)
}

// Any valid text can be walked to its end: each scalar is found whole.
func FuzzWalk(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if !Valid([]byte(text)) {
			return
		}
		Scalars([]byte(text), func(_, v []byte) bool {
			if !json.Valid(v) {
				t.Errorf("%q has the scalar %q", text, v)
			}
			return true
		})
	})
}
