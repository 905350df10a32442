package viewer

import (
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Real lines, which nobody here wrote, come back as they were, each once, and are
// found by their words. SLOGSHIP_LOGHUB names a directory with loghub's *.log files.
func TestLoghub(t *testing.T) {
	dir := os.Getenv("SLOGSHIP_LOGHUB")
	if dir == "" {
		t.Skip("SLOGSHIP_LOGHUB names no directory")
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files in %s: %v", dir, err)
	}
	v, err := New(t.TempDir(), &Options{FastCommits: true})
	if err != nil {
		t.Fatal(err)
	}
	defer v.Close()
	for _, file := range files {
		source := strings.TrimSuffix(filepath.Base(file), ".log")
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		var body bytes.Buffer
		for line := range strings.Lines(string(text)) {
			line = strings.ToValidUTF8(strings.TrimRight(line, "\r\n"), "\uFFFD")
			lines = append(lines, line)
			if err := json.NewEncoder(&body).Encode(map[string]string{"msg": line}); err != nil {
				t.Fatal(err)
			}
		}
		var kept struct{ Kept, Refused int }
		ask(t, v, http.MethodPost, "/ndjson?source="+url.QueryEscape(source), &body, &kept)
		if kept.Kept != len(lines) || kept.Refused != 0 {
			t.Errorf("%s: of %d lines %d were kept, %d refused", source, len(lines), kept.Kept, kept.Refused)
		}
		got := map[string]int{}
		for cursor := ""; ; {
			var page struct {
				Records []struct{ Msg string }
				Next    string
			}
			ask(t, v, http.MethodGet, "/api/logs?limit=1000&cursor="+cursor+"&q="+url.QueryEscape(`source:"`+source+`"`), nil, &page)
			for _, r := range page.Records {
				got[r.Msg]++
			}
			if cursor = page.Next; cursor == "" {
				break
			}
		}
		want := map[string]int{}
		for _, line := range lines {
			want[line]++
		}
		for line, n := range want {
			if got[line] != n {
				t.Errorf("%s: %q is there %d times, want %d", source, line, got[line], n)
			}
		}
		if len(got) != len(want) {
			t.Errorf("%s: %d different lines, want %d", source, len(got), len(want))
		}
		t.Logf("%s: %d lines", source, len(lines))
		for i := 0; i < len(lines); i += 97 { // every word of a line finds the line
			var page struct{ Records []struct{ Msg string } }
			phrase := strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(lines[i])
			ask(t, v, http.MethodGet, "/api/logs?limit=1000&q="+url.QueryEscape(`source:"`+source+`" "`+phrase+`"`), nil, &page)
			found := false
			for _, r := range page.Records {
				found = found || r.Msg == lines[i]
			}
			if !found {
				t.Errorf("%s: %q is not found by itself", source, lines[i])
			}
		}
	}
}

// ask asks the viewer, and reads its answer.
func ask(t *testing.T, v *Viewer, method, target string, body *bytes.Buffer, into any) {
	t.Helper()
	if body == nil {
		body = new(bytes.Buffer)
	}
	r := httptest.NewRequestWithContext(t.Context(), method, target, body)
	r.Host = "localhost"
	w := httptest.NewRecorder()
	v.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		t.Fatalf("%s: %d: %s", target, w.Code, w.Body)
	}
	if err := json.Unmarshal(w.Body.Bytes(), into); err != nil {
		t.Fatalf("%s: %v", w.Body, err)
	}
}
