package formats

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"slices"
	"sync"
	"unicode/utf8"

	"github.com/slogship/slogship"
)

// lokiMetadata writes the structured metadata of an entry directly. It also notes
// whether the result is above a limit of Loki or has a duplicate name. If so, the
// metadata is written again, from a lokiList.
type lokiMetadata struct {
	group  []byte // what is in front of the names of members, of each group that is open
	labels []byte // fields that are labels, members of a JSON object

	names   []span    // where the names are, in dst
	taken   []span    // the names of labels, in labels
	seen    [4]uint64 // a bit for the hash of each name
	doubled bool
}

type span struct{ from, to int }

var lokiMetadataPool = sync.Pool{New: func() any { return new(lokiMetadata) }}

// release gives the memory back unless there is too much.
func (m *lokiMetadata) release() {
	const most = 64 << 10
	if cap(m.names)+cap(m.labels)+cap(m.group) <= most {
		m.group, m.labels, m.names, m.taken = m.group[:0], m.labels[:0], m.names[:0], m.taken[:0]
		m.seen, m.doubled = [4]uint64{}, false
		lokiMetadataPool.Put(m)
	}
}

// write appends attrs as members of a JSON object, or to labels if their names are
// in those. They are members of the group whose names begin with group[from:]. A
// name in reserved gets an underscore.
func (m *lokiMetadata) write(dst []byte, attrs []slog.Attr, from int, reserved *lokiNameSet, labels []string) []byte {
	to := len(m.group)
	for i := range attrs {
		a := &attrs[i]
		if a.Value.Kind() == slog.KindGroup {
			m.group = appendLokiPrefix(m.group, m.group[from:to], a.Key)
			dst = m.write(dst, a.Value.Group(), to, reserved, labels)
			m.group = m.group[:to]
			continue
		}
		before := len(dst)
		dst = append(appendComma(dst), '"')
		begin := len(dst)
		dst = appendLokiName(dst, m.group[from:to], a.Key)
		if reserved.has(dst[begin:]) {
			dst = append(dst, '_')
		}
		end := len(dst)
		m.note(dst[begin:], dst)
		isLabel := slices.Contains(labels, string(dst[begin:end])) && isLokiLabelValue(a.Value)
		dst = appendText(append(dst, '"', ':'), a.Value)
		if !isLabel {
			m.names = append(m.names, span{begin, end})
			continue
		}
		m.labels = append(appendComma(m.labels), '"')
		m.taken = append(m.taken, span{len(m.labels), len(m.labels) + end - begin})
		m.labels = append(m.labels, dst[begin:]...)
		dst = dst[:before]
	}
	return dst
}

// note notes a name, and whether it is a duplicate of one in dst or among the labels.
func (m *lokiMetadata) note(name, dst []byte) {
	h := nameHash(name)
	word, bit := &m.seen[h>>6], uint64(1)<<(h&63)
	if *word&bit != 0 && !m.doubled {
		m.doubled = len(m.names) >= maxLokiEntries || isAmong(name, dst, m.names) || isAmong(name, m.labels, m.taken)
	}
	*word |= bit
}

// isAmong reports whether name is one of those in text.
func isAmong(name, text []byte, names []span) bool {
	return slices.ContainsFunc(names, func(other span) bool { return bytes.Equal(text[other.from:other.to], name) })
}

// isLokiLabelValue reports whether Loki accepts v as the value of a label.
func isLokiLabelValue(v slog.Value) bool {
	n := textLen(v)
	return 0 < n && n <= maxLokiLabelValue
}

// nameHash is eight bits of a name, which is not empty.
func nameHash[T string | []byte](name T) uint32 {
	n := len(name)
	return (uint32(n)*89 ^ uint32(name[0])*29 ^ uint32(name[n-1])*3 ^ uint32(name[n/2])*7) & 255
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

// validLen returns an upper bound of the length of s after each invalid byte has become
// U+FFFD.
func validLen(s string) int {
	if len(s) > maxLokiLabelValue/3 && !utf8.ValidString(s) {
		return 3 * len(s)
	}
	return len(s)
}
