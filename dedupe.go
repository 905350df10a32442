package slogship

import (
	"bytes"
	"cmp"
	"slices"
)

// dedupe leaves of equal keys in one object only the last, in members and in
// whatever they contain. Mostly there are none, and members is returned as it
// is.
func dedupe(members []byte) []byte {
	k := keyScanner{b: members}
	k.object()
	if len(k.overruled) == 0 {
		return members
	}
	slices.SortFunc(k.overruled, func(a, b segment) int { return cmp.Compare(a.from, b.from) })
	out := make([]byte, 0, len(members))
	done := 0
	for _, s := range k.overruled {
		if s.from < done {
			continue // inside one that is left out already
		}
		out = append(out, members[done:s.from]...)
		done = s.to
	}
	return append(out, members[done:]...)
}

type segment struct{ from, to int }

// A keyScanner finds the members that a later one of the same name overrules,
// in one pass over b.
type keyScanner struct {
	b         []byte
	i         int
	overruled []segment // each with the comma behind it, which it has, for another one follows
}

// object scans the members from i to the closing brace, or to the end of b.
func (k *keyScanner) object() {
	type named struct{ key, colon int }
	var few [16]named
	seen := few[:0]
	var last map[string]int // the index in seen of each name, once these are more than a few
	for k.i < len(k.b) && k.b[k.i] == '"' {
		m := named{key: k.i, colon: skipString(k.b, k.i)}
		name := k.b[m.key:m.colon]
		before := -1
		if len(seen) < len(few) {
			for j, s := range seen {
				if bytes.Equal(k.b[s.key:s.colon], name) {
					before = j // the last one: those before it are overruled already
				}
			}
		} else {
			if last == nil {
				last = make(map[string]int, 4*len(few))
				for j, s := range seen {
					last[string(k.b[s.key:s.colon])] = j
				}
			}
			if j, ok := last[string(name)]; ok {
				before = j
			}
			last[string(name)] = len(seen)
		}
		seen = append(seen, m)
		if before >= 0 {
			k.overruled = append(k.overruled, segment{seen[before].key, seen[before+1].key})
		}
		k.i = m.colon + 1
		k.value()
		if k.i < len(k.b) && k.b[k.i] == ',' {
			k.i++
		}
	}
}

// value scans one value.
func (k *keyScanner) value() {
	switch k.b[k.i] {
	case '{':
		k.i++
		k.object()
		k.i++
	case '[':
		for k.i++; k.b[k.i] != ']'; {
			k.value()
			if k.b[k.i] == ',' {
				k.i++
			}
		}
		k.i++
	default:
		k.i = skipValue(k.b, k.i)
	}
}
