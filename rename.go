package slogship

import (
	"bytes"
	"slices"
	"strings"
)

// separateKeys keeps the attributes that were renamed and those of that very
// name apart: neither is lost, and no key is doubled by slogship. Where unique
// is set no key is doubled at all.
func (w *attrWriter) separateKeys(unique bool) {
	// Mostly no other name ends in an underscore, and that is quick to see.
	if len(w.renamed) > 0 && (w.reserved.chained || bytes.Count(w.buf, []byte(`_":`)) > len(w.renamed)) {
		w.disambiguate()
	}
	if unique && w.doubled {
		w.buf = dedupe(w.buf)
	}
}

// disambiguate gives the attributes that were renamed as many underscores more
// as it takes for none of the user's own to have that name.
func (w *attrWriter) disambiguate() {
	for _, name := range w.reserved.written {
		var few [4]int
		ours := few[:0]
		for _, at := range w.renamed {
			if underscores(string(w.buf[at+1:skipString(w.buf, at)-1]), name) == 1 {
				ours = append(ours, at)
			}
		}
		if len(ours) == 0 {
			continue
		}
		more := freeUnderscores(w.buf, name, ours, w.reserved.written) - 1
		if more == 0 {
			continue
		}
		w.buf = insertUnderscores(w.buf, ours, more)
		for i, at := range w.renamed {
			before, _ := slices.BinarySearch(ours, at)
			w.renamed[i] += before * more
		}
	}
}

// renameMembers gives the members called name, which is to be written behind
// them, underscores.
func renameMembers(members []byte, name string, reserved []string) []byte {
	var given []int
	for i := 0; ; {
		m, ok := nextMember(members, i)
		if !ok {
			break
		}
		i = m.end
		if string(m.name(members)) == name {
			given = append(given, m.key)
		}
	}
	if given == nil {
		return members
	}
	return insertUnderscores(members, given, freeUnderscores(members, name, nil, reserved))
}

// freeUnderscores is the least n > 0 for which no member is called name with n
// underscores behind it, those that begin at ours (ascending) not counted, and
// no reserved name is that.
func freeUnderscores(members []byte, name string, ours []int, reserved []string) int {
	var taken []int
	take := func(s string) {
		if n := underscores(s, name); n > 0 {
			taken = append(taken, n)
		}
	}
	for _, r := range reserved {
		take(r)
	}
	for i := 0; ; {
		m, ok := nextMember(members, i)
		if !ok {
			break
		}
		i = m.end
		if _, renamed := slices.BinarySearch(ours, m.key); !renamed {
			take(string(m.name(members)))
		}
	}
	slices.Sort(taken)
	free := 1
	for _, n := range taken {
		if n == free {
			free++
		}
	}
	return free
}

// underscores counts the underscores behind name in s; it is -1 if s is
// anything but name and underscores.
func underscores(s, name string) int {
	rest, ok := strings.CutPrefix(s, name)
	if !ok || strings.Trim(rest, "_") != "" {
		return -1
	}
	return len(rest)
}

// insertUnderscores appends n underscores to each of the keys that begin at
// keys (ascending).
func insertUnderscores(members []byte, keys []int, n int) []byte {
	out := make([]byte, 0, len(members)+n*len(keys))
	from := 0
	for _, at := range keys {
		end := skipString(members, at) - 1
		out = append(out, members[from:end]...)
		for range n {
			out = append(out, '_')
		}
		from = end
	}
	return append(out, members[from:]...)
}
