package export

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"

	"github.com/slogship/slogship/viewer/internal/api"
)

// lines writes a line a record.
type lines struct {
	out   *bufio.Writer
	write func(r *api.Record) error
	flush func() error
}

// NDJSON writes records as the API has them, a JSON object a line.
func NDJSON(w io.Writer) Sink {
	out := bufio.NewWriterSize(w, 64<<10)
	e := json.NewEncoder(out)
	e.SetEscapeHTML(false)
	return &lines{out, func(r *api.Record) error { return e.Encode(r) }, out.Flush}
}

// CSV writes records as comma-separated values, with the attributes as JSON. What
// a spreadsheet would take for a formula begins with an apostrophe.
func CSV(w io.Writer) Sink {
	out := bufio.NewWriterSize(w, 64<<10)
	c := csv.NewWriter(out)
	headed := false
	head := func() error {
		if headed {
			return nil
		}
		headed = true
		return c.Write([]string{"time", "level", "source", "msg", "trace", "span", "attrs"})
	}
	return &lines{out, func(r *api.Record) error {
		if err := head(); err != nil {
			return err
		}
		return c.Write([]string{r.Time, r.Level, api.Harmless(r.Source), api.Harmless(r.Message), r.Trace, r.Span, string(r.Attrs)})
	}, func() error {
		if err := head(); err != nil {
			return err
		}
		c.Flush()
		if err := c.Error(); err != nil {
			return err
		}
		return out.Flush()
	}}
}

// Take writes a line.
func (l *lines) Take(r *api.Record) error { return l.write(r) }

// Close flushes. Once a write failed nobody knows what the reader has.
func (l *lines) Close(taken int64) (int64, error) {
	if err := l.flush(); err != nil {
		return 0, fmt.Errorf("the output cannot be written: %w", err)
	}
	return taken, nil
}
