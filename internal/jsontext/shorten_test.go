package jsontext

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/slogship/slogship/internal/dice"
)

// A shortened string has at most limit bytes, ends in the mark, and begins as
// before.
func TestShortenString(t *testing.T) {
	for _, s := range []string{"", "short", strings.Repeat("x", 100), strings.Repeat("é", 50), strings.Repeat("😀", 25)} {
		for limit := len(CutMark) + 3; limit < 120; limit++ {
			got := ShortenString(s, limit)
			front, cut := strings.CutSuffix(got, CutMark)
			if cut != (len(s) > limit) || len(got) > limit || !strings.HasPrefix(s, front) || !utf8.ValidString(got) || cut && len(got) < limit-3 {
				t.Fatalf("%q to %d is %q", s, limit, got)
			}
		}
	}
}

// The water level is the greatest limit that fits.
func TestWaterLevel(t *testing.T) {
	sum := func(lengths []int, limit int) (sum int) {
		for _, n := range lengths {
			sum += min(n, limit)
		}
		return sum
	}
	for seed := range uint64(500) {
		d := dice.Seeded(seed, 30)
		lengths := []int{d.N(100)}
		for range d.N(10) {
			lengths = append(lengths, d.N(100))
		}
		room := d.N(256)
		limit := WaterLevel(slices.Clone(lengths), room)
		if sum(lengths, limit) > room || limit < slices.Max(lengths) && sum(lengths, limit+1) <= room {
			t.Fatalf("%v in %d: %d", lengths, room, limit)
		}
	}
}

// Canonical JSON whose strings are shortened is canonical JSON with the same keys
// and numbers, and fits.
func TestShorten(t *testing.T) {
	shortened := 0
	for seed := range uint64(2000) {
		text := string(anyText(dice.Seeded(seed, 200).Any(4)))
		for _, n := range []int{50, 90, 150, 300} {
			got, ok := Shorten(text, n)
			if !ok || len(text) <= n {
				continue
			}
			shortened++
			again, ok := AppendValid(nil, []byte(got), testDepth)
			if !ok || string(again) != got || len(got) > n {
				t.Fatalf("%s became %s", text, got)
			}
			if !shortOf(decoded(t, text), decoded(t, got)) {
				t.Fatalf("%s became %s", text, got)
			}
		}
	}
	if shortened < 100 {
		t.Errorf("%d texts were shortened, which proves nothing", shortened)
	}
	if got := ShortenStrings(`["`+strings.Repeat(`\"`, 50)+`"]`, 40); got != `["`+strings.Repeat(`\"`, 16)+CutMark+`"]` {
		t.Errorf("got %s", got)
	}
	if got := ShortenStrings(`["`+strings.Repeat("x", 24)+strings.Repeat(`\u0001`, 50)+`"]`, 40); got != `["`+strings.Repeat("x", 24)+`\u0001`+CutMark+`"]` {
		t.Errorf("got %s", got)
	}
	if got, ok := Shorten(`[`+strings.Repeat("1,", 100)+`1]`, 50); ok {
		t.Errorf("numbers became %s", got)
	}
}

func decoded(tb testing.TB, text string) (v any) {
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		tb.Fatal(err)
	}
	return v
}

// shortOf reports whether b is a, but for strings that are shortened.
func shortOf(a, b any) bool {
	switch a := a.(type) {
	case string:
		front, cut := strings.CutSuffix(b.(string), CutMark)
		return a == b || cut && strings.HasPrefix(a, front)
	case []any:
		return slices.EqualFunc(a, b.([]any), shortOf)
	case map[string]any:
		for k := range a {
			if !shortOf(a[k], b.(map[string]any)[k]) {
				return false
			}
		}
		return len(a) == len(b.(map[string]any))
	}
	return a == b
}
