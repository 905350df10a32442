package formats

import (
	"bytes"
	"encoding/base64"
	"log/slog"
	"math"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/slogship/slogship"
)

// Structured metadata: members of a JSON object, all of them strings, none with
// an escape in its name.

// What a byte is in a name of Loki's.
const (
	nameOther = iota
	nameUnderscore
	nameDigit
	nameLetter
)

var lokiNameBytes = func() (t [256]uint8) {
	for c := range t {
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

// appendLokiName appends the name of the attribute key inside groups, as Loki
// normalizes names of structured metadata (LabelNamer.Build in
// prometheus/otlptranslator, which it calls for each): letters, digits, and one
// underscore for each run of anything else. It reports whether that is key as it
// is.
func appendLokiName(dst []byte, groups []string, key string) (out []byte, same bool) {
	if len(groups) == 0 && isLokiName(key) {
		return append(dst, key...), true
	}
	begin := len(dst)
	for _, g := range groups {
		dst = appendUnderscore(appendNamePart(dst, begin, g), begin)
	}
	dst = appendNamePart(dst, begin, key)
	switch {
	case len(dst) == begin:
		return append(dst, "key"...), false
	case lokiNameBytes[dst[begin]] == nameDigit:
		return slices.Insert(dst, begin, []byte("key_")...), false
	}
	return dst, false
}

// isLokiName reports whether Loki leaves name as it is.
func isLokiName(name string) bool {
	last, all := uint8(nameDigit), uint8(nameUnderscore)
	for i := range len(name) {
		c := lokiNameBytes[name[i]]
		if c == nameOther || c == nameUnderscore && last == nameUnderscore {
			return false
		}
		last, all = c, max(all, c)
	}
	return all > nameUnderscore && lokiNameBytes[name[0]] != nameDigit
}

// appendNamePart appends part of a name that begins at begin. Of a part without
// a letter or digit nothing would be left, and of a name without any, Loki makes
// a 500 for the whole request: its characters are written in hexadecimal.
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

// appendComma begins a member that is not the first.
func appendComma(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' {
		return append(dst, ',')
	}
	return dst
}

// appendMetadata appends an attribute up to its value, with a comma before it
// unless it is the first. A name that is reserved gets an underscore; if it is
// not the attribute's own in the end, it is marked.
func appendMetadata(dst []byte, groups []string, key string, reserved *lokiNameSet) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '{' {
		dst = append(dst, ',', '"')
	} else {
		dst = append(dst, '"')
	}
	begin := len(dst)
	dst, same := appendLokiName(dst, groups, key)
	if reserved.has(dst[begin:]) {
		dst, same = append(dst, '_'), false
	}
	if !same && reserved != nil {
		dst = slices.Insert(dst, begin-1, lokiMark)
	}
	return append(dst, '"', ':')
}

// lokiNameSet is the names that the format writes itself, with a bit for the
// length of each to rule out most others at once.
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
	return s != nil && s.lengths>>(len(name)&63)&1 != 0 && slices.Contains(s.names, string(name))
}

// lokiMark stands before a name that differs from the attribute's: another
// attribute's may be the same, though their keys are not. JSON holds no such
// byte.
const lokiMark = 0

// unmark takes all marks out of dst[from:], and reports whether there were any.
func unmark(dst []byte, from int) (out []byte, marked bool) {
	i := bytes.IndexByte(dst[from:], lokiMark)
	if i < 0 {
		return dst, false
	}
	end := from + i
	for _, c := range dst[end:] {
		if c != lokiMark {
			dst[end] = c
			end++
		}
	}
	return dst[:end], true
}

// appendLokiText appends a JSON text as a JSON string; one that is a string
// already as it is.
func appendLokiText(dst, text []byte) []byte {
	switch text[0] {
	case '"':
		return append(dst, text...)
	case '{', '[':
		return slogship.AppendString(dst, string(text))
	}
	dst = append(append(dst, '"'), text...)
	return append(dst, '"')
}

// appendLokiValue appends v as a JSON string: a string as it is, anything else
// as its JSON.
func appendLokiValue(dst []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return slogship.AppendString(dst, v.String())
	case slog.KindInt64:
		dst = slogship.AppendInt(append(dst, '"'), v.Int64())
	case slog.KindUint64:
		dst = slogship.AppendUint(append(dst, '"'), v.Uint64())
	case slog.KindFloat64:
		f := v.Float64()
		if math.IsNaN(f) || math.IsInf(f, 0) {
			return slogship.AppendFloat(dst, f)
		}
		dst = slogship.AppendFloat(append(dst, '"'), f)
	case slog.KindBool:
		dst = strconv.AppendBool(append(dst, '"'), v.Bool())
	case slog.KindDuration:
		dst = slogship.AppendInt(append(dst, '"'), int64(v.Duration()))
	case slog.KindTime:
		dst = v.Time().AppendFormat(append(dst, '"'), time.RFC3339Nano)
	default:
		b, _ := v.Any().([]byte)
		dst = base64.StdEncoding.AppendEncode(append(dst, '"'), b)
	}
	return append(dst, '"')
}

// nextMetadata returns the member at i.
func nextMetadata(b []byte, i int) element {
	e := element{from: i, key: i + 1}
	e.keyEnd = e.key + bytes.IndexByte(b[e.key:], '"')
	e.to = skipString(b, e.keyEnd+len(`":`))
	return e
}

// lokiCut are the mark at the end of a shortened value, and the member that says
// that metadata is not whole, as in a record that is longer than
// Options.MaxRecordBytes.
const (
	lokiCutMark   = "…[cut]"
	lokiCutName   = "_cut"
	lokiCutMember = `"_cut":"true"`

	// No value is made shorter than this; before that, whole ones are left out.
	minLokiValue = 40
)

// fitMetadata brings the members in dst[from:] within Loki's limits: the longest
// values are shortened until all are equally long, then members are left out
// from the end. Those before own, the level and the id, stay as they are.
//
// Lengths are those of the JSON, which is never shorter than what it stands for.
func fitMetadata(dst []byte, from, own int, e *slogship.Event) []byte {
	const least = len(`"a":"",`)
	if n := len(dst) - from; n <= maxLokiMetadata && n <= maxLokiEntries*least {
		return dst
	}
	var members []element
	size, before := 0, 0
	for i := from; i < len(dst); {
		m := nextMetadata(dst, i)
		size += m.size()
		i = m.to + 1
		if members = append(members, m); m.to <= own {
			before = len(members)
		}
	}
	if len(members) <= maxLokiEntries && size <= maxLokiMetadata {
		return dst
	}
	e.NoteCut()
	room, most := maxLokiMetadata-len(lokiCutMember), maxLokiEntries-1-before
	for _, m := range members[:before] {
		room -= m.size()
	}
	members = slices.DeleteFunc(members[before:], func(m element) bool { return string(dst[m.key:m.keyEnd]) == lokiCutName })
	members = members[:min(len(members), most)]
	limit := max(valueLimit(members, room), minLokiValue)

	old := bytes.Clone(dst)
	dst = dst[:own]
	for _, m := range members {
		name, value := old[m.key:m.keyEnd], old[m.keyEnd+len(`":`):m.to]
		if len(value) > limit+len(`""`) {
			short := shortened(appendUnquoted(nil, value), limit-len(lokiCutMark))
			value = slogship.AppendString(nil, string(short)+lokiCutMark)
		}
		if room -= len(name) + len(value) - len(`""`); room < 0 {
			break
		}
		dst = append(append(append(appendComma(dst), '"'), name...), '"', ':')
		dst = append(dst, value...)
	}
	return append(appendComma(dst), lokiCutMember...)
}

// size is what a member of metadata counts for.
func (m element) size() int { return m.to - m.from - len(`"":""`) }

// valueLimit is the greatest length such that the values of members, each but
// up to it, have room together with the names.
func valueLimit(members []element, room int) int {
	lengths := make([]int, 0, len(members))
	for _, m := range members {
		lengths = append(lengths, m.size()-(m.keyEnd-m.key))
		room -= m.keyEnd - m.key
	}
	slices.Sort(lengths)
	for i, n := range lengths {
		if left := len(lengths) - i; n*left > room {
			return room / left
		}
		room -= n
	}
	return maxLokiMetadata
}

// shortened is the longest front of s of at most n bytes, the last character
// whole, that takes at most n bytes as JSON.
func shortened(s []byte, n int) []byte {
	s = s[:min(len(s), n)]
	for len(s) > 0 {
		if r, size := utf8.DecodeLastRune(s); r != utf8.RuneError || size > 1 {
			over := len(slogship.AppendString(nil, string(s))) - len(`""`) - n
			if over <= 0 {
				break
			}
			s = s[:len(s)-max(over/6, 1)]
			continue
		}
		s = s[:len(s)-1]
	}
	return s
}
