package tail

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/slogship/slogship"
)

const someLines = "one\ntwo\nthree\nfour\n"

// savedState is a directory of positions in a file of someLines, and that file.
func savedState(t testing.TB) (dir, path, positions string) {
	t.Helper()
	dir = t.TempDir()
	path = filepath.Join(dir, "a.log")
	if err := os.WriteFile(path, []byte(someLines[:8]), 0o600); err != nil {
		t.Fatal(err)
	}
	readAll(t, dir, path)
	text, err := os.ReadFile(filepath.Join(dir, "state", "positions.json"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(someLines), 0o600); err != nil { // the same inode
		t.Fatal(err)
	}
	return dir, path, string(text)
}

// readAll follows a file to its end, with the state in dir, and returns its records.
func readAll(t testing.TB, dir, path string) (records []string) {
	t.Helper()
	f, err := Open(Options{
		Patterns: []string{path}, StateDir: filepath.Join(dir, "state"), MaxLine: 100, Warn: func(string) {},
	}, Sink{
		Take:    func(_ Place, record []byte, _ int) bool { records = append(records, string(record)); return true },
		Mark:    func() slogship.Mark { return slogship.Mark{} },
		Settled: func(_, _ slogship.Mark) bool { return true },
	})
	if err != nil {
		if !strings.Contains(err.Error(), "positions.json cannot be used (move it away to begin anew): ") {
			t.Fatalf("the error is %v", err)
		}
		return nil
	}
	f.Once(t.Context())
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	return records
}

// A file of positions that was not written by a follower is refused, by what is wrong
// with it.
func TestBadPositions(t *testing.T) {
	dir, path, good := savedState(t)
	var p positions
	if err := json.Unmarshal([]byte(good), &p); err != nil || len(p.Files) != 1 {
		t.Fatal(good, err)
	}
	for want, change := range map[string]func(p *positions, e *entry){
		"it is of version 2, want 1":                                 func(p *positions, _ *entry) { p.Version = 2 },
		`the ID of PATH is "12", want 32 hexadecimal digits`:         func(_ *positions, e *entry) { e.ID = "12" },
		"the Offset of PATH is -1, want at least 0":                  func(_ *positions, e *entry) { e.Offset = -1 },
		"the HeadBytes of PATH are 0, want 1 to 1024":                func(_ *positions, e *entry) { e.HeadBytes = 0 },
		"the HeadBytes of PATH are 9999, want 1 to 1024":             func(_ *positions, e *entry) { e.HeadBytes = 9999 },
		"the Tail of PATH has 8 bytes, want at most 64 and at most ": func(_ *positions, e *entry) { e.Offset = 7 },
	} {
		bad := positions{Version: p.Version, Files: []entry{p.Files[0]}}
		change(&bad, &bad.Files[0])
		text, err := json.Marshal(bad)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(dir, "state", "positions.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		_, err = Open(Options{Patterns: []string{path}, StateDir: filepath.Join(dir, "state"), MaxLine: 100}, Sink{})
		if want = strings.ReplaceAll(want, "PATH", path); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// Whatever is in the file of positions: it is refused, or the end of the file is read.
//
//	go test -run '^$' -fuzz Positions ./internal/tail
func FuzzPositions(f *testing.F) {
	dir, path, good := savedState(f)
	f.Add([]byte(good))
	f.Add([]byte(strings.Replace(good, `"Offset": 8`, `"Offset": 4`, 1)))
	f.Add([]byte(strings.Replace(good, `"HeadBytes": 4`, `"HeadBytes": -1`, 1)))
	f.Add([]byte(`{"version":1,"files":[{}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		var p positions
		if json.Unmarshal(text, &p) == nil {
			for i := range p.Files { // elsewhere there is nothing to read
				p.Files[i].Path = path
			}
			text, _ = json.Marshal(p)
		}
		if err := os.WriteFile(filepath.Join(dir, "state", "positions.json"), text, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, r := range readAll(t, dir, path) {
			if !strings.Contains(someLines, r) {
				t.Fatalf("a record is %q", r)
			}
		}
		// Whatever it was, it is usable now, or refused still.
		readAll(t, dir, path)
	})
}
