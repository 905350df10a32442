package formats

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"slices"
)

// What stands here reads JSON that slogship wrote, and so need not validate it.

// A memberAt is a key and its value, as offsets: the key's opening quote, the
// colon, the end of the value.
type memberAt struct{ key, colon, end int }

// nextMember finds the member at or behind i, over a comma.
func nextMember(b []byte, i int) (memberAt, bool) {
	if i < len(b) && b[i] == ',' {
		i++
	}
	if i >= len(b) || b[i] != '"' {
		return memberAt{}, false
	}
	colon := skipString(b, i)
	return memberAt{key: i, colon: colon, end: skipValue(b, colon+1)}, true
}

// skipString returns the index behind the string that begins at i.
func skipString(b []byte, i int) int {
	i++
	for i+8 <= len(b) {
		m := quotesAndSlashes(binary.LittleEndian.Uint64(b[i:]))
		if m == 0 {
			i += 8
			continue
		}
		i += bits.TrailingZeros64(m) >> 3
		if b[i] == '"' {
			return i + 1
		}
		i += 2
	}
	for b[i] != '"' {
		if b[i] == '\\' {
			i++
		}
		i++
	}
	return i + 1
}

// quotesAndSlashes has the high bit of each byte of w set that is a quote or a
// backslash; above the first one others may be set too. See "Hacker's Delight",
// 2nd edition, section 6-1 (find first 0-byte).
func quotesAndSlashes(w uint64) uint64 {
	const ones, highs = 0x0101010101010101, 0x8080808080808080
	q, s := w^('"'*ones), w^('\\'*ones)
	return ((q-ones)&^q | (s-ones)&^s) & highs
}

// skipValue returns where the value that begins at i ends.
func skipValue(b []byte, i int) int {
	switch b[i] {
	case '"':
		return skipString(b, i)
	case '{', '[':
		return skipNested(b, i)
	}
	for i < len(b) && b[i] != ',' {
		i++
	}
	return i
}

// skipNested returns where the object or array that begins at i ends.
func skipNested(b []byte, i int) int {
	for depth := 0; ; i++ {
		switch b[i] {
		case '"':
			i = skipString(b, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}

// A renaming gives an attribute at the root the name that the backend has for
// such a thing.
type renaming struct {
	from, to []byte                  // keys, with quotes
	fits     func(value []byte) bool // if not nil, other values keep their name
}

// renamings are applied one after the other.
type renamings struct {
	list []renaming

	// needles are the ends of the names: mostly none of them is there, which is
	// quicker to see than what names there are. They leave out the quote in
	// front, at which a search would stop all the time.
	needles [][]byte
}

func (rs *renamings) add(from, to string, fits func(value []byte) bool) {
	r := renaming{from: []byte(quote(from)), to: []byte(quote(to)), fits: fits}
	rs.list = append(rs.list, r)
	end := max(bytes.LastIndexByte(r.from, '_'), 1)
	if end == 1 {
		end = max(len(r.from)-len(`xx"`), 1)
	}
	needle := append(slices.Clone(r.from[end:]), ':')
	if !slices.ContainsFunc(rs.needles, func(n []byte) bool { return bytes.Equal(n, needle) }) {
		rs.needles = append(rs.needles, needle)
	}
}

// apply renames attributes among those at dst[at:].
func (rs *renamings) apply(dst []byte, at int) []byte {
	for _, n := range rs.needles {
		if bytes.Contains(dst[at:], n) {
			for i := range rs.list {
				dst = rs.list[i].apply(dst, at)
			}
			break
		}
	}
	return dst
}

// apply renames the last attribute that fits among those at dst[at:]. It leaves
// all as they are if one has the new name already: no key is doubled.
func (r *renaming) apply(dst []byte, at int) []byte {
	found := memberAt{key: -1}
	for i := at; ; {
		m, ok := nextMember(dst, i)
		if !ok {
			break
		}
		i = m.end
		switch key := dst[m.key:m.colon]; {
		case bytes.Equal(key, r.to):
			return dst
		case bytes.Equal(key, r.from) && (r.fits == nil || r.fits(dst[m.colon+1:m.end])):
			found = m
		}
	}
	if found.key < 0 {
		return dst
	}
	return slices.Replace(dst, found.key, found.colon, r.to...)
}
