package ingest

import "testing"

// The level is taken out of the attributes wherever it stands; of two the last
// counts, and what is no level stays.
func TestWithoutLevel(t *testing.T) {
	for _, c := range []struct {
		metadata, want string
		level          int
	}{
		{`{"level":"info","a":1}`, `{"a":1}`, 0},
		{`{"level":"info","a":1,"level":"warn"}`, `{"a":1}`, 4},
		{`{ "a":1, "level" : "error" }`, `{"a":1}`, 8},
		{`{"level":"warn"}`, ``, 4},
		{`{"level":"loud","a":1}`, `{"level":"loud","a":1}`, -1},
		{`{"a":1}`, `{"a":1}`, -1},
	} {
		level := -1
		if got := string(withoutLevel([]byte(c.metadata), &level)); got != c.want || level != c.level {
			t.Errorf("%s: %s, level %d", c.metadata, got, level)
		}
	}
}
