package slogshiptest

import (
	"bytes"
	"io"
	"net/http"
	"net/url"
	"slices"
	"time"
)

// Request is a request as it arrived, whatever its answer.
type Request struct {
	as *spec // of the Backend; nil for Logflare

	Time   time.Time // of arrival
	Method string
	Host   string
	URL    *url.URL // in a Server, path and query only
	Header http.Header

	// Body is the body as it was sent, possibly compressed. It is nil if it was not
	// read because the credentials or the encoding were refused. Of the requests of
	// which no record was accepted, only the last 100 have their Body.
	Body []byte

	// Status is the status code of the answer, or 0 if there is none or not yet one.
	Status int
}

// Text returns the inflated body, or nil if it cannot be inflated.
func (q Request) Text() []byte {
	text, _ := inflate(contentEncoding(q.Header), q.Body)
	return text
}

// Records returns the records in the body, whether they were accepted or not. It
// returns nil if the backend could not read the body.
func (q Request) Records() []Record {
	if q.as != nil {
		events, ok := q.as.parse(q.Text())
		if !ok {
			return nil
		}
		events = slices.DeleteFunc(events, func(e event) bool { return e.bad != "" })
		return decodeAll(stamp(events, q.as, q.Time))
	}
	lines, err := mediaType(q.Header)
	if err != nil {
		return nil
	}
	b, err := parseBody(q.Text(), lines)
	if err != nil {
		return nil
	}
	return decodeAll(b.events(q.Time))
}

// upload is a request on its way in, whose body is read at most once.
type upload struct {
	*http.Request

	done bool
	raw  []byte // the body as it came, as far as it was read
	err  error  // of reading it
}

// read returns the body as it came. Its error is a refusal, or the client's
// failure to send the body.
func (u *upload) read() ([]byte, error) {
	if u.done {
		return u.raw, u.err
	}
	u.done = true
	if u.Body == nil {
		return nil, nil
	}
	var buf bytes.Buffer
	if n := u.ContentLength; n > 0 {
		buf.Grow(int(min(n, maxBody)) + bytes.MinRead)
	}
	_, u.err = buf.ReadFrom(io.LimitReader(u.Body, maxBody+1))
	u.raw = buf.Bytes()
	if u.err == nil && len(u.raw) > maxBody {
		u.err = refusal(http.StatusRequestEntityTooLarge)
	}
	return u.raw, u.err
}

// text returns the body without its content encoding. One that is not among
// encodings is refused unread.
func (u *upload) text(encodings []string) ([]byte, error) {
	encoding := contentEncoding(u.Header)
	if !slices.Contains(encodings, encoding) {
		return nil, refusal(http.StatusUnsupportedMediaType)
	}
	raw, err := u.read()
	if err != nil {
		return nil, err
	}
	return inflate(encoding, raw)
}
