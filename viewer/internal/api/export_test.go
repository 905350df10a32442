package api

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/store"
)

// closer is an answer that closes the store as soon as it has some lines.
type closer struct {
	*httptest.ResponseRecorder
	store *store.Store
	lines int // 0: it stays open
	err   error
}

func (c *closer) Write(b []byte) (int, error) {
	n, err := c.ResponseRecorder.Write(b)
	if c.lines > 0 && bytes.Count(c.Body.Bytes(), []byte("\n")) >= c.lines {
		c.lines = 0
		c.err = c.store.Close()
	}
	return n, err
}

// export asks for an export, and says whether the connection was broken off.
func export(t *testing.T, target string, lines int) (w *closer, broken any) {
	t.Helper()
	s, err := store.Open(t.TempDir(), store.Options{Fast: true})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	logs := make([]event.Log, 2*maxPage+1)
	for i := range logs {
		logs[i] = event.Log{Time: time.Now().UnixNano(), Source: "api", Message: fmt.Sprint("m", i)}
	}
	if err := s.Append(t.Context(), &store.Batch{Logs: logs}); err != nil {
		t.Fatal(err)
	}
	if lines == 0 {
		s.Close()
	}
	mux := http.NewServeMux()
	(&API{Store: s, Now: time.Now}).Register(mux)
	w = &closer{ResponseRecorder: httptest.NewRecorder(), store: s, lines: lines}
	defer func() { broken = recover() }()
	mux.ServeHTTP(w, httptest.NewRequest(http.MethodGet, target, http.NoBody))
	return w, nil
}

// An export that fails on the way does not end like one that is whole; one that
// fails at once says why.
func TestExportFails(t *testing.T) {
	for _, format := range []string{"ndjson", "csv"} {
		target := "/api/export?format=" + format
		w, broken := export(t, target, 1<<30)
		if n := strings.Count(w.Body.String(), "\n"); broken != nil || n < 2*maxPage+1 {
			t.Errorf("%s: %d lines, %v", format, n, broken)
		}
		w, broken = export(t, target, 10)
		if n := strings.Count(w.Body.String(), "\n"); broken != http.ErrAbortHandler || n < maxPage || n > maxPage+1 || w.err != nil {
			t.Errorf("%s: the store was closed (%v) and the export ended with %v after %d lines", format, w.err, broken, n)
		}
		if w, broken = export(t, target, 0); broken != nil || w.Code != http.StatusInternalServerError || w.Header().Get("Content-Disposition") != "" {
			t.Errorf("%s: a store that is closed: %d %s, %v", format, w.Code, w.Body, broken)
		}
	}
}

// A cell is no formula, whatever a spreadsheet skips before it.
func TestHarmless(t *testing.T) {
	for _, s := range []string{"=1", "+1", "-1", "@a", "\t=1", "\r=1", "\n=1"} {
		if got := Harmless(s); got != "'"+s {
			t.Errorf("%q became %q", s, got)
		}
	}
	for _, s := range []string{"", "a=1", " ", "é"} {
		if got := Harmless(s); got != s {
			t.Errorf("%q became %q", s, got)
		}
	}
}
