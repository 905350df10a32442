package slogshiptest

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
	"testing"
)

// Only JSON is taken, as one text or in lines.
func TestContentType(t *testing.T) {
	r := NewReceiver()
	for contentType, want := range map[string]int{
		"application/json":                200,
		"application/json; charset=utf-8": 200,
		"Application/JSON":                200,
		"application/cloudevents+json":    200,
		"application/x-ndjson":            200,
		"text/plain":                      415,
		"text/json":                       415,
		"application/jsonlines":           415,
		"application/x-protobuf":          415,
		"":                                415,
		"application/json; =":             415,
	} {
		if got, text := post(t, r, batch("a"), header("Content-Type", contentType)); got != want {
			t.Errorf("%q: %d %s, want %d", contentType, got, text, want)
		}
	}
}

// compressed returns text as new's writer leaves it.
func compressed[W io.WriteCloser](t testing.TB, text string, open func(io.Writer) W) string {
	t.Helper()
	var buf bytes.Buffer
	w := open(&buf)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return buf.String()
}

func zipped(t testing.TB, text string) string { return compressed(t, text, gzip.NewWriter) }

// gzip and deflate are inflated; what is corrupt crashes the server, what it
// does not know is refused.
func TestContentEncoding(t *testing.T) {
	gz := zipped(t, batch("a"))
	z := compressed(t, batch("a"), zlib.NewWriter)
	raw := compressed(t, batch("a"), func(w io.Writer) *flate.Writer {
		f, _ := flate.NewWriter(w, flate.BestSpeed)
		return f
	})
	for name, c := range map[string]struct {
		encoding, body string
		want           int
	}{
		"gzip":              {"gzip", gz, 200},
		"upper case":        {"GZIP", gz, 200},
		"deflate":           {"deflate", z, 200},
		"deflate, headless": {"deflate", raw, 200},
		"identity":          {"identity", batch("a"), 200},
		"no gzip":           {"gzip", batch("a"), 500},
		"cut gzip":          {"gzip", gz[:len(gz)-9], 500},
		"wrong checksum":    {"gzip", gz[:len(gz)-8] + "\x00\x00\x00\x00" + gz[len(gz)-4:], 500},
		"empty gzip":        {"gzip", "", 500},
		"cut deflate":       {"deflate", z[:len(z)-9], 500},
		"zstd":              {"zstd", batch("a"), 415},
		"br":                {"br", batch("a"), 415},
		"twice":             {"gzip, gzip", zipped(t, gz), 415},
		"undeclared":        {"", gz, 400},
	} {
		r := NewReceiver()
		if got, text := post(t, r, c.body, header("Content-Encoding", c.encoding)); got != c.want {
			t.Errorf("%s: %d %s, want %d", name, got, text, c.want)
		} else if taken := r.Len(); taken != 0 != (c.want == 200) {
			t.Errorf("%s: %d events taken", name, taken)
		}
	}
}

// A body may have 12,000,000 bytes, as it comes and inflated. One of that
// length is read, and then found to be no JSON, which takes less time than a
// good one.
func TestBodyLimit(t *testing.T) {
	r := NewReceiver()
	tenth := zipped(t, strings.Repeat("x", maxBody/10)) // gzip's members follow each other
	for n, want := range map[int]int{maxBody: 400, maxBody + 1: 413} {
		text := strings.Repeat("x", n)
		gz := strings.Repeat(tenth, 10) + zipped(t, text[maxBody:])
		if got, _ := post(t, r, text); got != want {
			t.Errorf("%d bytes: %d, want %d", n, got, want)
		}
		if got, _ := post(t, r, gz, header("Content-Encoding", "gzip")); got != want {
			t.Errorf("%d bytes in gzip: %d, want %d", n, got, want)
		}
		stream := struct{ io.Reader }{strings.NewReader(text)} // of a length not told before
		if got, err := send(r.Client(), newRequest(t, r, stream)); err != nil || got.status != want {
			t.Errorf("%d bytes in chunks: %v %v, want %d", n, got, err, want)
		}
	}
}
