package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// A chunk is what is shipped between two calls of Flush. It fits into the
// handler's default limits (65,536 records, 32 MiB), even if each byte of text
// takes six in JSON. So no record is dropped because memory is full.
const (
	chunkLines = 10_000
	chunkBytes = 4 << 20
)

// replay ships files, one after the other.
type replay struct {
	handler *slogship.Handler
	backend *slogshiptest.Server // nil if the receiver is somebody else's
}

// newReplay ships to url, or to a receiver of its own if url is empty.
func newReplay(url string, header http.Header, format slogship.Format) (r *replay, err error) {
	r = &replay{}
	if url == "" {
		r.backend = slogshiptest.StartServer()
		url, header = r.backend.URL, r.backend.Header()
	}
	r.handler, err = slogship.New(url, &slogship.Options{
		Header: header,
		Format: format,
		Level:  slog.LevelDebug, // every line, whatever it says
	})
	if err != nil {
		r.close()
		return nil, err
	}
	return r, nil
}

func (r *replay) close() {
	if r.handler != nil {
		_ = r.handler.Close() // there is nothing left: ship has flushed
	}
	if r.backend != nil {
		r.backend.Close()
	}
}

// sentLine is a line that was shipped, as it should arrive.
type sentLine struct {
	text   string
	number int
	entry  entry
}

// ship ships the lines of f; the last line need not end with a newline. After each
// chunk it calls Flush, and waits until all lines have arrived, so that none is
// dropped because memory is full. If ctx ends, ship calls Close, which takes up to
// 5 s to deliver what was read, and returns. Its error is that of reading f.
func (r *replay) ship(ctx context.Context, f input) (t *tally, err error) {
	t = &tally{compared: r.backend != nil}
	before := r.handler.Stats()
	start := time.Now()
	fileAttr := slog.String("file", f.name)

	in := bufio.NewReader(f)
	var chunk []sentLine
	size := 0
	for ctx.Err() == nil && err == nil {
		var text string
		text, err = in.ReadString('\n') // of any length
		if text != "" {
			text = strings.TrimSuffix(strings.TrimSuffix(text, "\n"), "\r")
			line := sentLine{text, t.lines + 1, recognise(text, time.Now())}
			t.note(line)
			r.log(ctx, fileAttr, line)
			chunk = append(chunk, line)
			size += len(text)
		}
		if len(chunk) >= chunkLines || size >= chunkBytes || err != nil {
			r.flush(ctx)
			t.took += time.Since(start)
			r.compare(t, chunk)
			chunk, size = chunk[:0], 0
			start = time.Now()
		}
	}
	if len(chunk) > 0 { // interrupted
		r.flush(ctx)
		r.compare(t, chunk)
	}
	t.books(before, r.handler.Stats())
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return t, err
}

// log hands a line to the handler. An application would use a slog.Logger,
// which sets the time to now; here the record has the time of the line.
func (r *replay) log(ctx context.Context, file slog.Attr, line sentLine) {
	at := line.entry.time
	if at.IsZero() {
		at = time.Now()
	}
	rec := slog.NewRecord(at, line.entry.level, line.text, 0)
	rec.AddAttrs(file, slog.Int("line", line.number))
	if line.entry.program != "" {
		rec.AddAttrs(slog.String("program", line.entry.program))
	}
	_ = r.handler.Handle(ctx, rec) // always nil: a lost record is counted in Stats
}

// flush waits until what was logged has arrived or was refused. What was
// refused, or did not arrive in time, is in the handler's Stats.
func (r *replay) flush(ctx context.Context) {
	if err := r.handler.Flush(ctx); errors.Is(err, slogship.ErrUnsent) {
		_ = r.handler.Close() // ctx ended
	}
}

// compare compares the records that the receiver got since the last call with the
// lines that were sent since then.
func (r *replay) compare(t *tally, sent []sentLine) {
	if r.backend == nil {
		return
	}
	arrived := r.backend.Records()
	r.backend.Reset() // or it would remember all files
	for _, line := range sent {
		for len(arrived) > 0 && lineNumber(&arrived[0]) < line.number {
			t.mistake(fmt.Errorf("line %d arrived again or out of order", lineNumber(&arrived[0])))
			arrived = arrived[1:]
		}
		if len(arrived) == 0 || lineNumber(&arrived[0]) > line.number {
			t.mistake(fmt.Errorf("line %d did not arrive", line.number))
			continue
		}
		if err := line.compare(&arrived[0]); err != nil {
			t.mistake(err)
		}
		arrived = arrived[1:]
	}
	for i := range arrived {
		t.mistake(fmt.Errorf("line %d arrived again or out of order", lineNumber(&arrived[i])))
	}
}

// lineNumber is the line number of a record, 0 if it has none.
func lineNumber(rec *slogshiptest.Record) int {
	n, _ := rec.Attrs["line"].(json.Number)
	number, _ := strconv.Atoi(n.String())
	return number
}

// compare returns an error if rec is not what line became.
func (l sentLine) compare(rec *slogshiptest.Record) error {
	want, got := l.text, rec.Message
	if !utf8.ValidString(want) {
		want = string([]rune(want)) // in JSON, what is not UTF-8 becomes U+FFFD
	}
	if rec.Attrs["_cut"] == true {
		// The front of the line, and a mark in place of the rest.
		got = got[:max(0, strings.LastIndex(got, "…"))]
		want = want[:min(len(want), len(got))]
	}
	at := l.entry.time.Truncate(time.Microsecond) // as the receiver keeps it
	switch {
	case got != want:
		return fmt.Errorf("line %d %q arrived as %q", l.number, shortened(l.text), shortened(rec.Message))
	case rec.Level != strings.ToLower(l.entry.level.String()):
		return fmt.Errorf("line %d, level %v, arrived with level %q", l.number, l.entry.level, rec.Level)
	case !at.IsZero() && !at.Equal(rec.Time):
		return fmt.Errorf("line %d, of %v, arrived with time %v", l.number, at, rec.Time)
	}
	return nil
}

// shortened is the front of s, for an error.
func shortened(s string) string {
	if len(s) > 100 {
		return s[:100] + "…"
	}
	return s
}
