package slogship

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"strings"
	"testing"
	"time"
)

// nested panics with itself, also when it is asked what it is.
type nested struct{}

func (n nested) Error() string { panic(n) }

// quitter panics with a cyclic value, which must not be printed.
type quitter struct{}

func (quitter) MarshalJSON() ([]byte, error) { panic(cyclicMap()) }

// Where encoding/json has no answer a string says what was there, and the
// neighbours arrive as they are.
func TestValuesWithoutJSON(t *testing.T) {
	h := shipTo(t, hanging, Options{})
	for name, tt := range map[string]struct {
		v    any
		want string
	}{
		"a channel":                     {make(chan int), "!ERROR: chan int: json: unsupported type: chan int"},
		"a function":                    {func(int) {}, "!ERROR: func(int): json: unsupported type: func(int)"},
		"a channel in a struct":         {struct{ C chan int }{}, "!ERROR: struct { C chan int }: json: unsupported type: chan int"},
		"a channel in a map":            {map[string]any{"a": 1, "c": make(chan int)}, "!ERROR: map[string]interface {}: json: unsupported type: chan int"},
		"a complex number":              {complex(1, -2), "(1-2i)"},
		"NaN":                           {math.NaN(), "NaN"},
		"an infinity":                   {math.Inf(-1), "-Inf"},
		"NaN in a struct":               {struct{ F float64 }{math.NaN()}, "!ERROR: struct { F float64 }: json: unsupported value: NaN"},
		"NaN in a slice":                {[]any{1, math.NaN()}, "!ERROR: []interface {}: it holds NaN or an infinity"},
		"a cyclic map":                  {cyclicMap(), "!ERROR: map[string]interface {}: it is cyclic, or nests too deeply"},
		"a cyclic slice":                {cyclicSlice(), "!ERROR: []interface {}: it is cyclic, or nests too deeply"},
		"a cyclic pointer":              {cyclicPointer(), "!ERROR: *slogship.node: json: unsupported value: encountered a cycle via *slogship.node"},
		"a marshaler that panics":       {[]any{panics{}}, "!PANIC: []interface {}: MarshalJSON"},
		"a marshaler that fails":        {failing{}, "!ERROR: slogship.failing: json: error calling MarshalJSON for type slogship.failing: no \ufffd JSON"},
		"a marshaler of no JSON":        {writes("{"), "!ERROR: slogship.writes: json: error calling MarshalJSON for type slogship.writes: unexpected end of JSON input"},
		"raw text that is no JSON":      {json.RawMessage("no"), fmt.Sprintf("!ERROR: %T: json: error", json.RawMessage(nil))},
		"a panic that panics":           {nested{}, "!PANIC: slogship.nested: slogship.nested"},
		"a panic with a cyclic value":   {quitter{}, "!PANIC: slogship.quitter: map[string]interface {}"},
		"a nil pointer that panics":     {(*nilError)(nil), "<nil>"},
		"an error in broken UTF-8":      {fmt.Errorf("w: %w", errors.New("x\xff")), "w: x\ufffd"},
		"a number for no float64":       {json.Number("-1e400"), "-1e400"},
		"a year for no RFC 3339":        {time.Date(12345, 1, 2, 3, 4, 5, 0, time.UTC), "12345-01-02T03:04:05Z"},
		"an error with JSON of its own": {writesError{`"JSON"`}, "JSON"},
	} {
		for way, m := range map[string]any{
			"in a record":  eventWith(t, h, slog.Int("a", 1), slog.Any("v", tt.v), slog.Int("b", 2))["metadata"],
			"in a group":   eventWith(t, h, slog.Group("g", slog.Int("a", 1), slog.Any("v", tt.v), slog.Int("b", 2)))["metadata"].(map[string]any)["g"],
			"by WithAttrs": eventWith(t, h.WithAttrs([]slog.Attr{slog.Int("a", 1), slog.Any("v", tt.v)}), slog.Int("b", 2))["metadata"],
		} {
			m := m.(map[string]any)
			got, isString := m["v"].(string)
			if !isString || jsonText(t, m["a"]) != "1" || jsonText(t, m["b"]) != "2" {
				t.Fatalf("%s, %s: %s", name, way, jsonText(t, m))
			}
			// What encoding/json says differs between versions of Go.
			if want, _, _ := strings.Cut(tt.want, " type "); !strings.HasPrefix(got, want) {
				t.Errorf("%s, %s: %q, want %q", name, way, got, tt.want)
			}
		}
	}
}

// What a marshaler returns arrives, made valid where it was not.
func TestMarshalersAreMadeValid(t *testing.T) {
	h := shipTo(t, hanging, Options{})
	for text, want := range map[string]string{
		` { "a" : [ 1 , -0.50 , 1E+5 , true , null ] } `: `{"a":[1,-0.50,1E+5,true,null]}`,
		`"\ud83d\ude00"`:                    `"😀"`,
		`"\ud800 \udc00\ud800\u0041"`:       "\"\ufffd \ufffd\ufffdA\"",
		"\"bad \xff\xc3\"":                  "\"bad \ufffd\ufffd\"",
		"{\"\xff\":1}":                      "{\"\ufffd\":1}",
		`[1e999,-1e999,1e-999]`:             `["1e999","-1e999",1e-999]`,
		strings.Repeat("9", 309):            `"` + strings.Repeat("9", 309) + `"`,
		strings.Repeat("9", 308):            strings.Repeat("9", 308),
		`{"\u006b\/":"\b\f\n\r\t\"\\\/"}`:   `{"k/":"\b\f\n\r\t\"\\/"}`,
		`"` + "\u2028<&>" + `"`:             "\"\\u2028<&>\"",
		`123456789012345678901234567890e10`: `123456789012345678901234567890e10`,
	} {
		if got, want := metadataWith(t, h, slog.Any("v", json.RawMessage(text))), `{"level":"info","v":`+want+`}`; got != want {
			t.Errorf("%q arrives as %s, want %s", text, got, want)
		}
	}
}

// As slog.JSONHandler has it, no HTML is escaped.
func TestHTMLStaysAsItIs(t *testing.T) {
	h := shipTo(t, hanging, Options{})
	for _, v := range []any{"<&>", []string{"<&>"}, []any{"<&>"}, []error{nil, writesError{`"<&>"`}}, map[string]any{"<&>": 1}, struct{ T writesText }{"<&>"}} {
		if event := string(eventOf(t, h, recordWith(slog.Any("v", v)))); !strings.Contains(event, "<&>") {
			t.Errorf("%T: %s", v, event)
		}
	}
}

// A slice that holds the same slice twice, and so on, is 2^40 long. It is given
// up before it fills the memory.
func TestValueThatExplodes(t *testing.T) {
	var list, object any = "x", "x"
	for range 40 {
		list = []any{list, list}
		object = map[string]any{"a": object, "b": object}
	}
	h := shipTo(t, hanging, Options{})
	for _, v := range []any{list, object} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		m := eventWith(t, h, slog.Int("a", 1), slog.Any("v", v), slog.Int("b", 2))["metadata"]
		runtime.ReadMemStats(&after)
		if got, want := jsonText(t, m), fmt.Sprintf(`{"_cut":true,"a":1,"b":2,"level":"info","v":"!ERROR: %T: it is too long"}`, v); got != want {
			t.Errorf("got %.300s, want %s", got, want)
		}
		if n := after.TotalAlloc - before.TotalAlloc; n > 64<<20 {
			t.Errorf("it took %d bytes", n)
		}
	}
}
