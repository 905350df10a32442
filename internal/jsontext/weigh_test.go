package jsontext

import (
	"bytes"
	"encoding/json"
	"runtime"
	"strings"
	"testing"
	"time"
)

type (
	list struct{ Next *list }
	tree struct{ A, B *tree }
	self *self

	// hidden is long, and writes little.
	hidden struct{ Text string }

	sparse struct {
		A, B, C, D, E, F, G, H, I, J, K, L string `json:",omitempty"`
		M                                  []byte `json:"-"`
		n                                  []byte // it is not written
	}
)

func (*hidden) MarshalJSON() ([]byte, error) { return []byte(`"-"`), nil }

// A value whose text would be too long, or nest too deeply, is not written before it
// is given up: some would have no end, others would end the process.
func TestHugeValuesCostLittle(t *testing.T) {
	long := strings.Repeat("x", 64<<20)
	var lists *list
	for range 3_000_000 {
		lists = &list{lists}
	}
	var trees *tree
	for range 60 {
		trees = &tree{trees, trees}
	}
	var pointer self
	pointer = &pointer
	const tooLong, tooDeep = "it is too long", "it is cyclic, or nests too deeply"
	for name, c := range map[string]struct {
		v    any
		want string
	}{
		"a string in a struct":      {struct{ S string }{long}, tooLong},
		"bytes in a pointer":        {&struct{ B []byte }{[]byte(long)}, tooLong},
		"one string often":          {[]string{long[:1<<19], long[:1<<19], long[:1<<19]}, tooLong},
		"a key":                     {map[string]int{long: 1}, tooLong},
		"a value":                   {map[int]*string{1: &long}, tooLong},
		"an any in a struct":        {struct{ A any }{map[string]any{"a": long}}, tooLong},
		"numbers":                   {make([]int, 2<<20), tooLong},
		"an array":                  {new([2 << 20]bool), tooLong},
		"empty structs":             {make([]struct{}, 2<<20), tooLong},
		"a list":                    {lists, tooDeep},
		"a tree of the same leaves": {[]*tree{trees, trees}, tooLong},
		"a pointer to itself":       {pointer, tooLong},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		text, short := AppendAny(nil, c.v, Bounds{String: 1 << 20, Text: 1 << 20, Depth: 500})
		runtime.ReadMemStats(&after)
		if !strings.HasSuffix(string(text), ": "+c.want+`"`) || short != (c.want == tooLong) {
			t.Errorf("%s: %.200q, %v", name, text, short)
		}
		if cost := after.TotalAlloc - before.TotalAlloc; cost > 1<<20 {
			t.Errorf("%s: %d bytes allocated", name, cost)
		}
	}
}

// What is not written does not count.
func TestWeighsOnlyWhatIsWritten(t *testing.T) {
	long := strings.Repeat("x", 2000)
	for name, v := range map[string]any{
		"a marshaler":                  &hidden{long},
		"a marshaler in a slice":       []hidden{{long}, {long}},
		"a marshaler in a struct":      &struct{ H *hidden }{&hidden{long}},
		"empty fields":                 make([]sparse, 300),
		"fields without names":         sparse{M: []byte(long), n: []byte(long)},
		"times":                        make([]time.Time, 20),
		"just short enough":            struct{ S string }{long[:990]},
		"numbers, just short enough":   make([]int, 499),
		"a nil in an interface":        struct{ A any }{},
		"an interface in an interface": struct{ A any }{&[]any{1, "a", nil}},
	} {
		var want bytes.Buffer
		enc := json.NewEncoder(&want)
		if err := enc.Encode(v); err != nil {
			t.Fatal(err)
		}
		text, short := AppendAny(nil, v, Bounds{String: 1000, Text: 1000, Depth: 10})
		if string(text)+"\n" != want.String() || short {
			t.Errorf("%s: %.200q, want %.200q", name, text, want.String())
		}
	}
}
