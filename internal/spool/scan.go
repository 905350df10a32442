package spool

import (
	"bytes"
	"errors"
	"io"
)

// scanner walks the frames of one segment file, over whatever is in it.
type scanner struct {
	f      file
	number uint64 // of the segment: frames of another one are not frames
	off    int64
	limit  int64 // nothing is read from there on

	buf   []byte
	at    int64                     // where buf begins
	ahead int                       // how much is read at once, at least what is asked for
	skip  func(h *frameHeader) bool // such frames need no payload; nil: all do

	h       frameHeader
	payload []byte // of the frame; valid until the next call
	from    int64  // of the frame or of the bad range
	to      int64
	unread  bool // a read failed: the bad range may be good
}

// found is what a scanner comes to.
type found uint8

const (
	foundEnd   found = iota // nothing more, or zeros only
	foundFrame              // h and payload
	foundBad                // from to to is no frame
)

const scanAhead = 256 << 10

func newScanner(f file, number uint64, limit int64) *scanner {
	return &scanner{f: f, number: number, off: segmentHeaderBytes, limit: limit, ahead: scanAhead}
}

// reset leads c to another segment.
func (c *scanner) reset(f file, number uint64, limit int64) {
	c.f, c.number, c.off, c.limit = f, number, segmentHeaderBytes, limit
	c.buf, c.at = c.buf[:0], 0
}

// peek returns the n bytes at off, which must end within limit.
func (c *scanner) peek(off int64, n int) ([]byte, error) {
	if off >= c.at && off+int64(n) <= c.at+int64(len(c.buf)) {
		return c.buf[off-c.at:][:n], nil
	}
	want := int(min(int64(max(n, c.ahead)), c.limit-off))
	if cap(c.buf) < want {
		c.buf = make([]byte, 0, want)
	}
	c.buf, c.at = c.buf[:want], off
	got, err := c.f.ReadAt(c.buf, off)
	c.buf = c.buf[:got]
	if got >= n {
		return c.buf[:n], nil
	}
	if err == nil || errors.Is(err, io.EOF) {
		err = io.ErrUnexpectedEOF // the file is shorter than it was
	}
	return nil, err
}

// next goes on to the next frame or bad range. verify asks for the payload, and
// whether it is what was written.
func (c *scanner) next(verify bool) found {
	c.payload = nil
	if c.limit-c.off < frameHeaderBytes {
		return c.tail()
	}
	head, err := c.peek(c.off, frameHeaderBytes)
	if err != nil {
		c.unread = true
		return c.bad(c.limit)
	}
	if !c.h.decode(head, c.number) {
		return c.resync()
	}
	end := c.off + frameHeaderBytes + int64(c.h.payload)
	if end > c.limit {
		return c.resync()
	}
	if verify && (c.skip == nil || !c.skip(&c.h)) {
		b, err := c.peek(c.off, frameHeaderBytes+int(c.h.payload))
		if err != nil {
			c.unread = true
			return c.bad(min(align(end), c.limit))
		}
		if c.payload = b[frameHeaderBytes:]; checksum(crcInit, c.payload) != c.h.crc {
			return c.bad(min(align(end), c.limit))
		}
	}
	c.from, c.to = c.off, min(align(end), c.limit)
	c.off = c.to
	return foundFrame
}

// resync looks for the next frame after something that is none.
func (c *scanner) resync() found {
	zeros := true
	off := c.off
	for ; c.limit-off >= frameHeaderBytes; off += frameAlign {
		b, err := c.peek(off, frameHeaderBytes)
		if err != nil {
			c.unread = true
			return c.bad(c.limit)
		}
		if n := c.zeroPages(off); n > 0 { // what was allocated, and never used
			off += n - frameAlign
			continue
		}
		var h frameHeader
		if off > c.off && h.decode(b, c.number) && off+frameHeaderBytes+int64(h.payload) <= c.limit {
			return c.bad(off)
		}
		zeros = zeros && allZero(b[:frameAlign])
	}
	if zeros {
		from := c.off
		c.off = off
		if c.tail() == foundEnd {
			c.off = from
			return foundEnd
		}
		c.off = from
	}
	return c.bad(c.limit)
}

// zeroPages is how many bytes from off on are zeros, in whole pages, as far as
// they were read.
func (c *scanner) zeroPages(off int64) (n int64) {
	b := c.buf[off-c.at:]
	for len(b) >= len(zeroPage) && bytes.Equal(b[:len(zeroPage)], zeroPage[:]) {
		b, n = b[len(zeroPage):], n+int64(len(zeroPage))
	}
	return n
}

var zeroPage [4 << 10]byte // is only read

// tail judges what is too short for a frame.
func (c *scanner) tail() found {
	if c.off >= c.limit {
		return foundEnd
	}
	b, err := c.peek(c.off, int(c.limit-c.off))
	if err == nil && allZero(b) {
		return foundEnd
	}
	c.unread = c.unread || err != nil
	return c.bad(c.limit)
}

func (c *scanner) bad(to int64) found {
	c.payload = nil
	c.from, c.to = c.off, to
	c.off = to
	return foundBad
}

func allZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}
