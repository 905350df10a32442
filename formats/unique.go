package formats

import "bytes"

// An element is an attribute among those that stand side by side: b[from:to],
// its name b[key:keyEnd], which may be empty. One whose key is 0 has no name,
// and is never doubled.
type element struct{ from, to, key, keyEnd int }

// has reports whether m is called name.
func (m element) has(b, name []byte) bool {
	return m.key > 0 && bytes.Equal(b[m.key:m.keyEnd], name)
}

// dropOverruled leaves, of the elements in dst[from:] that have equal names,
// only the last, without moving anything before from. next returns the element
// at i, separated from the next one by separator bytes.
//
// Mostly there are none, and that is found out without a look back: a filter of
// 512 bits tells new names from those that may have been there.
func dropOverruled(dst []byte, from, separator int, next func(b []byte, i int) element) []byte {
	var filter [8]uint64
	looks := 0
	for i := from; i < len(dst); {
		e := next(dst, i)
		i = e.to + separator
		if e.key == 0 {
			continue
		}
		h := nameHash(dst[e.key:e.keyEnd])
		if filter[h>>6]&(1<<(h&63)) == 0 {
			filter[h>>6] |= 1 << (h & 63)
			continue
		}
		if looks++; looks > fewElements { // the filter is full
			return rewrite(dst, from, separator, next)
		}
		if first := findElement(dst, from, separator, next, dst[e.key:e.keyEnd]); first.from < e.from {
			return rewrite(dst, from, separator, next)
		}
	}
	return dst
}

// nameHash is nine bits of a name.
func nameHash(name []byte) uint32 {
	n := len(name)
	if n == 0 {
		return 0
	}
	h := uint32(n) | uint32(name[0])<<8 | uint32(name[n-1])<<16 | uint32(name[n/2])<<24
	if n > 1 {
		h ^= uint32(name[n-2]) << 4
	}
	return h * 0x9E3779B1 >> 23
}

// findElement returns the first element called name; there is one.
func findElement(dst []byte, from, separator int, next func(b []byte, i int) element, name []byte) element {
	for i := from; ; {
		e := next(dst, i)
		if e.has(dst, name) {
			return e
		}
		i = e.to + separator
	}
}

// fewElements is how many can be searched one by one.
const fewElements = 64

// rewrite is dropOverruled where there may be something to drop. It looks ahead
// from each element, which takes less than a map for as many as a record mostly
// has.
func rewrite(dst []byte, from, separator int, next func(b []byte, i int) element) []byte {
	last := lastElements(dst, from, separator, next)
	end := from
	for i := from; i < len(dst); {
		e := next(dst, i)
		i = e.to + separator
		if last != nil {
			if e.key > 0 && last[string(dst[e.key:e.keyEnd])] != e.from {
				continue
			}
		} else if isOverruled(dst, e, separator, next) {
			continue
		}
		if end > from {
			end += copy(dst[end:], dst[e.from-separator:e.from]) // the separator before it
		}
		end += copy(dst[end:], dst[e.from:e.to])
	}
	return dst[:end]
}

// lastElements is where the last element of each name begins; nil if there are
// few elements.
func lastElements(dst []byte, from, separator int, next func(b []byte, i int) element) map[string]int {
	n := 0
	for i := from; i < len(dst) && n <= fewElements; n++ {
		i = next(dst, i).to + separator
	}
	if n <= fewElements {
		return nil
	}
	last := make(map[string]int)
	for i := from; i < len(dst); {
		e := next(dst, i)
		i = e.to + separator
		if e.key > 0 {
			last[string(dst[e.key:e.keyEnd])] = e.from
		}
	}
	return last
}

// isOverruled reports whether an element behind e has its name.
func isOverruled(dst []byte, e element, separator int, next func(b []byte, i int) element) bool {
	if e.key == 0 {
		return false
	}
	name := dst[e.key:e.keyEnd]
	for i := e.to + separator; i < len(dst); {
		later := next(dst, i)
		if later.has(dst, name) {
			return true
		}
		i = later.to + separator
	}
	return false
}
