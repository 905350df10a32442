package slogship

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/hashicorp/go-retryablehttp"

	"github.com/slogship/slogship/internal/answers"
	"github.com/slogship/slogship/internal/redact"
)

// userAgent names this library to the server.
const userAgent = "slogship/0.1 (+https://github.com/slogship/slogship)"

const (
	// After a connection error the request is sent once more at once: mostly the server
	// had closed a kept-alive connection. Longer waits are up to the batcher.
	quickRetryWait   = 50 * time.Millisecond
	quickRetryWithin = time.Second

	maxRedirects = 10

	maxAnswerHeader = 128 << 10 // bytes; net/http would read 10 MB
)

// sender turns a body into a request, and the answer into a reply. Several
// goroutines may send at once.
type sender struct {
	client  *retryablehttp.Client
	url     string // without user info
	name    string // of the endpoint, in errors
	query   string // of url
	header  http.Header
	layout  Layout
	secrets *redact.Secrets                // of the options
	learned atomic.Pointer[redact.Secrets] // and those that a transport added to the last request; Handle reads it too
	books   *pending
}

// posting is a request being sent. It is in the request's context, for retryablehttp's
// hooks.
type posting struct {
	*payload
	began time.Time // of the first of the quick attempts
}

type postingKey struct{}

// reply is the result of a request.
type reply struct {
	err     error // there was no answer
	status  int
	header  http.Header
	body    []byte
	more    bool            // the body is longer than what was read
	bodyErr error           // the answer was cut off
	coding  string          // of the request; empty if it was not compressed
	secrets *redact.Secrets // that may be in the answer
}

func newSender(endpoint *url.URL, name string, p *pending, o settings) *sender {
	target := *endpoint
	target.User, target.Fragment, target.RawFragment = nil, "", ""
	target.RawQuery = strings.ReplaceAll(target.RawQuery, " ", "%20") // net/url keeps spaces, which would end the target of the request
	s := &sender{
		url:     target.String(),
		name:    name,
		query:   target.RawQuery,
		header:  requestHeader(endpoint, o),
		layout:  o.layout,
		secrets: redact.Of(endpoint, o.Header, o.layout.Header),
		books:   p,
	}
	client := retryablehttp.NewClient()
	client.Logger = nil
	client.HTTPClient = copyClient(o.Client, o.RequestTimeout, o.Requests)
	client.RetryMax = 1
	client.CheckRetry = s.checkRetry
	client.Backoff = func(_, _ time.Duration, _ int, _ *http.Response) time.Duration { return quickRetryWait }
	client.PrepareRetry = s.prepareRetry
	client.ErrorHandler = retryablehttp.PassthroughErrorHandler
	s.client = client
	return s
}

// requestHeader is the header of every request, Content-Encoding excepted.
func requestHeader(endpoint *url.URL, o settings) http.Header {
	h := http.Header{"User-Agent": {userAgent}}
	for _, from := range []http.Header{o.layout.Header, o.Header} {
		for name, values := range from {
			h[http.CanonicalHeaderKey(name)] = values
		}
	}
	h.Del("Content-Encoding")
	h.Del("Content-Length")
	h.Set("Content-Type", o.layout.ContentType)
	if u := endpoint.User; u != nil && h.Get("Authorization") == "" {
		password, _ := u.Password()
		r := http.Request{Header: h}
		r.SetBasicAuth(u.Username(), password)
	}
	return h
}

// copyClient returns a copy of c that follows a redirect only if it sends the same
// request to the same server. If c is nil, it returns a client that keeps one
// connection alive for each concurrent request.
func copyClient(c *http.Client, timeout time.Duration, requests int) *http.Client {
	var client http.Client
	if c != nil {
		client = *c
	} else {
		transport := http.DefaultTransport
		if t, ok := transport.(*http.Transport); ok {
			t = t.Clone()
			if t.MaxResponseHeaderBytes == 0 {
				t.MaxResponseHeaderBytes = maxAnswerHeader
			}
			t.MaxIdleConnsPerHost = max(t.MaxIdleConnsPerHost, http.DefaultMaxIdleConnsPerHost, requests)
			if t.MaxIdleConns > 0 {
				t.MaxIdleConns = max(t.MaxIdleConns, requests)
			}
			transport = t
		}
		client.Transport = transport
	}
	if client.Timeout == 0 || client.Timeout > timeout {
		client.Timeout = timeout
	}
	theirs := client.CheckRedirect
	client.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		status := r.Response.StatusCode
		if status != http.StatusTemporaryRedirect && status != http.StatusPermanentRedirect ||
			!sameServer(r.URL, via[0].URL) || len(via) >= maxRedirects {
			return http.ErrUseLastResponse
		}
		r.Header.Del("Referer") // net/http's has the query
		for name, values := range via[0].Header {
			if r.Header[name] == nil { // net/http removes credentials even if only the spelling of the host differs
				r.Header[name] = values
			}
		}
		if theirs != nil {
			return theirs(r, via)
		}
		return nil
	}
	return &client
}

func sameServer(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && port(a) == port(b)
}

func port(u *url.URL) string {
	if p := u.Port(); p != "" {
		return p
	}
	if u.Scheme == "https" {
		return "443"
	}
	return "80"
}

// send POSTs a body and reads the answer. A Transport may panic in it, or end the
// goroutine.
func (s *sender) send(ctx context.Context, body *body) reply { return s.begin(ctx, body)() }

// begin is send without the wait. It returns landed, which waits for the reply and is
// called once.
func (s *sender) begin(ctx context.Context, body *body) (landed func() reply) {
	var r reply
	wait := begin(func() { r = s.post(ctx, body) })
	return func() reply {
		if !wait() {
			return reply{err: &sendError{text: fmt.Sprintf("slogship: POST %s: the transport ended its goroutine (runtime.Goexit)", s.name)}}
		}
		return r
	}
}

func (s *sender) post(ctx context.Context, body *body) (r reply) {
	defer body.withdraw()
	s.books.noteSent(body.raw, body.size)
	s.books.noteSending(1)
	defer s.books.noteSending(-1)

	ctx = context.WithValue(ctx, postingKey{}, &posting{body.payload, time.Now()})
	req, err := retryablehttp.NewRequestWithContext(ctx, http.MethodPost, s.url,
		retryablehttp.ReaderFunc(func() (io.Reader, error) { return body.reader(), nil }))
	if err != nil {
		return reply{err: s.transportError(err, s.known())}
	}
	req.Header = s.header.Clone()
	if host := s.header.Get("Host"); host != "" {
		req.Host = host
	}
	if body.coding != "" {
		req.Header.Set("Content-Encoding", body.coding)
	}
	resp, err := s.client.Do(req)
	if err != nil {
		secrets := s.learn(req.Request)
		if resp != nil && resp.Body != nil {
			_ = resp.Body.Close() // err says more
		}
		return reply{err: s.doError(req.Request, err, secrets)}
	}
	defer resp.Body.Close()
	r = reply{status: resp.StatusCode, header: resp.Header, coding: body.coding, secrets: s.learn(resp.Request)}
	if r.status == http.StatusSwitchingProtocols {
		return r // after 101 the body is the connection: neither a timeout nor ctx ends a read of it
	}
	// Read to the end: otherwise the connection is not reused.
	r.body, r.more, r.bodyErr = answers.Read(resp.Body, resp.ContentLength, s.layout.answerBytes(body.taken.records))
	return r
}

// checkRetry makes retryablehttp retry once, after a connection error that came early.
func (s *sender) checkRetry(ctx context.Context, _ *http.Response, err error) (bool, error) {
	if ctx.Err() != nil {
		return false, ctx.Err()
	}
	p, ok := ctx.Value(postingKey{}).(*posting)
	return ok && err != nil && isConnectionError(err) && time.Since(p.began) <= quickRetryWithin-quickRetryWait, nil
}

// prepareRetry is called before the second quick attempt.
func (s *sender) prepareRetry(req *http.Request) error {
	s.books.noteRetry()
	if p, ok := req.Context().Value(postingKey{}).(*posting); ok {
		s.books.noteSent(p.raw, p.size)
	}
	return nil
}

// isConnectionError reports whether err says that a connection could not be made or was
// lost. A timeout and a bad certificate are not connection errors.
func isConnectionError(err error) bool {
	var timeout interface{ Timeout() bool }
	if errors.As(err, &timeout) && timeout.Timeout() {
		return false
	}
	var op *net.OpError
	var errno syscall.Errno
	return errors.As(err, &op) || errors.As(err, &errno) ||
		errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		strings.Contains(err.Error(), "server closed idle connection")
}

// transportError is err without the URL, which net/http puts in front, and
// without secrets. It still matches the context's errors.
func (s *sender) transportError(err error, secrets *redact.Secrets) error {
	var u *url.Error
	inner := err
	for errors.As(inner, &u) {
		inner = u.Err
	}
	e := &sendError{text: fmt.Sprintf("slogship: POST %s: %s", s.name, secrets.Text(inner.Error()))}
	for _, kind := range []error{context.Canceled, context.DeadlineExceeded} {
		if errors.Is(err, kind) {
			e.kind = kind
		}
	}
	return e
}

// sendError is the error of a request. The error of a transport is not wrapped, because
// its text may contain secrets.
type sendError struct {
	text string
	kind error // a context's error, or nil
}

func (e *sendError) Error() string { return e.text }
func (e *sendError) Unwrap() error { return e.kind }

// complain returns an error for a reply, unless v says that all records were taken.
func (s *sender) complain(r reply, v Verdict) error {
	if r.err != nil {
		return r.err
	}
	refused := v.Refused
	for _, o := range v.Outcomes {
		if o != Taken {
			refused++
		}
	}
	if v.Action == Accept && refused == 0 {
		return nil
	}
	text := fmt.Sprintf("slogship: POST %s: %d", s.name, r.status)
	name := http.StatusText(r.status)
	if name != "" {
		text += " " + name
	}
	if v.Action == Accept {
		text += fmt.Sprintf(": %s not accepted", plural(int64(refused), "record", "records"))
	}
	if r.status/100 == 2 && r.bodyErr != nil {
		text += ": the answer was cut off"
	}
	reason := v.Reason
	if reason == "" {
		reason = string(r.body)
	}
	secrets := r.secrets
	if secrets == nil {
		secrets = s.known()
	}
	if reason = secrets.Text(reason); reason != "" && reason != name { // http.Error's usual text
		text += ": " + reason
	}
	if (v.Action == Hold || v.Action == Isolate) && v.Hint != "" {
		text += " (" + v.Hint + ")"
	}
	if loc := r.header.Get("Location"); loc != "" && r.status/100 == 3 {
		text += ": not following a redirect to " + secrets.Text(redact.Endpoint(loc))
	}
	return &sendError{text: text}
}

// panicError is the error of an attempt that panicked, in a Format or in a
// transport.
func (s *sender) panicError(v any) error {
	return &sendError{text: fmt.Sprintf("slogship: panic while sending to %s: %s", s.name, s.words(fmt.Sprint(v)))}
}

func (s *sender) close() { s.client.HTTPClient.CloseIdleConnections() }
