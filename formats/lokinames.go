package formats

import (
	"slices"
	"strconv"
)

// What a byte is in a name of Loki's.
const (
	nameOther uint8 = 1 << iota
	nameUnderscore
	nameDigit
	nameLetter
)

var lokiNameBytes = func() (t [256]uint8) {
	for c := range t {
		t[c] = nameOther
		switch {
		case c == '_':
			t[c] = nameUnderscore
		case '0' <= c && c <= '9':
			t[c] = nameDigit
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z':
			t[c] = nameLetter
		}
	}
	return t
}()

// isLokiLabel reports whether name can be a label. Loki keeps those that begin
// with two underscores for itself.
func isLokiLabel(name string) bool {
	for i := range len(name) {
		if lokiNameBytes[name[i]] == nameOther {
			return false
		}
	}
	return name != "" && lokiNameBytes[name[0]] != nameDigit && (len(name) < 2 || name[:2] != "__")
}

// appendLokiName appends the name of an attribute as Loki normalizes names of
// structured metadata (LabelNamer.Build in prometheus/otlptranslator, which it
// calls for each): letters, digits, and one underscore for each run of anything
// else. prefix is what appendLokiPrefix made of the groups that it is in.
func appendLokiName(dst, prefix []byte, key string) []byte {
	if len(prefix) == 0 && isLokiName(key) {
		return append(dst, key...)
	}
	begin := len(dst)
	dst = appendNamePart(append(dst, prefix...), begin, key)
	switch {
	case len(dst) == begin:
		return append(dst, "key"...)
	case lokiNameBytes[dst[begin]] == nameDigit:
		return slices.Insert(dst, begin, []byte("key_")...)
	}
	return dst
}

// appendLokiPrefix appends what is in front of the names of a group's members.
func appendLokiPrefix(dst, prefix []byte, group string) []byte {
	begin := len(dst)
	return appendUnderscore(appendNamePart(append(dst, prefix...), begin, group), begin)
}

// isLokiName reports whether Loki leaves name as it is.
func isLokiName(name string) bool {
	var before, all, doubled uint8
	for _, b := range []byte(name) {
		c := lokiNameBytes[b]
		all |= c
		doubled |= c & before
		before = c
	}
	return all&nameOther == 0 && doubled&nameUnderscore == 0 && all > nameUnderscore && lokiNameBytes[name[0]] != nameDigit
}

// appendNamePart appends part of a name that begins at begin. Loki answers 500 to the
// whole request if a name has no letter or digit. Therefore the characters of a part
// without any are written in hexadecimal.
func appendNamePart(dst []byte, begin int, s string) []byte {
	before := len(dst)
	some := false
	for i := range len(s) {
		if c := s[i]; lokiNameBytes[c] > nameUnderscore {
			dst = append(dst, c)
			some = true
		} else {
			dst = appendUnderscore(dst, begin)
		}
	}
	if some || s == "" {
		return dst
	}
	dst = dst[:before]
	for i, r := range s {
		if i > 0 {
			dst = append(dst, '_')
		}
		dst = strconv.AppendInt(dst, int64(r), 16)
	}
	return dst
}

// appendUnderscore appends one, unless there is one.
func appendUnderscore(dst []byte, begin int) []byte {
	if n := len(dst); n > begin && dst[n-1] == '_' {
		return dst
	}
	return append(dst, '_')
}

// lokiNameSet is a set of the names that the format writes itself. It has a bit for
// each length, which rules out most other names at once.
type lokiNameSet struct {
	names   []string
	lengths uint64
}

func (s *lokiNameSet) add(names ...string) {
	s.names = append(s.names, names...)
	for _, name := range names {
		s.lengths |= 1 << (len(name) & 63)
	}
}

func (s *lokiNameSet) has(name []byte) bool {
	return s != nil && s.hasLength(len(name)) && slices.Contains(s.names, string(name))
}

func (s *lokiNameSet) hasLength(n int) bool { return s.lengths>>(n&63)&1 != 0 }
