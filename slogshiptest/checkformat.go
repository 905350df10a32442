package slogshiptest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/slogship/slogship"
)

// CheckFormat fails t if f breaks a rule of [slogship.Format]. It calls f with many
// kinds of events, among them the zero Event and events with invalid UTF-8, empty
// names, deep groups, NaN, and years that no backend accepts. It does so one by one,
// from several goroutines at once, and for the body of a request. It fails t
//
//   - if its Layout has an error, or no content type;
//   - if AppendEvent panics, or writes nothing;
//   - if AppendEvent changes bytes that were in dst before;
//   - if it does not write the same bytes for equal Events;
//   - if it keeps a part of an Event, or of the memory to which it appends:
//     CheckFormat overwrites both when AppendEvent has returned;
//   - if the content type is JSON and a body is not a sequence of JSON values;
//   - if ReadAnswer panics.
//
// CheckFormat does not know which bytes the backend expects: test these with an Event
// literal.
func CheckFormat(t testing.TB, f slogship.Format) {
	t.Helper()
	l := f.Layout()
	switch {
	case l.Err != nil:
		t.Errorf("Layout has the error %v", l.Err)
		return
	case l.ContentType == "":
		t.Error("Layout has no ContentType")
	}
	c := &formatCheck{t: t, f: f, layout: l}
	cases := formatCases(l)
	var events [][]byte
	for i := range cases {
		k := &cases[i]
		k.want = c.encode(k, nil)
		if k.want != nil {
			events = append(events, k.want)
		}
	}
	if c.failed {
		return // more of the same would only hide it
	}
	c.checkAgain(cases)
	if c.failed {
		return
	}
	c.checkConcurrently(cases)
	c.checkKept(cases)
	c.checkBody(events)
	c.checkAnswers()
}

// formatCheck is one run of CheckFormat.
type formatCheck struct {
	t      testing.TB
	f      slogship.Format
	layout slogship.Layout

	mu     sync.Mutex // guards what follows
	failed bool
}

// errorf is t.Errorf for any goroutine.
func (c *formatCheck) errorf(format string, args ...any) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.failed = true
	c.t.Errorf(format, args...)
}

// encode returns what the Format writes of a case, after it has overwritten all
// that it gave to the Format. It is nil if the Format failed. watch, if not nil,
// gets the memory of the Event before.
func (c *formatCheck) encode(k *formatCase, watch func(m *eventMemory)) (written []byte) {
	defer func() {
		if r := recover(); r != nil {
			c.errorf("AppendEvent panics over %s: %v", k.name, r)
			written = nil
		}
	}()
	const before = "what was there before{"
	m := newEventMemory(k.event)
	if watch != nil {
		watch(m)
	}
	dst := append(make([]byte, 0, len(before)+64), before...)
	out := c.f.AppendEvent(dst, &m.event)
	m.overwrite()
	if !bytes.HasPrefix(out, []byte(before)) {
		c.errorf("AppendEvent of %s changed what it was to append to: %.100q", k.name, out)
		return nil
	}
	written = bytes.Clone(out[len(before):])
	for i := range out {
		out[i] = '#'
	}
	if len(written) == 0 {
		c.errorf("AppendEvent wrote nothing of %s", k.name)
		return nil
	}
	return written
}

// checkAgain encodes each case again, in another order.
func (c *formatCheck) checkAgain(cases []formatCase) {
	for i := range cases {
		c.compare(&cases[len(cases)-1-i])
	}
}

// compare encodes a case and compares that with what came of it first.
func (c *formatCheck) compare(k *formatCase) {
	if got := c.encode(k, nil); got != nil && !bytes.Equal(got, k.want) {
		c.errorf("AppendEvent wrote two things of %s, because it is not deterministic or keeps some of an Event:\n%.500q\n%.500q",
			k.name, k.want, got)
	}
}

// checkConcurrently encodes the cases from several goroutines, each in an order of
// its own.
func (c *formatCheck) checkConcurrently(cases []formatCase) {
	const goroutines, rounds = 4, 5
	var wg sync.WaitGroup
	for g := range goroutines {
		wg.Go(func() {
			for i := range rounds * len(cases) {
				c.compare(&cases[(i*(2*g+1)+g)%len(cases)])
			}
		})
	}
	wg.Wait()
}

// checkKept fails a Format that still holds some of the memory of an Event when
// the garbage collector has been there, and has emptied every sync.Pool.
func (c *formatCheck) checkKept(cases []formatCase) {
	kept := make([]func() string, len(cases))
	for i := range cases {
		c.encode(&cases[i], func(m *eventMemory) { kept[i] = m.watch() })
	}
	for range 4 {
		runtime.GC()
	}
	for i := range cases {
		if what := kept[i](); what != "" {
			c.errorf("the Format keeps %s: of %s", what, cases[i].name)
			return
		}
	}
}

// checkBody fails a body that says it is JSON and is not.
func (c *formatCheck) checkBody(events [][]byte) {
	l := c.layout
	text := bytes.Join(events, []byte(l.Separator))
	head := []byte(l.Head)
	if l.AppendHead != nil {
		head = l.AppendHead([]byte("#"), len(events), len(text))
		if !bytes.HasPrefix(head, []byte("#")) {
			c.errorf("AppendHead changed what it was to append to")
			return
		}
		head = head[1:]
	}
	body := slices.Concat(head, text, []byte(l.Tail))
	if l.MaxBytes > 0 && len(head)+len(l.Tail) >= l.MaxBytes {
		c.errorf("head and tail of a body have %d bytes, and MaxBytes is %d", len(head)+len(l.Tail), l.MaxBytes)
	}
	if mediaType, _, _ := strings.Cut(l.ContentType, ";"); !strings.HasSuffix(strings.TrimSpace(mediaType), "json") {
		return
	}
	for d := json.NewDecoder(bytes.NewReader(body)); ; {
		var value json.RawMessage
		switch err := d.Decode(&value); {
		case err == io.EOF:
			return
		case err != nil:
			at := d.InputOffset()
			c.errorf("the body is no JSON, as its content type %q has it: %v, near %.200q", l.ContentType, err, body[at:])
			return
		}
	}
}

// checkAnswers has the Format read answers of all kinds.
func (c *formatCheck) checkAnswers() {
	for _, status := range []int{0, 200, 202, 204, 400, 401, 404, 406, 413, 429, 500, 503} {
		for _, body := range []string{"", "null", "{}", "[]", `"x"`, "<html>", "\x0a\xff\x01", strings.Repeat("[", 1000), `{"error":`} {
			a := slogship.Answer{Status: status, Header: http.Header{}, Body: []byte(body), Records: 3}
			if v, err := c.readAnswer(a); err != nil {
				c.errorf("ReadAnswer panics over %d %.20q: %v", status, body, err)
			} else if v.Outcomes != nil && len(v.Outcomes) != a.Records || v.Refused < 0 || v.Refused > a.Records {
				c.errorf("ReadAnswer has %d outcomes, %d refused for %d records, after %d %.20q", len(v.Outcomes), v.Refused, a.Records, status, body)
			}
		}
	}
}

func (c *formatCheck) readAnswer(a slogship.Answer) (v slogship.Verdict, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	return c.f.ReadAnswer(a), nil
}
