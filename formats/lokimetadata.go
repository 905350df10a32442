package formats

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/jsontext"
)

// lokiMetadata is the structured metadata of an entry: a flat list of values with
// the names that Loki has for them. It is filled, made unique, made to fit, and
// written.
type lokiMetadata struct {
	list  []lokiField
	names []byte // of all fields, one after the other
	group []byte // what is in front of the names of members, of each group that is open

	labels []byte // what take took

	bound   int       // of the size of all names and values ever added
	seen    [8]uint64 // a bit for the hash of each name
	doubled bool      // two names may be equal: their bits are
}

// lokiField is a name, names[from:to], and a value of the event's.
type lokiField struct {
	from, to int
	value    *slog.Value
}

var lokiMetadataPool = sync.Pool{New: func() any { return new(lokiMetadata) }}

// release forgets the event, and gives the memory back unless there is too much.
func (m *lokiMetadata) release() {
	const most = 1024 // fields
	if cap(m.list) <= most && cap(m.names)+cap(m.labels) <= 64*most {
		clear(m.list[:cap(m.list)])
		*m = lokiMetadata{list: m.list[:0], names: m.names[:0], group: m.group[:0], labels: m.labels[:0]}
		lokiMetadataPool.Put(m)
	}
}

func (m *lokiMetadata) name(f *lokiField) []byte { return m.names[f.from:f.to] }

// add adds attrs, members of the group whose names begin with group[from:]. A
// name in reserved gets an underscore.
func (m *lokiMetadata) add(attrs []slog.Attr, from int, reserved *lokiNameSet) {
	end := len(m.group)
	for i := range attrs {
		a := &attrs[i]
		if a.Value.Kind() == slog.KindGroup {
			m.group = appendLokiPrefix(m.group, m.group[from:end], a.Key)
			m.add(a.Value.Group(), end, reserved)
			m.group = m.group[:end]
			continue
		}
		begin := len(m.names)
		names := appendLokiName(m.names, m.group[from:end], a.Key)
		if reserved.has(names[begin:]) {
			names = append(names, '_')
		}
		m.names = names
		m.list = append(m.list, lokiField{begin, len(names), &a.Value})
		m.bound += len(names) - begin + textBound(&a.Value)

		h := nameHash(names[begin:])
		m.doubled = m.doubled || m.seen[h>>6]&(1<<(h&63)) != 0
		m.seen[h>>6] |= 1 << (h & 63)
	}
}

// nameHash is nine bits of a name, which is not empty.
func nameHash(name []byte) uint32 {
	n := len(name)
	h := uint32(n) | uint32(name[0])<<8 | uint32(name[n-1])<<16 | uint32(name[n/2])<<24
	if n > 1 {
		h ^= uint32(name[n-2]) << 4
	}
	return h * 0x9E3779B1 >> 23
}

// unique leaves, of fields with equal names, only the last.
func (m *lokiMetadata) unique() {
	if !m.doubled {
		return
	}
	const few = 64 // which takes less to search than a map to make
	if len(m.list) > few {
		last := make(map[string]int, len(m.list))
		for i := range m.list {
			last[string(m.name(&m.list[i]))] = i
		}
		m.keep(func(i int) bool { return last[string(m.name(&m.list[i]))] == i })
		return
	}
	m.keep(func(i int) bool {
		name := m.name(&m.list[i])
		for j := i + 1; j < len(m.list); j++ {
			if bytes.Equal(m.name(&m.list[j]), name) {
				return false
			}
		}
		return true
	})
}

// keep removes the fields for whose index f does not report true. f may look at
// those behind it.
func (m *lokiMetadata) keep(f func(i int) bool) {
	n := 0
	for i := range m.list {
		if f(i) {
			m.list[n] = m.list[i]
			n++
		}
	}
	m.list = m.list[:n]
}

// take moves the fields that become labels, one of names with a value that Loki
// takes for one, to labels, members of a JSON object.
func (m *lokiMetadata) take(names []string) {
	if len(names) == 0 {
		return
	}
	m.keep(func(i int) bool {
		f := &m.list[i]
		n := textLen(*f.value)
		if n == 0 || n > maxLokiLabelValue || !slices.Contains(names, string(m.name(f))) {
			return true
		}
		m.labels = m.append(m.labels, f)
		return false
	})
}

// append appends a field as a member of a JSON object.
func (m *lokiMetadata) append(dst []byte, f *lokiField) []byte {
	dst = append(append(appendComma(dst), '"'), m.name(f)...)
	return appendText(append(dst, '"', ':'), *f.value)
}

// appendComma begins a member that is not the first.
func appendComma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' {
		return append(dst, ',')
	}
	return dst
}

// maxScalarLen bounds the text of a scalar that is not a string.
const maxScalarLen = len(`2006-01-02T15:04:05.999999999+07:00`)

// textLen is the length of the text of v, or a bound of it.
func textLen(v slog.Value) int {
	switch v.Kind() {
	case slog.KindString:
		return validLen(v.String())
	case slog.KindAny:
		switch v := v.Any().(type) {
		case *slogship.JSON:
			return len(v.Text)
		case *slogship.Bytes:
			return base64.StdEncoding.EncodedLen(len(v.Data))
		case *slogship.Error:
			return validLen(v.Text)
		}
	}
	return maxScalarLen
}

// textBound is a bound of the length of the text of v that takes no look at it.
func textBound(v *slog.Value) int {
	switch v.Kind() {
	case slog.KindString:
		return 3 * len(v.String())
	case slog.KindAny:
		return 3 * textLen(*v)
	}
	return maxScalarLen
}

// validLen is the length of s, or a bound of it, once each byte that is not UTF-8
// is U+FFFD.
func validLen(s string) int {
	if len(s) > maxLokiLabelValue/3 && !utf8.ValidString(s) {
		return 3 * len(s)
	}
	return len(s)
}

const lokiCutName = "_cut" // as in a record that is longer than Options.MaxRecordBytes

// fit brings the metadata within Loki's limits, and reports whether it was not:
// the longest values are shortened until all are equally long, then fields are
// left out from the end. The format's own have room first, that many fields in so
// many bytes.
func (m *lokiMetadata) fit(fields, size int) (cut bool) {
	if fields+len(m.list) <= maxLokiEntries && size+m.bound <= maxLokiMetadata {
		return false
	}
	own := size
	for i := range m.list {
		f := &m.list[i]
		size += f.to - f.from + textLen(*f.value)
	}
	if fields+len(m.list) <= maxLokiEntries && size <= maxLokiMetadata {
		return false
	}
	m.keep(func(i int) bool { return string(m.name(&m.list[i])) != lokiCutName })
	m.list = m.list[:min(len(m.list), maxLokiEntries-1-fields)]
	room := maxLokiMetadata - own - len(lokiCutName) - len("true")
	lengths := make([]int, len(m.list))
	forValues := room
	for i := range m.list {
		f := &m.list[i]
		lengths[i] = textLen(*f.value)
		forValues -= f.to - f.from
	}
	limit := max(jsontext.WaterLevel(lengths, forValues), jsontext.MinCut)
	for i := range m.list {
		f := &m.list[i]
		if textLen(*f.value) > limit {
			v := slog.StringValue(jsontext.ShortenString(validUTF8(textOf(*f.value)), limit))
			f.value = &v
		}
		if room -= f.to - f.from + textLen(*f.value); room < 0 {
			m.list = m.list[:i]
			break
		}
	}
	marked := slog.BoolValue(true)
	f := lokiField{from: len(m.names), to: len(m.names) + len(lokiCutName), value: &marked}
	m.names = append(m.names, lokiCutName...)
	m.list = append(m.list, f)
	return true
}
