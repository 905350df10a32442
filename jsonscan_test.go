package slogship

import (
	"bytes"
	"encoding/json"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"
)

// What appendValid takes is what encoding/json takes, and decodes to the same
// values; what it writes has no white space, no broken UTF-8, no number that
// float64 cannot hold. What it does not take it leaves no trace of.
func checkValid(t *testing.T, src []byte) {
	t.Helper()
	const before = "before"
	out, ok := appendValid([]byte(before), src, maxDepth)
	valid := json.Valid(src)
	if ok != valid && depthOf(src) < maxDepth {
		t.Fatalf("%q: taken %v, valid %v", src, ok, valid)
	}
	if !ok {
		if string(out) != before {
			t.Fatalf("%q: left %q behind", src, out)
		}
		return
	}
	out = bytes.TrimPrefix(out, []byte(before))
	if !json.Valid(out) || !utf8.Valid(out) {
		t.Fatalf("%q became %q", src, out)
	}
	if loneSurrogate(out) {
		t.Fatalf("%q: half a surrogate pair in %q", src, out)
	}
	var compact bytes.Buffer
	json.Compact(&compact, out)
	if !bytes.Equal(compact.Bytes(), out) {
		t.Fatalf("%q: white space in %q", src, out)
	}
	var got any
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%q became %q: %v", src, out, err)
	}
	if from, to := decodeObject(wrap(src)), decodeObject(wrap(out)); !same(from, to) {
		t.Fatalf("%q became %q", src, out)
	}
	if i := skipValue(out, 0); i != len(out) {
		t.Fatalf("skipValue ends at %d of %q", i, out)
	}
	if again, ok := appendValid(nil, out, maxDepth); !ok || !bytes.Equal(again, out) {
		t.Fatalf("%q became %q, and that %q", src, out, again)
	}
}

// loneSurrogate reports whether a \u escape stands for half a pair.
func loneSurrogate(b []byte) bool {
	pairs := regexp.MustCompile(`\\\\|(?i:\\ud[89ab]..\\ud[c-f]..)`)
	return regexp.MustCompile(`(?i)\\ud[89a-f]`).Match(pairs.ReplaceAll(b, nil))
}

func wrap(value []byte) []byte { return append(append([]byte(`{"v":`), value...), '}') }

var scannerSeeds = []string{
	`{"a":[1,2,{"b":null}],"c":"d"}`, ` [ ] `, `{}`, `{ "a" : { } }`, `""`, `"\u00e9\ud83d\ude00\ud83d"`, `"\ude00"`, `"\ud83d\u0041"`, `-0.0e-0`, `1E+400`, `1e-400`,
	`[1,]`, `{"a":}`, `{"a"}`, `{1:2}`, `{,}`, `[`, `{"a":1`, `"`, `"\`, `"\u12`, `"\x"`, "\"\x1f\"", "\"\xff\xc3\xa9\xe2\"", `01`, `-`, `1.`, `1e`, `.5`, `+1`, `tru`, `nulll`, `true false`, "\ufeff1",
	`{"\u0061":1,"a":2}`, "{\"\xff\":1}", `"` + strings.Repeat("x", 30) + `\n` + strings.Repeat("y", 9) + `"`, strings.Repeat("[", 40) + strings.Repeat("]", 40),
}

func TestScannerSeeds(t *testing.T) {
	for _, s := range scannerSeeds {
		checkValid(t, []byte(s))
	}
}

func FuzzScanner(f *testing.F) {
	for _, s := range scannerSeeds {
		f.Add([]byte(s))
	}
	f.Fuzz(checkValid)
}

// The scanner takes a value at the bound of depth, and none beyond it.
func TestScannerDepth(t *testing.T) {
	for _, pair := range []string{"[]", `{"a":}`} {
		at := strings.Index(pair, ":") + 1
		if at == 0 {
			at = 1
		}
		for depth := range 4 {
			v := "1"
			for n := range 5 {
				if _, ok := appendValid(nil, []byte(v), depth); ok != (n <= depth) {
					t.Errorf("%s at a bound of %d: taken %v", v, depth, ok)
				}
				v = pair[:at] + v + pair[at:]
			}
		}
	}
}

// Keys get one form, so that equal ones are equal bytes.
func TestScannerKeys(t *testing.T) {
	out, ok := appendValid(nil, []byte(`{"\u0061\/\u2028\u00e9\n":1}`), 1)
	if want := `{"a/\u2028é\n":1}`; !ok || string(out) != want {
		t.Errorf("got %s, want %s", out, want)
	}
}

// nextMember goes through the members of an object one by one.
func TestNextMember(t *testing.T) {
	b := []byte(`"a":1,"b\"":{"x":[1,"}"]},"c":"\\","d":[],"e":true`)
	var got []string
	for i := 0; ; {
		m, ok := nextMember(b, i)
		if !ok {
			break
		}
		i = m.end
		got = append(got, string(m.name(b))+" "+string(b[m.colon+1:m.end]))
	}
	if want := []string{"a 1", `b\" {"x":[1,"}"]}`, `c "\\"`, "d []", "e true"}; !reflect.DeepEqual(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
