package slogship

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// request is one that the backend got.
type request struct {
	n        int           // 0 for the first
	at       time.Duration // since the trial began
	ctx      context.Context
	url      string
	host     string
	header   http.Header
	length   int64
	raw      []byte
	body     []byte // inflated
	messages []string
	ids      []string
}

// has reports whether the request has a record with that message.
func (r *request) has(message string) bool { return slices.Contains(r.messages, message) }

// bad reports whether the request has a bad record.
func (r *request) bad() bool {
	return slices.ContainsFunc(r.messages, func(m string) bool { return strings.HasPrefix(m, "bad") })
}

// answered is what the backend does with a request.
type answered struct {
	status int
	header http.Header
	body   string
	err    error         // no answer
	takes  time.Duration // until the answer
	cut    bool          // the connection breaks within the body
	hangs  bool          // the body does not end
}

// status is an answer of Logflare: with its success's body, or with the text that a
// status has.
func status(code int) answered {
	if code/100 == 2 {
		return answered{status: code, body: `{"message":"Logged!"}`}
	}
	return answered{status: code, body: http.StatusText(code)}
}

func (a answered) with(name, value string) answered {
	a.header = a.header.Clone()
	if a.header == nil {
		a.header = http.Header{}
	}
	a.header.Set(name, value)
	return a
}

func (a answered) after(d time.Duration) answered {
	a.takes = d
	return a
}

func always(a answered) func(*request) answered { return script(a) }

// script gives one answer after the other, and the last one from then on.
func script(answers ...answered) func(*request) answered {
	return func(r *request) answered { return answers[min(r.n, len(answers)-1)] }
}

// times is an answer n times over.
func times(n int, a answered) []answered { return slices.Repeat([]answered{a}, n) }

// RoundTrip makes a trial the backend.
func (tr *trial) RoundTrip(req *http.Request) (*http.Response, error) {
	if tr.ready != nil {
		<-tr.ready
	}
	r := readRequest(tr.t, req)
	r.at = time.Since(tr.began)
	tr.mu.Lock()
	r.n = len(tr.requests)
	tr.requests = append(tr.requests, r)
	tr.open++
	if tr.most = max(tr.most, tr.open); tr.open > max(tr.atOnce, 1) {
		tr.t.Errorf("%d requests at once", tr.open)
	}
	answer := tr.answer
	tr.mu.Unlock()
	defer func() {
		tr.mu.Lock()
		tr.open--
		tr.mu.Unlock()
	}()

	tr.balanced()
	a := answer(r)
	if a.takes > 0 {
		select {
		case <-time.After(a.takes):
		case <-req.Context().Done():
			return nil, req.Context().Err()
		}
	}
	tr.balanced()
	if a.err != nil {
		return nil, a.err
	}
	if a.status/100 == 2 && !a.cut && !a.hangs {
		tr.mu.Lock()
		tr.taken = append(tr.taken, r.messages...)
		tr.mu.Unlock()
	}
	return a.response(req), nil
}

func (a answered) response(req *http.Request) *http.Response {
	var body io.Reader = strings.NewReader(a.body)
	switch {
	case a.cut:
		body = io.MultiReader(body, brokenReader{})
	case a.hangs:
		body = io.MultiReader(body, hangingReader{req.Context()})
	}
	h := a.header
	if h == nil {
		h = http.Header{}
	}
	return &http.Response{
		StatusCode: a.status, Header: h, Body: io.NopCloser(body), ContentLength: -1, Request: req,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
}

type brokenReader struct{}

func (brokenReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

type hangingReader struct{ ctx context.Context }

func (r hangingReader) Read([]byte) (int, error) {
	<-r.ctx.Done()
	return 0, r.ctx.Err()
}

func readRequest(t *testing.T, req *http.Request) *request {
	raw, err := io.ReadAll(req.Body)
	req.Body.Close()
	if err != nil {
		t.Errorf("reading the request body: %v", err)
	}
	r := &request{
		ctx: req.Context(), url: req.URL.String(), host: req.Host,
		header: req.Header.Clone(), length: req.ContentLength, raw: raw, body: inflate(t, raw, req.Header.Get("Content-Encoding")),
	}
	var batch struct {
		Batch []struct{ ID, Message string }
	}
	if err := json.Unmarshal(r.body, &batch); err != nil && !json.Valid(r.body) {
		t.Errorf("request body %.100q: %v", r.body, err)
	}
	for _, e := range batch.Batch {
		r.messages, r.ids = append(r.messages, e.Message), append(r.ids, e.ID)
	}
	return r
}

func inflate(t *testing.T, raw []byte, coding string) []byte {
	var from io.Reader = bytes.NewReader(raw)
	var err error
	switch coding {
	case "":
		return raw
	case "gzip":
		from, err = gzip.NewReader(from)
	case "zstd":
		var d *zstd.Decoder
		d, err = zstd.NewReader(from, zstd.WithDecoderConcurrency(1))
		from = d
		defer d.Close()
	default:
		err = errors.New("unknown coding " + coding)
	}
	if err == nil {
		raw, err = io.ReadAll(from)
	}
	if err != nil {
		t.Errorf("inflating the request body: %v", err)
	}
	return raw
}

// fakeFormat is Logflare's with parts of it replaced.
type fakeFormat struct {
	logflare
	layout func(*Layout)
	event  func(dst []byte, e *Event) []byte
	read   func(Answer) Verdict
}

func (f fakeFormat) Layout() Layout {
	l := f.logflare.Layout()
	if f.layout != nil {
		f.layout(&l)
	}
	return l
}

func (f fakeFormat) AppendEvent(dst []byte, e *Event) []byte {
	if f.event != nil {
		return f.event(dst, e)
	}
	return f.logflare.AppendEvent(dst, e)
}

func (f fakeFormat) ReadAnswer(a Answer) Verdict {
	if f.read != nil {
		return f.read(a)
	}
	return f.logflare.ReadAnswer(a)
}
