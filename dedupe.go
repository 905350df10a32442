package slogship

// dedupe leaves of equal keys in one object only the last, in members and in
// whatever they contain. Mostly there are none, and they are returned as they
// are.
func dedupe(members []byte) []byte {
	if !doubledKey(members, 0) {
		return members
	}
	return appendUnique(nil, members)
}

// doubledKey reports whether the members from i on have two equal keys, or
// hold an object that has.
func doubledKey(b []byte, i int) bool {
	var seenArray [24]member
	seen := seenArray[:0]
	for {
		m, ok := nextMember(b, i)
		if !ok {
			return false
		}
		i = m.end
		key := string(b[m.key:m.colon])
		for _, s := range seen {
			if string(b[s.key:s.colon]) == key {
				return true
			}
		}
		seen = append(seen, m)
		if doubledInside(b[m.colon+1 : m.end]) {
			return true
		}
	}
}

func doubledInside(v []byte) bool {
	switch v[0] {
	case '{':
		return doubledKey(v[:len(v)-1], 1)
	case '[':
		for i := 1; i < len(v)-1; {
			end := skipValue(v[:len(v)-1], i)
			if doubledInside(v[i:end]) {
				return true
			}
			i = end + 1 // over the comma
		}
	}
	return false
}

// appendUnique appends the members in b, those that are overruled left out.
func appendUnique(dst, b []byte) []byte {
	last := map[string]int{}
	for i := 0; ; {
		m, ok := nextMember(b, i)
		if !ok {
			break
		}
		last[string(b[m.key:m.colon])] = m.key
		i = m.end
	}
	first := true
	for i := 0; ; {
		m, ok := nextMember(b, i)
		if !ok {
			return dst
		}
		i = m.end
		if last[string(b[m.key:m.colon])] != m.key {
			continue
		}
		if !first {
			dst = append(dst, ',')
		}
		first = false
		dst = append(dst, b[m.key:m.colon+1]...)
		dst = appendUniqueValue(dst, b[m.colon+1:m.end])
	}
}

func appendUniqueValue(dst, v []byte) []byte {
	switch v[0] {
	case '{':
		dst = append(dst, '{')
		dst = appendUnique(dst, v[1:len(v)-1])
		return append(dst, '}')
	case '[':
		dst = append(dst, '[')
		for i := 1; i < len(v)-1; {
			if i > 1 {
				dst = append(dst, ',')
			}
			end := skipValue(v[:len(v)-1], i)
			dst = appendUniqueValue(dst, v[i:end])
			i = end + 1
		}
		return append(dst, ']')
	}
	return append(dst, v...)
}
