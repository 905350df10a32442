package lines

import "testing"

// A line costs one allocation if it has more attributes than a slog.Record has
// room for, and none if it has not. An array, and a number that no other kind
// writes with the same digits, cost one more each.
func TestAllocations(t *testing.T) {
	if raceDetector {
		t.Skip("it allocates, too")
	}
	lines := []struct {
		name, line string
		most       float64
	}{
		{"few", `{"level":"info","time":"2026-11-25T17:24:20Z","message":"m","a":1,"b":"x","c":true,"d":null,"e":1.5}`, 0},
		{"groups and escapes", `{"level":"info","message":"a\nb","a":{"b":1,"c":{"d":2}},"b":"\u00e9"}`, 0},
		{"array", `{"message":"m","a":[1,2,3]}`, 1},
		{"digits", `{"message":"m","a":1.50}`, 1},
		{"text", "2026-11-25T17:24:20Z INFO no key fits", 0},
		{"syslog", "Dec 10 06:55:46 door sshd[77]: no key", 0},
		{"logfmt", `time=2026-11-25T17:24:20Z level=info msg="no key" a=1 b=2`, 0},
		{"invalid UTF-8", "a\xffb", 0},
	}
	for _, l := range benchLines[:len(benchLines)-1] { // the last has an array
		lines = append(lines, struct {
			name, line string
			most       float64
		}{l.name, l.line, 1})
	}
	for _, l := range lines {
		w := NewWriter(nowhere{}, nil)
		p := []byte(l.line + "\n")
		// What is allocated by the piece counts as none: AllocsPerRun rounds down.
		if got := testing.AllocsPerRun(1000, func() { w.Write(p) }); got > l.most {
			t.Errorf("%s: %v allocations, want at most %v", l.name, got, l.most)
		}
	}
}
