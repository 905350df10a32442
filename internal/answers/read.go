package answers

import (
	"io"
	"slices"
)

// Read reads at most limit bytes of a body. size is its Content-Length, or -1 if that
// is unknown. Read reports whether the body is longer than limit; the rest is not read.
func Read(body io.Reader, size int64, limit int) (b []byte, more bool, err error) {
	const first = 4 << 10
	room := first
	if size >= 0 {
		room = int(min(size, int64(limit))) + 1 // one more, to see the end
	}
	b = make([]byte, 0, min(room, limit+1))
	for {
		if len(b) > limit {
			return b[:limit], true, nil
		}
		if len(b) == cap(b) {
			b = slices.Grow(b, min(max(len(b), first), limit+1-len(b)))
		}
		n, err := body.Read(b[len(b):min(cap(b), limit+1)])
		b = b[:len(b)+n]
		if err == io.EOF {
			err = nil
		} else if err == nil {
			continue
		}
		return b[:min(len(b), limit)], len(b) > limit, err
	}
}
