package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/slogship/slogship/viewer/internal/api"
)

// Lines hold what the records hold; no cell is a formula.
func TestLines(t *testing.T) {
	v := newViewer(t, 250)
	var out bytes.Buffer
	if _, err := (&Export{Get: v.get}).Run(t.Context(), NDJSON(&out)); err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(out.String()), "\n")
	var r api.Record
	if err := json.Unmarshal([]byte(lines[8]), &r); err != nil || len(lines) != 250 || r.Message != "request 8" || string(r.Attrs) != `{"n":8,"user":{"id":1},"list":[1,2]}` || r.Trace != traceID {
		t.Errorf("%d lines, %+v, %v", len(lines), r, err)
	}
	out.Reset()
	if _, err := (&Export{Get: v.get}).Run(t.Context(), CSV(&out)); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&out).ReadAll()
	if err != nil || len(rows) != 251 || strings.Join(rows[0], ",") != "time,level,source,msg,trace,span,attrs" || rows[9][3] != "request 8" {
		t.Errorf("%d rows, %v, %v", len(rows), rows[:2], err)
	}
	out.Reset()
	c := CSV(&out)
	for _, formula := range []string{"=1+1", "+1", "-1", "@x", "\t=1", "\r=1", "plain, \"quoted\""} {
		if err := c.Take(&api.Record{Source: formula, Message: formula}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := c.Close(1); err != nil {
		t.Fatal(err)
	}
	if rows, err = csv.NewReader(&out).ReadAll(); err != nil || len(rows) != 8 {
		t.Fatal(rows, err)
	}
	for _, row := range rows[1:7] {
		if row[2][0] != '\'' || row[3][0] != '\'' {
			t.Errorf("a formula: %q", row)
		}
	}
	out.Reset()
	if c := CSV(&out); c != nil {
		if _, err := c.Close(0); err != nil || !strings.HasPrefix(out.String(), "time,") {
			t.Errorf("of nothing: %q, %v", out.String(), err)
		}
	}
}

// Once the output cannot be written, nobody is told that something was kept.
func TestLinesUnwritable(t *testing.T) {
	v := newViewer(t, 2000)
	for name, sink := range map[string]Sink{"NDJSON": NDJSON(full{}), "CSV": CSV(full{})} {
		p, err := (&Export{Get: v.get}).Run(t.Context(), sink)
		if !errors.Is(err, errFull) || p.Cursor != 0 {
			t.Errorf("%s: %+v, %v", name, p, err)
		}
	}
}

type full struct{}

var errFull = errors.New("no space left")

func (full) Write([]byte) (int, error) { return 0, errFull }
