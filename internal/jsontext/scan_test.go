package jsontext

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slogship/slogship/internal/dice"
)

const testDepth = 500

// What appendValid takes is what encoding/json takes, and decodes to the same
// values; what it writes has no white space, no broken UTF-8, no number that
// float64 cannot hold. What it does not take it leaves no trace of.
func checkValid(t *testing.T, src []byte) {
	t.Helper()
	const before = "before"
	out, ok := AppendValid([]byte(before), src, testDepth)
	valid := json.Valid(src)
	if ok != valid && depthOf(src) < testDepth {
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
	if i := bytes.IndexByte(out, '\\'); i >= 0 && !canonical.Match(out) {
		t.Fatalf("%q became %q, which has escapes that AppendString does not write", src, out)
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
	if from, to := dice.DecodeObject(wrap(src)), dice.DecodeObject(wrap(out)); !dice.Same(from, to) {
		t.Fatalf("%q became %q", src, out)
	}
	if hasEqualKeys(t, out) {
		t.Fatalf("%q became %q, which has equal keys", src, out)
	}
	if again, ok := AppendValid(nil, out, testDepth); !ok || !bytes.Equal(again, out) {
		t.Fatalf("%q became %q, and that %q", src, out, again)
	}
}

// canonical are texts whose escapes AppendString writes, too.
var canonical = regexp.MustCompile(`^([^\\]|\\(["\\nrt]|u00[01][0-9a-f]|u202[89]))*$`)

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

// depthOf is how deep brackets nest in b, which has none in strings.
func depthOf(b []byte) (deepest int) {
	depth := 0
	for _, c := range b {
		switch c {
		case '{', '[':
			depth++
			deepest = max(deepest, depth)
		case '}', ']':
			depth--
		}
	}
	return deepest
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
				if _, ok := AppendValid(nil, []byte(v), depth); ok != (n <= depth) {
					t.Errorf("%s at a bound of %d: taken %v", v, depth, ok)
				}
				v = pair[:at] + v + pair[at:]
			}
		}
	}
}

// Keys get one form, so that equal ones are equal bytes.
func TestScannerKeys(t *testing.T) {
	out, ok := AppendValid(nil, []byte(`{"\u0061\/\u2028\u00e9\n":1}`), 1)
	if want := `{"a/\u2028é\n":1}`; !ok || string(out) != want {
		t.Errorf("got %s, want %s", out, want)
	}
}

// hasEqualKeys reports whether an object in text has a key twice.
func hasEqualKeys(tb testing.TB, text []byte) bool {
	d := json.NewDecoder(bytes.NewReader(text))
	var value func() bool
	value = func() bool {
		token, err := d.Token()
		if err != nil {
			tb.Fatalf("%s: %v", text, err)
		}
		seen, equal := map[string]bool{}, false
		switch token {
		case json.Delim('{'):
			for d.More() {
				key, _ := d.Token()
				equal = equal || seen[key.(string)]
				seen[key.(string)] = true
				equal = value() || equal
			}
			d.Token()
		case json.Delim('['):
			for d.More() {
				equal = value() || equal
			}
			d.Token()
		}
		return equal
	}
	return value()
}

// Of equal keys in one object the last is left, at any depth; nothing else is
// touched.
func TestEqualKeys(t *testing.T) {
	for _, tt := range []struct{ members, want string }{
		{``, ``},
		{`"a":1`, `"a":1`},
		{`"a":1,"b":2`, `"a":1,"b":2`},
		{`"a":1,"b":2,"a":3`, `"b":2,"a":3`},
		{`"a":1,"a":2,"a":3,"b":4,"b":5`, `"a":3,"b":5`},
		{`"a":{"x":1,"x":2},"b":{"x":1},"a":{"x":3,"y":4,"x":5}`, `"b":{"x":1},"a":{"y":4,"x":5}`},
		{`"a":[{"x":1,"x":2},[],[[{"y":1,"y":2}]],"x","x"]`, `"a":[{"x":2},[],[[{"y":2}]],"x","x"]`},
		{`"a":"\"a\":1,","a":"}"`, `"a":"}"`},
		{`"a":{},"b":[],"c":null,"a":{}`, `"b":[],"c":null,"a":{}`},
		{`"":1,"":2`, `"":2`},
		{`"a":1,"\u0061":2`, `"a":2`},
		{"\"\xff\":1,\"\xfe\":2", "\"\ufffd\":2"},
	} {
		got, ok := AppendValid([]byte("x"), []byte("{"+tt.members+"}"), testDepth)
		if want := "x{" + tt.want + "}"; !ok || string(got) != want {
			t.Errorf("%s became %s, want %s", tt.members, got, want)
		}
	}
}

// Of any JSON, what is left decodes to the same, and has no equal keys.
func TestRandomObjects(t *testing.T) {
	for seed := range uint64(500) {
		object := fmt.Appendf(nil, "{%s}", members(dice.Seeded(seed, 300), 3))
		got, ok := AppendValid(nil, object, testDepth)
		if !ok || !dice.Same(dice.DecodeObject(object), any(dice.DecodeObject(got))) || hasEqualKeys(t, got) {
			t.Fatalf("%s became %s", object, got)
		}
	}
}

// members are those of a random object with many equal keys.
func members(d *dice.Dice, depth int) (b []byte) {
	for i := range d.N(30) {
		if i > 0 {
			b = append(b, ',')
		}
		b = fmt.Appendf(b, `"%c":`, 'a'+d.N(25))
		switch k := d.N(6); {
		case depth == 0 || k < 3:
			b = append(b, dice.Pick(d, `1`, `"s"`, `{}`, `[]`, `"}\""`)...)
		case k == 3:
			b = fmt.Appendf(b, `[{%s},1,{%s}]`, members(d, depth-1), members(d, depth-1))
		default:
			b = fmt.Appendf(b, `{%s}`, members(d, depth-1))
		}
	}
	return b
}

// An object with n keys, and one inside n others, take a time that grows with n,
// not with its square: ten times the keys take far less than a hundred times the
// comparisons, of which there are none to count but by what they find.
func TestManyKeys(t *testing.T) {
	var wide []byte
	for i := range 100_000 {
		wide = fmt.Appendf(wide, `"%d":1,`, i%99_999)
	}
	got, ok := AppendValid(nil, fmt.Appendf(nil, "{%s}", bytes.TrimSuffix(wide, []byte(","))), 1)
	if want := len(wide) + 1 - len(`"0":1,`); !ok || len(got) != want {
		t.Errorf("%d bytes became %d, want %d", len(wide), len(got), want)
	}
	deep := strings.Repeat(`{"a":1,"a":`, testDepth) + `"` + strings.Repeat("x", 1<<20) + `"` + strings.Repeat("}", testDepth)
	got, ok = AppendValid(nil, []byte(deep), testDepth)
	if want := len(deep) - testDepth*len(`"a":1,`); !ok || len(got) != want {
		t.Errorf("%d bytes became %d, want %d", len(deep), len(got), want)
	}
}
