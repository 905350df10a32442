package slogship

import (
	"fmt"
	"log/slog"

	"github.com/slogship/slogship/internal/record"
)

// reservedNames are the names at the root that a Format writes itself. Names of
// the user's that would collide with them get one more underscore:
//
//	level  -> level_
//	level_ -> level__
//
// so that no name is lost, none is doubled, and none depends on the others of
// its record.
type reservedNames struct {
	names  []string  // no two of them are equal but for underscores at the end
	free   []string  // the same with one underscore more
	bare   []string  // the same without underscores at the end
	filter [4]uint64 // a bit for the nameHash of each of bare
}

// newReservedNames adds "_cut" and "_recorded", which slogship writes, to names.
func newReservedNames(names []string) (r reservedNames, err error) {
	for _, name := range append([]string{cutName, record.RecordedName}, names...) {
		bare := withoutUnderscores(name)
		if i := r.index(bare); i >= 0 {
			if r.names[i] == name {
				continue
			}
			return r, fmt.Errorf("slogship: Options.Format: Layout.Reserved has %q and %q, want names that differ in more than trailing underscores",
				r.names[i], name)
		}
		r.names, r.free, r.bare = append(r.names, name), append(r.free, name+"_"), append(r.bare, bare)
		h := nameHash(bare)
		r.filter[h>>6] |= 1 << (h & 63)
	}
	return r, nil
}

// rename changes the names of attrs, which are at the root, where that is due.
func (r *reservedNames) rename(attrs []slog.Attr) {
	for i := range attrs {
		key := &attrs[i].Key
		bare := withoutUnderscores(*key)
		if h := nameHash(bare); r.filter[h>>6]>>(h&63)&1 != 0 {
			*key = r.unreserved(*key, bare)
		}
	}
}

// unreserved is name, which is bare without underscores, or what it is changed to:
// unreserved("id") is "id_" and unreserved("id_") is "id__" where "id" is reserved.
func (r *reservedNames) unreserved(name, bare string) string {
	i := r.index(bare)
	switch {
	case i < 0 || len(name) < len(r.names[i]):
		return name
	case len(name) == len(r.names[i]):
		return r.free[i]
	}
	return name + "_"
}

func withoutUnderscores(name string) string {
	for name != "" && name[len(name)-1] == '_' {
		name = name[:len(name)-1]
	}
	return name
}

func (r *reservedNames) index(bare string) int {
	for i, b := range r.bare {
		if b == bare {
			return i
		}
	}
	return -1
}
