package formats

import (
	"log/slog"
	"slices"

	"github.com/slogship/slogship/internal/jsontext"
)

// lokiList is the structured metadata of an entry as a list. It is for metadata that
// cannot be written directly, because it is too long or has duplicate names.
type lokiList []lokiField

// lokiField is a name, as Loki has it, and a value.
type lokiField struct {
	name  string
	value slog.Value
}

// add adds attrs, whose names begin with prefix. A name in reserved gets an
// underscore.
func (l *lokiList) add(attrs []slog.Attr, prefix []byte, reserved *lokiNameSet) {
	for _, a := range attrs {
		if a.Value.Kind() == slog.KindGroup {
			l.add(a.Value.Group(), appendLokiPrefix(nil, prefix, a.Key), reserved)
			continue
		}
		name := appendLokiName(nil, prefix, a.Key)
		if reserved.has(name) {
			name = append(name, '_')
		}
		*l = append(*l, lokiField{string(name), a.Value})
	}
}

// unique leaves, of fields with equal names, only the last.
func (l *lokiList) unique() {
	last := make(map[string]int, len(*l))
	for i, f := range *l {
		last[f.name] = i
	}
	i := -1
	*l = slices.DeleteFunc(*l, func(f lokiField) bool {
		i++
		return last[f.name] != i
	})
}

// take moves the fields that are labels to dst, members of a JSON object.
func (l *lokiList) take(dst []byte, labels []string) []byte {
	*l = slices.DeleteFunc(*l, func(f lokiField) bool {
		if !slices.Contains(labels, f.name) || !isLokiLabelValue(f.value) {
			return false
		}
		dst = f.append(dst)
		return true
	})
	return dst
}

// append appends a member of a JSON object. A name needs no escape.
func (f lokiField) append(dst []byte) []byte {
	dst = append(append(appendComma(dst), '"'), f.name...)
	return appendText(append(dst, '"', ':'), f.value)
}

const lokiCutName = "_cut" // as in a record that is longer than Options.MaxRecordBytes

// fit brings the metadata within Loki's limits, and reports whether it was not: the
// longest values are shortened until all are equally long, then fields are left out
// from the end. The format's own fields, whose number and bytes are given, are kept
// first.
func (l *lokiList) fit(fields, own int) (cut bool) {
	size := own
	for _, f := range *l {
		size += len(f.name) + textLen(f.value)
	}
	if fields+len(*l) <= maxLokiEntries && size <= maxLokiMetadata {
		return false
	}
	list := slices.DeleteFunc(*l, func(f lokiField) bool { return f.name == lokiCutName })
	list = list[:min(len(list), maxLokiEntries-1-fields)]
	room := maxLokiMetadata - own - len(lokiCutName) - len("true")
	lengths := make([]int, len(list))
	forValues := room
	for i, f := range list {
		lengths[i] = textLen(f.value)
		forValues -= len(f.name)
	}
	limit := max(jsontext.WaterLevel(lengths, forValues), jsontext.MinCut)
	for i := range list {
		f := &list[i]
		if textLen(f.value) > limit {
			f.value = slog.StringValue(jsontext.ShortenString(validUTF8(textOf(f.value)), limit))
		}
		if room -= len(f.name) + textLen(f.value); room < 0 {
			list = list[:i]
			break
		}
	}
	list = append(list, lokiField{lokiCutName, slog.BoolValue(true)})
	*l = list
	return true
}
