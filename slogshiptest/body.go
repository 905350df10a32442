package slogshiptest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"mime"
	"net/http"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
)

// maxBody is the longest body that is taken, as it came and inflated.
const maxBody = 12_000_000

func contentEncoding(h http.Header) string {
	return strings.ToLower(strings.TrimSpace(strings.Join(h.Values("Content-Encoding"), ",")))
}

// encodings are those that Logflare inflates.
var encodings = []string{"", "identity", "gzip", "deflate"}

// inflate returns what raw holds; its error is a refusal.
func inflate(encoding string, raw []byte) ([]byte, error) {
	var r io.Reader
	var err error
	switch encoding {
	case "", "identity":
		return raw, nil
	case "gzip":
		r, err = gzip.NewReader(bytes.NewReader(raw))
	case "deflate":
		// The name means zlib's format; some senders leave its header out.
		if r, err = zlib.NewReader(bytes.NewReader(raw)); err != nil {
			r, err = flate.NewReader(bytes.NewReader(raw)), nil
		}
	case "zstd":
		var z *zstd.Decoder
		if z, err = zstd.NewReader(bytes.NewReader(raw), zstd.WithDecoderConcurrency(1)); err == nil { // 1: no goroutine
			defer z.Close()
			r = z
		}
	default:
		return nil, refusal(http.StatusUnsupportedMediaType)
	}
	var buf bytes.Buffer
	if err == nil {
		_, err = buf.ReadFrom(io.LimitReader(r, maxBody+1))
	}
	switch {
	case buf.Len() > maxBody:
		return nil, refusal(http.StatusRequestEntityTooLarge)
	case err != nil:
		return nil, refusal(http.StatusInternalServerError) // corrupt: the server crashes over it
	}
	return buf.Bytes(), nil
}

// mediaType reports whether a body consists of lines of JSON; its error is the
// refusal of a body that is no JSON at all.
func mediaType(h http.Header) (lines bool, err error) {
	t, _, err := mime.ParseMediaType(h.Get("Content-Type"))
	switch {
	case err != nil:
	case t == "application/x-ndjson":
		return true, nil
	case t == "application/json", strings.HasPrefix(t, "application/") && strings.HasSuffix(t, "+json"):
		return false, nil
	}
	return false, refusal(http.StatusUnsupportedMediaType)
}

// body is a parsed body.
type body struct {
	elements [][]byte          // objects all
	single   bool              // the only element is the body itself
	params   map[string]string // the members that matter to routing
}

// parseBody takes a body apart. Its error is a refusal.
func parseBody(text []byte, lines bool) (b body, err error) {
	if lines {
		for line := range bytes.Lines(text) {
			if line = trim(line); len(line) == 0 {
				continue
			}
			if !acceptable(line) {
				return body{}, refusal(http.StatusBadRequest)
			}
			b.elements = append(b.elements, line)
		}
		return b, b.onlyObjects()
	}
	if text = trim(text); !acceptable(text) {
		return body{}, refusal(http.StatusBadRequest)
	}
	switch text[0] {
	case '[':
		b.elements = elements(text)
	case '{':
		b.single, b.elements = true, [][]byte{text}
		b.params = map[string]string{}
		for key, value := range members(text) {
			switch string(key) {
			case "source", "source_name", "collection", "collection_name":
				b.params[string(key)] = textOf(value)
			case "batch":
				if value[0] == '[' {
					b.single, b.elements = false, elements(value)
				}
			}
		}
	default:
		return body{}, refusal(http.StatusBadRequest)
	}
	return b, b.onlyObjects()
}

// onlyObjects is a refusal if an element is no object: one is enough for the
// server to crash over the whole request.
func (b *body) onlyObjects() error {
	for _, e := range b.elements {
		if e[0] != '{' {
			return refusal(http.StatusInternalServerError)
		}
	}
	return nil
}

// events are the events of a body that arrived now.
func (b *body) events(now time.Time) []event {
	events := make([]event, len(b.elements))
	for i, e := range b.elements {
		events[i] = newEvent(e, b.single, now)
	}
	return events
}
