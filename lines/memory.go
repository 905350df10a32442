package lines

import (
	"log/slog"
	"strings"
)

// memory is where the contents of records live. Records may be kept, so that
// nothing in it is used twice; but it is allocated by the piece, not by the
// value, which makes most lines cost no allocation of their own.
type memory struct {
	strings strings.Builder
	bytes   []byte
	groups  []slog.Attr // those not yet given away
}

const (
	stringPiece = 8 << 10 // bytes
	bytesPiece  = 4 << 10 // bytes
	groupPiece  = 64      // attributes
)

// copy returns p as a string.
func (m *memory) copy(p []byte) string {
	if len(p) > stringPiece/8 {
		return string(p)
	}
	if m.strings.Cap()-m.strings.Len() < len(p) {
		m.strings.Reset()
		m.strings.Grow(stringPiece)
	}
	begin := m.strings.Len()
	m.strings.Write(p)
	return m.strings.String()[begin:]
}

// copyBytes returns s as bytes.
func (m *memory) copyBytes(s string) []byte {
	if len(s) > bytesPiece/8 {
		return []byte(s)
	}
	if cap(m.bytes)-len(m.bytes) < len(s) {
		m.bytes = make([]byte, 0, bytesPiece)
	}
	begin := len(m.bytes)
	m.bytes = append(m.bytes, s...)
	return m.bytes[begin:len(m.bytes):len(m.bytes)]
}

// group returns the value of a group of attrs, which stay the caller's.
func (m *memory) group(attrs []slog.Attr) slog.Value {
	n := len(attrs)
	if n > len(m.groups) {
		m.groups = make([]slog.Attr, max(n, groupPiece))
	}
	members := m.groups[:n:n]
	m.groups = m.groups[n:]
	copy(members, attrs)
	return slog.GroupValue(members...)
}
