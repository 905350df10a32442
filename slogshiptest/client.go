package slogshiptest

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// Client returns an HTTP client whose requests reach the receiver without a socket,
// whatever their host is. It starts no goroutine, and all its waits end with the
// request's context, so that it works in a bubble of testing/synctest. A [Failure] has
// the same effect as over TCP.
func (r *Receiver) Client() *http.Client {
	return &http.Client{Transport: inProcess{r}}
}

// inProcess is a RoundTripper that calls the receiver, in the goroutine of the
// request.
type inProcess struct{ r *Receiver }

func (t inProcess) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := req.Context()
	in := req.Clone(ctx) // a RoundTripper leaves the request alone
	if in.Host == "" {
		in.Host = req.URL.Host
	}
	if _, ok := in.Header["User-Agent"]; !ok {
		in.Header.Set("User-Agent", "Go-http-client/1.1") // as net/http's Transport does
	}
	if req.Body != nil {
		body := &closeOnce{ReadCloser: req.Body}
		finish := func() { _ = body.Close() } // a body that was read, or given up, has nothing left to lose
		defer finish()
		// A read of the body may wait for someone who writes it. Like
		// Transport, end it with the context by closing the body.
		stop := context.AfterFunc(ctx, finish)
		defer stop()
		in.Body = body
	}
	if ctx.Err() != nil {
		return nil, context.Cause(ctx)
	}
	a, err := t.r.receive(in)
	switch {
	case ctx.Err() != nil:
		return nil, context.Cause(ctx)
	case errors.Is(err, errReset):
		return nil, &net.OpError{Op: "read", Net: "tcp", Err: os.NewSyscallError("read", syscall.ECONNRESET)}
	case err != nil:
		return nil, err
	}
	return a.response(req), nil
}

// closeOnce is a body that may be closed twice.
type closeOnce struct {
	io.ReadCloser
	once sync.Once
	err  error
}

func (c *closeOnce) Close() error {
	c.once.Do(func() { c.err = c.ReadCloser.Close() })
	return c.err
}

// response is a as the client of req sees it.
func (a *answer) response(req *http.Request) *http.Response {
	header := a.header.Clone()
	header.Set("Content-Length", strconv.Itoa(len(a.body)))
	var body io.Reader = strings.NewReader(a.body)
	if a.cut {
		body = io.MultiReader(strings.NewReader(a.body[:len(a.body)/2]), cutOff{})
	}
	return &http.Response{
		Status:        strconv.Itoa(a.status) + " " + http.StatusText(a.status),
		StatusCode:    a.status,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        header,
		Body:          &responseBody{Reader: body, ctx: req.Context()},
		ContentLength: int64(len(a.body)),
		Request:       req,
	}
}

// cutOff is the end of a body that lacks the rest.
type cutOff struct{}

func (cutOff) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

// responseBody cannot be read once the context has ended, nor once closed:
// net/http's cannot either, and a client that tries has a mistake to show.
type responseBody struct {
	io.Reader
	ctx    context.Context
	closed bool
}

func (b *responseBody) Read(p []byte) (int, error) {
	if b.ctx.Err() != nil {
		return 0, context.Cause(b.ctx)
	}
	if b.closed {
		return 0, errors.New("http: read on closed response body")
	}
	return b.Reader.Read(p)
}

func (b *responseBody) Close() error {
	b.closed = true
	return nil
}
