package slogshiptest_test

import (
	"fmt"
	"log/slog"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// A report is a testing.TB that only takes down what fails.
type report struct {
	testing.TB
	failures []string
}

func (*report) Helper() {}

func (r *report) Errorf(format string, args ...any) {
	r.failures = append(r.failures, fmt.Sprintf(format, args...))
}

func (r *report) Error(args ...any) { r.failures = append(r.failures, fmt.Sprintln(args...)) }

// A format is a Format whose AppendEvent is a function.
type format struct {
	layout      slogship.Layout
	appendEvent func(dst []byte, e *slogship.Event) []byte
	answer      func(a slogship.Answer) slogship.Verdict
}

func (f format) Layout() slogship.Layout                          { return f.layout }
func (f format) AppendEvent(dst []byte, e *slogship.Event) []byte { return f.appendEvent(dst, e) }
func (f format) ReadAnswer(a slogship.Answer) (v slogship.Verdict) {
	if f.answer != nil {
		v = f.answer(a)
	}
	return v
}

var lines = slogship.Layout{ContentType: "application/x-ndjson", Separator: "\n", Tail: "\n"}

// plain writes an event as a stranger would.
func plain(dst []byte, e *slogship.Event) []byte {
	dst = slogship.AppendString(append(dst, `{"id":`...), e.ID)
	dst = slogship.AppendString(append(dst, `,"message":`...), e.Message)
	dst = slogship.AppendAttrs(append(dst, `,"attributes":{`...), e.Attrs)
	return append(dst, "}}"...)
}

// Formats that keep the rules pass.
func TestCheckFormatPasses(t *testing.T) {
	slogshiptest.CheckFormat(t, slogship.Logflare())
	slogshiptest.CheckFormat(t, format{layout: lines, appendEvent: plain})
	pool := sync.Pool{New: func() any { return new([]slog.Attr) }}
	slogshiptest.CheckFormat(t, format{layout: lines, appendEvent: func(dst []byte, e *slogship.Event) []byte {
		scratch := pool.Get().(*[]slog.Attr) // still points to the attributes when it comes back
		defer pool.Put(scratch)
		*scratch = append((*scratch)[:0], e.Attrs...)
		e.Attrs = *scratch
		return plain(dst, e)
	}})
}

// Those that do not are told which.
func TestCheckFormatFails(t *testing.T) {
	var calls atomic.Int64
	var mu sync.Mutex
	var texts []string
	var last []slog.Attr
	var lastError any
	kept := map[string]int{}
	messages := map[string]string{}
	var running atomic.Int64
	for _, c := range []struct {
		name        string
		layout      func(l *slogship.Layout)
		appendEvent func(dst []byte, e *slogship.Event) []byte
		answer      func(a slogship.Answer) slogship.Verdict
		want        string
	}{
		{name: "an error", layout: func(l *slogship.Layout) { l.Err = fmt.Errorf("no index") }, want: "no index"},
		{name: "no content type", layout: func(l *slogship.Layout) { l.ContentType = "" }, want: "no ContentType"},
		{name: "panics over the zero Event", appendEvent: func(dst []byte, e *slogship.Event) []byte {
			return append(plain(dst, e), e.ID[47])
		}, want: "panics over the zero Event"},
		{name: "panics over a kind", appendEvent: func(dst []byte, e *slogship.Event) []byte {
			for _, a := range e.Attrs {
				if _, ok := a.Value.Any().(*slogship.Bytes); ok {
					panic("bytes")
				}
			}
			return plain(dst, e)
		}, want: "panics over bytes: bytes"},
		{name: "writes nothing", appendEvent: func(dst []byte, _ *slogship.Event) []byte { return dst }, want: "wrote nothing"},
		{name: "begins anew", appendEvent: func(dst []byte, e *slogship.Event) []byte { return plain(dst[:0], e) }, want: "changed what it was to append to"},
		{name: "counts", appendEvent: func(dst []byte, e *slogship.Event) []byte {
			e.Message = fmt.Sprint(calls.Add(1))
			return plain(dst, e)
		}, want: "not deterministic"},
		{name: "keeps messages", appendEvent: func(dst []byte, e *slogship.Event) []byte {
			mu.Lock()
			defer mu.Unlock()
			texts = append(texts, e.Message)
			return plain(dst, e)
		}, want: "keeps a text"},
		{name: "keeps a message as a key", appendEvent: func(dst []byte, e *slogship.Event) []byte {
			mu.Lock()
			defer mu.Unlock()
			kept[e.Message]++
			return plain(dst, e)
		}, want: "keeps a text"},
		{name: "keeps the last attributes", appendEvent: func(dst []byte, e *slogship.Event) []byte {
			mu.Lock()
			defer mu.Unlock()
			last = e.Attrs
			return plain(dst, e)
		}, want: "keeps a slice of attributes"},
		{name: "keeps an error", appendEvent: func(dst []byte, e *slogship.Event) []byte {
			mu.Lock()
			defer mu.Unlock()
			for _, a := range e.Attrs {
				if err, ok := a.Value.Any().(*slogship.Error); ok {
					lastError = err
				}
			}
			return plain(dst, e)
		}, want: "keeps an *Error"},
		{name: "writes what it kept", appendEvent: func(dst []byte, e *slogship.Event) []byte {
			mu.Lock()
			defer mu.Unlock()
			dst = slogship.AppendAttrs(append(dst, `{"last":{`...), last)
			last = e.Attrs
			return append(plain(append(dst, `},"this":`...), e), '}')
		}, want: "wrote two things"},
		{name: "writes a text that it kept", appendEvent: func(dst []byte, e *slogship.Event) []byte {
			mu.Lock()
			defer mu.Unlock()
			if known, ok := messages[e.ID]; ok {
				e.Message = known
			}
			messages[strings.Clone(e.ID)] = e.Message
			return plain(dst, e)
		}, want: "wrote two things"},
		{name: "is not for several goroutines", appendEvent: func(dst []byte, e *slogship.Event) []byte {
			if running.Add(1) > 1 {
				e.Message = "another one is running"
			}
			defer running.Add(-1)
			runtime.Gosched()
			return plain(dst, e)
		}, want: "wrote two things"},
		{name: "is no JSON", appendEvent: func(dst []byte, e *slogship.Event) []byte {
			return append(append(append(dst, `{"message":"`...), e.Message...), `"}`...)
		}, want: "the body is no JSON"},
		{name: "panics over an answer", answer: func(a slogship.Answer) slogship.Verdict {
			return slogship.Verdict{Refused: int(a.Body[0]) * 0}
		}, want: "ReadAnswer panics over"},
		{name: "refuses more than there is", answer: func(slogship.Answer) slogship.Verdict {
			return slogship.Verdict{Action: slogship.Accept, Refused: 4}
		}, want: "4 refused for 3 records"},
		{name: "has outcomes for others", answer: func(slogship.Answer) slogship.Verdict {
			return slogship.Verdict{Action: slogship.Accept, Outcomes: make([]slogship.Outcome, 2)}
		}, want: "2 outcomes"},
	} {
		f := format{layout: lines, appendEvent: c.appendEvent, answer: c.answer}
		if c.layout != nil {
			c.layout(&f.layout)
		}
		if f.appendEvent == nil {
			f.appendEvent = plain
		}
		r := &report{TB: t}
		slogshiptest.CheckFormat(r, f)
		if !strings.Contains(strings.Join(r.failures, "\n"), c.want) {
			t.Errorf("a format that %s fails with %.300q, want %q", c.name, r.failures, c.want)
		}
	}
	_, _ = last, lastError
}
