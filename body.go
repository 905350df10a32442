package slogship

import (
	"bytes"
	"errors"
	"io"
	"sync"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// payload is a request body. net/http may go on reading a body after the
// answer is there; the memory of a payload is used again then. So reading goes
// through a lock, and ends with withdraw.
type payload struct {
	raw  int // bytes before compression
	size int

	read chan struct{} // closed by who reads it to its end first, or withdraws it

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

// withdraw returns once no reader reads the payload, and none can start to.
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

// Len is what is left to read; retryablehttp makes it the Content-Length.
func (r *payloadReader) Len() int { return r.left }

// Close exists so that net/http does not wrap the reader in another one.
func (r *payloadReader) Close() error { return nil }

// pageBytes is the length of a page of a text. It is compressed while it is in the
// processor's cache.
const pageBytes = 64 << 10

// pageRest is what mostly has room for an event: a page is full without so much.
const pageRest = 4 << 10

// text is the text of a body while it grows, in memory that it uses again for the next
// one. A page that is full is compressed, and used again at once; or it is kept, if
// there is no compression, or if the head, which is to be compressed before it, is not
// known yet.
//
//	full [ page ][ page ]  buf [ events ...    ]
//	coder <---------------------'
type text struct {
	coder  coder
	eager  bool // the head is known
	full   [][]byte
	buf    []byte // the page under way: text is appended to it, and turn called then
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

// turn begins another page if the one under way is full.
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

// end returns the body and how it is coded: "" if compression does not make it
// smaller, which is not asked of more than a page, because no text makes it longer by
// a thousandth. head comes before what begin was given.
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

// coder compresses bodies, one after the other, with the same memory.
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

// write compresses what comes next. Into memory, no writer fails.
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
