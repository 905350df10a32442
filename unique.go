package slogship

import (
	"log/slog"
	"unicode/utf8"

	"github.com/slogship/slogship/internal/jsontext"
)

// fewNames is up to how many names are compared with each other; a map tells more
// of them apart.
const fewNames = 16

// unique removes superseded attributes: of equal names in one group only the last
// is kept, in attrs and, if there are any, in the groups in it. It works in the memory
// of attrs.
func unique(attrs []slog.Attr, groups bool) []slog.Attr {
	if mayRepeat(attrs) {
		attrs = withoutSuperseded(attrs)
	}
	if !groups {
		return attrs
	}
	for i := range attrs {
		if v := attrs[i].Value; v.Kind() == slog.KindGroup {
			members := v.Group()
			if left := unique(members, true); len(left) < len(members) {
				attrs[i].Value = slog.GroupValue(left...)
			}
		}
	}
	return attrs
}

// mayRepeat reports whether two of the names may be equal as they are written;
// mostly it is false where none are.
func mayRepeat(attrs []slog.Attr) bool {
	var seen [4]uint64 // a bit for the nameHash of each
	for i := range attrs {
		name := attrs[i].Key
		h := nameHash(name)
		word, bit := &seen[h>>6], uint64(1)<<(h&63)
		if *word&bit != 0 || !jsontext.IsValid(name) {
			return true
		}
		*word |= bit
	}
	return false
}

// nameHash tells names apart by their length and ends, which is cheap.
func nameHash(name string) uint8 {
	if name == "" {
		return 0
	}
	return uint8(len(name))*89 ^ name[0]*29 ^ name[len(name)-1]*3
}

func withoutSuperseded(attrs []slog.Attr) []slog.Attr {
	if len(attrs) <= fewNames {
		kept := attrs[:0]
		for i := range attrs {
			if !hasName(attrs[i+1:], attrs[i].Key) {
				kept = append(kept, attrs[i])
			}
		}
		return kept
	}
	last := make(map[string]int, len(attrs))
	for i := range attrs {
		last[written(attrs[i].Key)] = i
	}
	if len(last) == len(attrs) {
		return attrs
	}
	kept := attrs[:0]
	for i := range attrs {
		if last[written(attrs[i].Key)] == i {
			kept = append(kept, attrs[i])
		}
	}
	return kept
}

func hasName(attrs []slog.Attr, name string) bool {
	name = written(name)
	for i := range attrs {
		if written(attrs[i].Key) == name {
			return true
		}
	}
	return false
}

// written is name as text has it: each byte that is not UTF-8 is U+FFFD.
func written(name string) string {
	if utf8.ValidString(name) {
		return name
	}
	return string([]rune(name))
}
