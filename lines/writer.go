// Package lines turns lines of text into log/slog records. The lines may come from
// another logger, from the standard output of a program, or from a file.
//
//	logger -> Writer -> line -> Decoder -> slog.Record -> slog.Handler
//
//	w := lines.NewWriter(h, nil)
//	defer w.Close()
//	logger := zerolog.New(w).With().Timestamp().Logger()
//
// Each line may be a JSON object, logfmt or text.
//
// The members of a JSON object become attributes in the same order, and nested objects
// become groups. Arrays stay JSON, and so do numbers that would lose digits as an
// int64, uint64 or float64. The time, the level and the message are recognised under
// the names that zerolog, zap, logrus, pino, slog and ECS use.
//
// If a line of text begins with a time or a level or both, they become those of the
// record, and the rest is the message:
//
//	2006-01-02 15:04:05,999 - INFO  [main] no key fits    time, level; "[main] no key fits"
//	[Mon Jan  2 15:04:05 2006] [error] no key fits        time, level; "no key fits"
//	Jan  2 15:04:05 door sshd[77]: no key fits            time; "door sshd[77]: no key fits"
//	2006/01/02 15:04:05 no key fits                       time; "no key fits"
//	<11>no key fits                                       level; "no key fits"
//	I0102 15:04:05.999999      77 key.go:7] no key fits   time, level; "77 key.go:7] no key fits"
//
// A time after the first word, a level in capitals among the first four words after the
// time, and a level with a colon at the beginning of the message are recognised, too.
// They then also stay in the message.
//
// Any input becomes records in valid UTF-8. It does not matter how it is divided into
// calls of Write.
package lines

import (
	"bytes"
	"context"
	"log/slog"
	"sync"
	"time"
	"unicode/utf8"
)

// syncTimeout bounds how long Sync and Close wait for the handler.
const syncTimeout = 5 * time.Second

// keepBuffer is up to how many bytes the buffer of an unfinished line is kept
// when the line has ended.
const keepBuffer = 64 << 10

// beyond is how many bytes of a line are kept that are beyond its bound: a \r
// at the end does not count, and a character is not cut in two.
const beyond = utf8.UTFMax

// Writer is an [io.WriteCloser] that passes each line written to it to a handler, as a
// record. A Write may have a part of a line, or many lines. An unfinished line waits
// until a later Write or Close ends it. Blank lines are dropped, and so are records
// whose level is not enabled in the handler.
//
// A Writer is safe for concurrent use. Calls of Write are processed one after the
// other: parts of lines from several goroutines are joined, as in a file. The Writer
// holds a lock while it calls the handler, in the order of the lines. If the handler
// waits, Write waits, and the handler must not write to the Writer.
//
// The Writer does not close the handler. Close the Writer first, then the
// handler.
type Writer struct {
	handler slog.Handler
	maxLine int
	begins  func(line []byte) bool
	wait    time.Duration

	mu      sync.Mutex // guards what follows; held while the handler is called
	decoder *Decoder

	line    []byte // the unfinished line, its first maxLine+beyond bytes
	skipped int    // how many bytes came after these
	last    byte   // the last of the skipped ones

	// With begins only.
	holding bool
	held    []byte      // the record that may go on, at most maxLine bytes
	cut     int         // how many bytes were left out of it
	heldAt  time.Time   // when its latest line came
	timer   *time.Timer // calls expire; nil if it is not set
}

// NewWriter returns a Writer that passes records to h. Nil opts are the same as
// the zero [Options].
func NewWriter(h slog.Handler, opts *Options) *Writer {
	o := opts.resolve()
	return &Writer{
		handler: h,
		maxLine: o.MaxLine,
		begins:  o.Begins,
		wait:    o.Wait,
		decoder: &Decoder{opts: o},
	}
}

// Write passes the lines that end in p to the handler, and keeps a copy of the text
// after the last line break for the next Write. It does not keep p. It always returns
// len(p) and nil.
func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	now := time.Now()
	for rest := p; ; {
		end := bytes.IndexByte(rest, '\n')
		if end < 0 {
			w.keepLocked(rest)
			return len(p), nil
		}
		line := rest[:end]
		rest = rest[end+1:]
		if len(w.line) == 0 {
			w.endLocked(line, 0, 0, now)
			continue
		}
		w.keepLocked(line)
		w.endKeptLocked(now)
	}
}

// Sync passes a record that waits for more lines to the handler. If the handler has a
// method Flush(context.Context) error, as slogship's does, Sync calls it with a
// deadline of 5 s, and returns its error. An unfinished line is not passed on. zap
// calls Sync before it ends the process.
func (w *Writer) Sync() error {
	w.mu.Lock()
	if w.timer != nil {
		w.timer.Stop()
		w.timer = nil
	}
	w.releaseLocked()
	w.mu.Unlock()
	h, ok := w.handler.(interface {
		Flush(ctx context.Context) error
	})
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), syncTimeout)
	defer cancel()
	return h.Flush(ctx)
}

// Close ends an unfinished line, and then does the same as [Writer.Sync]. It does not
// close the handler. zerolog calls Close before it ends the process. Write can be
// called after Close, so that late records are not lost.
func (w *Writer) Close() error {
	w.mu.Lock()
	w.endKeptLocked(time.Now())
	w.mu.Unlock()
	return w.Sync()
}

// keepLocked adds p to the unfinished line.
func (w *Writer) keepLocked(p []byte) {
	fit := min(len(p), w.maxLine+beyond-len(w.line))
	w.line = append(w.line, p[:fit]...)
	if p = p[fit:]; len(p) > 0 {
		w.skipped += len(p)
		w.last = p[len(p)-1]
	}
}

// endKeptLocked ends the unfinished line.
func (w *Writer) endKeptLocked(now time.Time) {
	if len(w.line) == 0 {
		return
	}
	line, skipped := w.line, w.skipped
	w.line, w.skipped = line[:0], 0 // before the handler is called: it may panic
	if cap(line) > keepBuffer {
		w.line = nil
	}
	w.endLocked(line, skipped, w.last, now)
}

// endLocked takes a line that has ended. After its bytes came skipped more, of
// which last was the last.
func (w *Writer) endLocked(line []byte, skipped int, last byte, now time.Time) {
	if skipped > 0 {
		if last == '\r' {
			skipped--
		}
	} else {
		line = bytes.TrimSuffix(line, []byte{'\r'})
	}
	line, cut := clip(line, w.maxLine)
	cut += skipped
	if w.begins == nil {
		w.emitLocked(line, cut, now)
		return
	}
	if w.holding && !w.begins(line) {
		if room := w.maxLine - len(w.held) - 1; w.cut > 0 || room < 0 {
			w.cut += 1 + len(line) + cut // no line after a gap
		} else {
			part, more := clip(line, room)
			w.held = append(append(w.held, '\n'), part...)
			w.cut = more + cut
		}
	} else {
		w.releaseLocked()
		w.holding = true
		w.held = append(w.held[:0], line...)
		w.cut = cut
	}
	w.heldAt = now
	if w.timer == nil {
		w.timer = time.AfterFunc(w.wait, w.expire)
	}
}

// expire runs in a goroutine of its own when the timer ends, and hands over the
// record that no line has been added to for so long.
func (w *Writer) expire() {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.timer = nil
	if !w.holding {
		return
	}
	if left := w.wait - time.Since(w.heldAt); left > 0 {
		w.timer = time.AfterFunc(left, w.expire)
		return
	}
	w.releaseLocked()
}

// releaseLocked hands over the record that may go on.
func (w *Writer) releaseLocked() {
	if !w.holding {
		return
	}
	w.holding = false
	record := w.held
	if cap(record) > keepBuffer {
		w.held = nil
	}
	w.emitLocked(bytes.TrimRight(record, "\n"), w.cut, w.heldAt)
}

// emitLocked hands a record to the handler, unless it is blank.
func (w *Writer) emitLocked(record []byte, cut int, now time.Time) {
	if len(bytes.TrimSpace(record)) == 0 && cut == 0 {
		return
	}
	r := w.decoder.decodeCut(record, now, cut > 0)
	if cut > 0 {
		r.AddAttrs(slog.Int("cut_bytes", cut))
	}
	ctx := context.Background()
	if w.handler.Enabled(ctx, r.Level) {
		_ = w.handler.Handle(ctx, r) // a logger has nothing to do about it; slogship counts its losses
	}
}

// clip shortens line to at most limit bytes, to the end of a character, and
// returns how many bytes it left out.
func clip(line []byte, limit int) (front []byte, cut int) {
	if len(line) <= limit {
		return line, 0
	}
	n := limit
	for i := n; i > 0 && i > n-utf8.UTFMax; { // i is where the last character begins, if it is one that goes on
		i--
		if utf8.RuneStart(line[i]) {
			if _, size := utf8.DecodeRune(line[i:]); size > 1 && i+size > n {
				n = i
			}
			break
		}
	}
	return line[:n], len(line) - n
}
