package slogship

import "strings"

// nameSet is the names that a Format needs for itself.
type nameSet struct {
	names   []string
	written []string // the same as they stand in JSON, between the quotes
	free    []string // the same with an underscore, which attributes get instead
	filter  uint64   // a bit for the lengthAndFirst of each
	chained bool     // one of them may be another one with underscores
}

func newNameSet(names []string) nameSet {
	s := nameSet{names: names}
	for _, name := range names {
		s.free = append(s.free, name+"_")
		s.written = append(s.written, string(appendEscaped(nil, name)))
		s.filter |= 1 << lengthAndFirst(name)
		for _, other := range names {
			s.chained = s.chained || underscores(other, name) > 0
		}
	}
	return s
}

// mayHave reports false for most names that are not in s.
func (s *nameSet) mayHave(name string) bool { return s.filter>>lengthAndFirst(name)&1 != 0 }

// lengthAndFirst is a hash of name, below 64, that is cheap above all: it is
// taken of each attribute's.
func lengthAndFirst(name string) int {
	if name == "" {
		return 0
	}
	return (len(name)<<3 + int(name[0])) & 63
}

// beyond is name or, if it is one of s or would be with fewer underscores behind
// it, name with more: neither in s nor what another name becomes.
func (s *nameSet) beyond(name string) string {
	if len(s.names) == 0 {
		return name
	}
	bare := strings.TrimRight(name, "_")
	least, most := len(name), -1
	for _, reserved := range s.names {
		if n := underscores(reserved, bare); n >= 0 {
			least, most = min(least, n), max(most, n)
		}
	}
	if most < 0 || len(name)-len(bare) < least {
		return name
	}
	return name + strings.Repeat("_", most-least+1)
}

// A nameFilter is a set of names that errs, now and then, in that it takes one
// for another: it has a bit for the hash of each.
type nameFilter [4]uint64

// nameHash tells names apart by their length and ends, which is cheap.
func nameHash(name string) uint8 {
	if name == "" {
		return 0
	}
	return uint8(len(name))*89 ^ name[0]*29 ^ name[len(name)-1]*3
}

// add adds name, and reports whether it may have been there before.
func (f *nameFilter) add(name string) bool {
	h := nameHash(name)
	word, bit := &f[h>>6], uint64(1)<<(h&63)
	had := *word&bit != 0
	*word |= bit
	return had
}

// join adds the names of g, and reports whether one may have been there before.
func (f *nameFilter) join(g *nameFilter) (had bool) {
	for i := range f {
		had = had || f[i]&g[i] != 0
		f[i] |= g[i]
	}
	return had
}
