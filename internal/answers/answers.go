// Package answers reads the answers of servers within bounds. An answer cannot be
// trusted: reading it must not take more memory than a few times its length. Therefore
// lists are read item by item, and only as far as items are needed.
//
// The package knows JSON and HTTP. It must not know what an answer means for records.
package answers

import (
	"bytes"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
)

// IsPage reports whether a body is a web page, such as that of a portal, a login or a
// proxy. An empty body is not.
func IsPage(h http.Header, body []byte) bool {
	body = Trim(body)
	if len(body) == 0 {
		return false
	}
	if body[0] == '<' {
		return true
	}
	t, _, _ := mime.ParseMediaType(h.Get("Content-Type"))
	return t == "text/html" || t == "application/xhtml+xml"
}

// Trim returns body without a byte order mark and without white space around it.
func Trim(body []byte) []byte {
	return bytes.TrimSpace(bytes.TrimPrefix(bytes.TrimSpace(body), []byte("\xef\xbb\xbf")))
}

// IsEmpty reports whether a body is empty or an empty JSON object, as proxies and
// imitators send it.
func IsEmpty(body []byte) bool {
	body = Trim(body)
	return len(body) == 0 || string(body) == "{}"
}

// ErrShape is the error for JSON of another kind than expected.
var ErrShape = errors.New("answers: not a JSON object")

// maxMembers bounds the number of members of an object. No real answer has nearly as
// many.
const maxMembers = 1_000

// A Reader reads one JSON value, piece by piece.
type Reader struct{ d *json.Decoder }

// NewReader returns a Reader of body.
func NewReader(body []byte) *Reader {
	return &Reader{json.NewDecoder(bytes.NewReader(Trim(body)))}
}

// Object reads an object and calls f for each of its members, 1,000 at most. f reads
// the value, with one call of a method of r.
func (r *Reader) Object(f func(name string) error) error {
	if t, err := r.d.Token(); err != nil {
		return err
	} else if t != json.Delim('{') {
		return ErrShape
	}
	for n := 0; r.d.More(); n++ {
		t, err := r.d.Token()
		if err != nil {
			return err
		}
		if n == maxMembers {
			return ErrShape
		}
		name, _ := t.(string)
		if err := f(name); err != nil {
			return err
		}
	}
	_, err := r.d.Token()
	return err
}

// List reads a list and calls f for each of its elements. f reads the element,
// with one call of a method of r. Of another value than a list or an object, it
// reports that it is none, and goes on.
func (r *Reader) List(f func() error) (listed bool, err error) {
	switch t, err := r.d.Token(); {
	case err != nil:
		return false, err
	case t == json.Delim('{'):
		return false, ErrShape
	case t != json.Delim('['):
		return false, nil
	}
	for r.d.More() {
		if err := f(); err != nil {
			return true, err
		}
	}
	_, err = r.d.Token()
	return true, err
}

// Value decodes one value into v. A part of the value that is of another kind than in v
// is skipped. v must not contain a slice, a map or an any, which would grow with the
// number of values in the text.
func (r *Reader) Value(v any) error {
	var wrong *json.UnmarshalTypeError
	if err := r.Strict(v); err != nil && !errors.As(err, &wrong) {
		return err
	}
	return nil
}

// Strict is Value, except that a value of another kind is an error.
func (r *Reader) Strict(v any) error { return r.d.Decode(v) }

// Skip reads one value, whatever it is.
func (r *Reader) Skip() error {
	var skipped skip
	return r.d.Decode(&skipped)
}

type skip struct{}

func (*skip) UnmarshalJSON([]byte) error { return nil }
