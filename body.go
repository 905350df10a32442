package slogship

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// payload is a request body. net/http may read a body even after Do returns, but its
// memory is then reused. Therefore reads are locked, and withdraw stops them.
type payload struct {
	raw  int // bytes before compression
	size int

	read chan struct{} // closed by the first reader to reach the end, or by withdraw

	mu        sync.Mutex // guards what follows, while bytes are copied
	ended     bool       // read is closed
	parts     [][]byte
	withdrawn bool
}

var errWithdrawn = errors.New("slogship: the request body was withdrawn")

func newPayload(parts [][]byte) *payload {
	p := &payload{parts: parts, read: make(chan struct{})}
	for _, part := range parts {
		p.size += len(part)
	}
	p.raw = p.size
	return p
}

// withdraw stops all reads of the payload, and returns when none is under way.
func (p *payload) withdraw() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.parts, p.withdrawn = nil, true
	p.endLocked()
}

func (p *payload) endLocked() {
	if !p.ended {
		p.ended = true
		close(p.read)
	}
}

func (p *payload) reader() *payloadReader { return &payloadReader{p: p, left: p.size} }

// payloadReader reads a payload once.
type payloadReader struct {
	p        *payload
	part, at int
	left     int
}

func (r *payloadReader) Read(dst []byte) (n int, err error) {
	r.p.mu.Lock()
	defer r.p.mu.Unlock()
	if r.p.withdrawn {
		return 0, errWithdrawn
	}
	for n < len(dst) && r.part < len(r.p.parts) {
		k := copy(dst[n:], r.p.parts[r.part][r.at:])
		n += k
		r.at += k
		if r.at == len(r.p.parts[r.part]) {
			r.part, r.at = r.part+1, 0
		}
	}
	if r.left -= n; r.left == 0 {
		r.p.endLocked()
	}
	if n == 0 && len(dst) > 0 {
		return 0, io.EOF
	}
	return n, nil
}

// Len returns the number of bytes left to read. retryablehttp sends it as
// Content-Length.
func (r *payloadReader) Len() int { return r.left }

// Close exists so that net/http does not wrap the reader in another one.
func (r *payloadReader) Close() error { return nil }

// pageBytes is the length of a page of a text. It is compressed while it is in the
// processor's cache.
const pageBytes = 64 << 10

// pageRest is enough for most events. A page with less room left counts as full.
const pageRest = 4 << 10

// text is the text of a body while it grows. It reuses its memory for the next body. A
// full page is compressed, and its memory reused at once. It is kept if there is no
// compression, or if the head, which must be compressed first, is not known yet.
//
//	full [ page ][ page ]  buf [ events ...    ]
//	coder <---------------------'
type text struct {
	coder  coder
	eager  bool // the head is known
	full   [][]byte
	buf    []byte // the current page; after each append, turn is called
	gone   int    // bytes that were compressed and not kept
	spares [][]byte
}

func (t *text) begin(head string, eager bool) {
	t.spares = append(t.spares, t.full...)
	clear(t.full)
	t.full, t.gone, t.eager = t.full[:0], 0, eager
	if t.buf == nil {
		t.buf = t.page()
	}
	t.buf = append(t.buf[:0], head...)
	t.coder.begin()
}

// page returns an empty page.
func (t *text) page() []byte {
	last := len(t.spares) - 1
	if last < 0 {
		return make([]byte, 0, pageBytes)
	}
	page := t.spares[last][:0]
	t.spares[last] = nil
	t.spares = t.spares[:last]
	return page
}

// turn begins a new page if the current one is full.
func (t *text) turn() {
	switch {
	case len(t.buf) < pageBytes-pageRest:
	case t.eager && t.coder.w != nil:
		t.coder.write(t.buf)
		t.gone += len(t.buf)
		t.buf = t.buf[:0]
	default:
		t.full = append(t.full, t.buf)
		t.buf = t.page()
	}
}

// end returns the body and its content coding. The coding is "" if compression does not
// make the body smaller. That is checked only for a body of one page: a longer one
// grows by less than a thousandth at worst. head comes before the text given to begin.
func (t *text) end(head []byte, tail string) (p *payload, coding string) {
	t.buf = append(t.buf, tail...)
	parts := make([][]byte, 0, len(t.full)+2)
	if len(head) > 0 {
		parts = append(parts, head)
	}
	parts = append(append(parts, t.full...), t.buf)
	for _, part := range parts {
		t.coder.write(part)
	}
	p = newPayload(parts)
	p.raw += t.gone
	if small := t.coder.end(); small != nil && (t.gone > 0 || len(small) < p.size) {
		p.parts, p.size = [][]byte{small}, len(small)
		return p, t.coder.kind.String()
	}
	return p, ""
}

// coder compresses one body after the other, and reuses its memory.
type coder struct {
	kind Compression
	out  bytes.Buffer
	gzip *gzip.Writer
	zstd *zstd.Encoder
	w    io.WriteCloser // one of the two, while a body is compressed
}

// begin begins the next body.
func (c *coder) begin() {
	c.out.Reset()
	c.w = nil
	switch c.kind {
	case Gzip:
		if c.gzip == nil {
			c.gzip, _ = gzip.NewWriterLevel(&c.out, gzip.BestSpeed) // errs for a bad level only
		}
		c.gzip.Reset(&c.out)
		c.w = c.gzip
	case Zstd:
		if c.zstd == nil {
			var err error
			c.zstd, err = zstd.NewWriter(nil, zstd.WithEncoderLevel(zstd.SpeedFastest),
				zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(1<<20), zstd.WithLowerEncoderMem(true))
			if err != nil {
				return // errs for bad options only
			}
		}
		c.zstd.Reset(&c.out)
		c.w = c.zstd
	}
}

// write compresses the next part of the body. A write to memory does not fail.
func (c *coder) write(b []byte) {
	if c.w != nil {
		_, _ = c.w.Write(b)
	}
}

// end returns the compressed body, valid until the next begins, or nil if there
// is none.
func (c *coder) end() []byte {
	if c.w == nil || c.w.Close() != nil {
		return nil
	}
	return c.out.Bytes()
}
