package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/internal/dice"
)

// anyText is what AppendAny makes of v within bounds that v does not reach.
func anyText(v any) []byte {
	text, _ := AppendAny(nil, v, Bounds{String: 1 << 20, Text: 1 << 20, Depth: testDepth})
	return text
}

// nested panics with itself, also when it is asked what it is.
type nested struct{}

func (n nested) Error() string { panic(n) }

// quitter panics with a cyclic value, which must not be printed.
type quitter struct{}

func (quitter) MarshalJSON() ([]byte, error) { panic(dice.CyclicMap()) }

// Where encoding/json has no answer a string says what was there.
func TestValuesWithoutJSON(t *testing.T) {
	for name, tt := range map[string]struct {
		v    any
		want string
	}{
		"a channel":                     {make(chan int), "!ERROR: chan int: json: unsupported type: chan int"},
		"a function":                    {func(int) {}, "!ERROR: func(int): json: unsupported type: func(int)"},
		"a channel in a struct":         {struct{ C chan int }{}, "!ERROR: struct { C chan int }: json: unsupported type: chan int"},
		"a channel in a map":            {map[string]any{"a": 1, "c": make(chan int)}, "!ERROR: map[string]interface {}: json: unsupported type: chan int"},
		"a complex number":              {complex(1, -2), "(1-2i)"},
		"NaN in a struct":               {struct{ F float64 }{math.NaN()}, "!ERROR: struct { F float64 }: json: unsupported value: NaN"},
		"NaN in a slice":                {[]any{1, math.NaN()}, "!ERROR: []interface {}: it holds NaN or an infinity"},
		"a cyclic map":                  {dice.CyclicMap(), "!ERROR: map[string]interface {}: it is cyclic, or nests too deeply"},
		"a cyclic slice":                {dice.CyclicSlice(), "!ERROR: []interface {}: it is cyclic, or nests too deeply"},
		"a cyclic pointer":              {dice.CyclicPointer(), "!ERROR: *dice.Node: it is cyclic, or nests too deeply"},
		"a marshaler that panics":       {[]any{dice.Panics{}}, "!PANIC: []interface {}: MarshalJSON"},
		"a marshaler that fails":        {dice.Failing{}, "!ERROR: dice.Failing: json: error calling MarshalJSON for type dice.Failing: no \ufffd JSON"},
		"a marshaler of no JSON":        {dice.Writes("{"), "!ERROR: dice.Writes: json: error calling MarshalJSON for type dice.Writes: unexpected end of JSON input"},
		"raw text that is no JSON":      {json.RawMessage("no"), fmt.Sprintf("!ERROR: %T: json: error", json.RawMessage(nil))},
		"a panic that panics":           {nested{}, "!PANIC: jsontext.nested: jsontext.nested"},
		"a panic with a cyclic value":   {quitter{}, "!PANIC: jsontext.quitter: map[string]interface {}"},
		"a nil pointer that panics":     {(*dice.NilError)(nil), "<nil>"},
		"an error in broken UTF-8":      {fmt.Errorf("w: %w", errors.New("x\xff")), "w: x\ufffd"},
		"a number for no float64":       {json.Number("-1e400"), "-1e400"},
		"an error with JSON of its own": {dice.WritesError{Writes: `"JSON"`}, "JSON"},
	} {
		var got string
		if err := json.Unmarshal(anyText(tt.v), &got); err != nil {
			t.Errorf("%s: %v: %s", name, err, anyText(tt.v))
		}
		// What encoding/json says differs between versions of Go.
		if want, _, _ := strings.Cut(tt.want, " type "); !strings.HasPrefix(got, want) {
			t.Errorf("%s: %q, want %q", name, got, tt.want)
		}
		if back := string(AppendUnquoted(nil, anyText(tt.v))); back != got {
			t.Errorf("%s: unquoted it is %q, want %q", name, back, got)
		}
	}
}

// What a marshaler returns is made canonical.
func TestMarshalersAreMadeValid(t *testing.T) {
	for text, want := range map[string]string{
		` { "a" : [ 1 , -0.50 , 1E+5 , true , null ] } `: `{"a":[1,-0.50,1E+5,true,null]}`,
		`"\ud83d\ude00"`:                    `"😀"`,
		`"\ud800 \udc00\ud800\u0041"`:       "\"\ufffd \ufffd\ufffdA\"",
		"\"bad \xff\xc3\"":                  "\"bad \ufffd\ufffd\"",
		"{\"\xff\":1}":                      "{\"\ufffd\":1}",
		`[1e999,-1e999,1e-999]`:             `["1e999","-1e999",1e-999]`,
		strings.Repeat("9", 309):            `"` + strings.Repeat("9", 309) + `"`,
		strings.Repeat("9", 308):            strings.Repeat("9", 308),
		`{"\u006b\/":"\b\f\n\r\t\"\\\/"}`:   `{"k/":"\u0008\u000c\n\r\t\"\\/"}`,
		`"` + "\u2028<&>" + `"`:             "\"\\u2028<&>\"",
		`123456789012345678901234567890e10`: `123456789012345678901234567890e10`,
		`{"k":1,"\u006b":2}`:                `{"k":2}`,
	} {
		if got := string(anyText(json.RawMessage(text))); got != want {
			t.Errorf("%q becomes %s, want %s", text, got, want)
		}
	}
}

// As slog.JSONHandler has it, no HTML is escaped.
func TestHTMLStaysAsItIs(t *testing.T) {
	for _, v := range []any{
		"<&>",
		[]string{"<&>"},
		[]any{"<&>"},
		[]error{nil, dice.WritesError{Writes: `"<&>"`}},
		map[string]any{"<&>": 1},
		struct{ T dice.WritesText }{"<&>"},
	} {
		if text := string(anyText(v)); !strings.Contains(text, "<&>") {
			t.Errorf("%T: %s", v, text)
		}
	}
}

// Any value becomes canonical JSON that decodes to what encoding/json makes of
// it, where that has an answer.
func TestRandomValues(t *testing.T) {
	for seed := range uint64(3000) {
		v := dice.Seeded(seed, 200).Any(3)
		text := anyText(v)
		again, ok := AppendValid(nil, text, testDepth)
		if !ok || !bytes.Equal(again, text) {
			t.Fatalf("seed %d: %T: %.300s is not canonical", seed, v, text)
		}
		if hasEqualKeys(t, text) {
			t.Fatalf("seed %d: %T: %.300s has equal keys", seed, v, text)
		}
		if _, ok := v.(error); ok {
			continue
		}
		want, ok := stdText(v)
		if !ok || depthOf(want) > testDepth {
			if text[0] != '"' {
				t.Fatalf("seed %d: %T: %.300s, want a string", seed, v, text)
			}
			continue
		}
		if !dice.Same(dice.DecodeObject(wrap(want)), dice.DecodeObject(wrap(text))) {
			t.Fatalf("seed %d: %T: %.300s, want %.300s", seed, v, text, want)
		}
	}
}

// stdText is v as encoding/json writes it, if it does.
func stdText(v any) (text []byte, ok bool) {
	defer func() { _ = recover() }()
	text, err := json.Marshal(v)
	return text, err == nil
}

// A slice that holds the same slice twice, and so on, is 2^40 long. It is given
// up before it fills the memory.
func TestValueThatExplodes(t *testing.T) {
	var list, object any = "x", "x"
	for range 40 {
		list = []any{list, list}
		object = map[string]any{"a": object, "b": object}
	}
	for _, v := range []any{list, object} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		text, short := AppendAny([]byte("x"), v, Bounds{String: 100, Text: 4 << 20, Depth: testDepth})
		runtime.ReadMemStats(&after)
		if want := fmt.Sprintf(`x"!ERROR: %T: it is too long"`, v); string(text) != want || !short {
			t.Errorf("got %.300s, short %v, want %s", text, short, want)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
			t.Errorf("it took %d bytes", n)
		}
	}
}

// What is longer than the bounds is cut, or given up, and said to be.
func TestBounds(t *testing.T) {
	type text struct{ S string }
	for _, tt := range []struct {
		v     any
		want  string
		short bool
	}{
		{"12345", `"12345"`, false},
		{"123456", `"12345"`, true},
		{"1234é", `"1234"`, true},
		{[]any{"123456", 1}, `["12345",1]`, true},
		{errors.New("123456"), `"12345"`, true},
		{text{"123456789"}, `{"S":"123456789"}`, false},
		{text{strings.Repeat("x", 20)}, `"!ERRO"`, true},
		{make(chan int), `"!ERRO"`, true},
		{[]any{[]any{[]any{}}}, `"!ERRO"`, true},
		{[]any{[]any{}}, `[[]]`, false},
		{[]text{{}}, `[{"S":""}]`, false},
		{[][]text{{{}}}, `"!ERRO"`, true},
		{map[string]any{"a\xff": 1, "a\xfe": 2}, "{\"a\ufffd\":1}", false},
	} {
		got, short := AppendAny(nil, tt.v, Bounds{String: 5, Text: 20, Depth: 2})
		if string(got) != tt.want || short != tt.short {
			t.Errorf("%T %.30v: %s, short %v, want %s, %v", tt.v, tt.v, got, short, tt.want, tt.short)
		}
	}
}

// A year for which RFC 3339 has no room is an error of encoding/json inside a
// value, too.
func TestTimesInValues(t *testing.T) {
	if got, want := string(anyText([]any{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)})), `["2026-01-02T03:04:05Z"]`; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := string(anyText([]any{time.Date(12345, 1, 2, 3, 4, 5, 0, time.UTC)})); !strings.HasPrefix(got, `"!ERROR: []interface {}: `) {
		t.Errorf("%s, want an error", got)
	}
}

// What a panic is described by looks into nothing that may panic in turn.
func TestPanicText(t *testing.T) {
	type text string
	for _, tt := range []struct {
		v    any
		want string
	}{
		{"s", "s"},
		{text("s"), "s"},
		{7, "7"},
		{uint8(7), "7"},
		{0.5, "0.5"},
		{errors.New("e"), "e"},
		{time.Second, "1s"},
		{dice.CyclicMap(), "map[string]interface {}"},
		{nested{}, "jsontext.nested"},
		{nil, "<nil>"},
		{reflect.ValueOf(nested{}), "<jsontext.nested Value>"},
	} {
		if got := PanicText(tt.v); got != tt.want {
			t.Errorf("%T: %q, want %q", tt.v, got, tt.want)
		}
	}
}
