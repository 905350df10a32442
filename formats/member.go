package formats

import (
	"log/slog"

	"github.com/slogship/slogship"
)

// appendAnyTime writes the time of e in the layout of the member, or as text if the
// layout cannot express it, or the value with which ReplaceAttr replaced it.
func (m *member) appendAnyTime(dst []byte, e *slogship.Event) []byte {
	switch {
	case given(e.TimeValue):
		return slogship.AppendValue(m.begin(dst), e.TimeValue)
	case e.Time.IsZero():
		return dst
	case m.layout.expresses(e.Time):
		return m.layout.append(m.begin(dst), e.Time)
	}
	return m.appendTimeText(dst, e)
}

// appendTimeText writes the time of e as text, unless it has none.
func (m *member) appendTimeText(dst []byte, e *slogship.Event) []byte {
	text, ok := timeText(e)
	if !ok {
		return dst
	}
	return slogship.AppendString(m.begin(dst), text)
}

// appendLevel writes the level of e. A level between the named ones has the name that
// slog gives it.
func (m *member) appendLevel(dst []byte, e *slogship.Event, text bool) []byte {
	switch {
	case given(e.LevelValue):
		return appendReplaced(m.begin(dst), e.LevelValue, text)
	case e.NoLevel:
		return dst
	}
	if i := uint(e.Level - slog.LevelDebug); i%4 == 0 && i/4 < 4 {
		return appendMember(dst, m.levels[i/4])
	}
	return slogship.AppendLevel(m.begin(dst), e.Level, m.what == lowerLevel)
}

func (m *member) appendMessage(dst []byte, e *slogship.Event, text bool) []byte {
	switch {
	case given(e.MessageValue):
		return appendReplaced(m.begin(dst), e.MessageValue, text)
	case !e.NoMessage:
		return slogship.AppendString(m.begin(dst), e.Message)
	case m.what == requiredMessage:
		return append(m.begin(dst), `""`...)
	}
	return dst
}

// appendReplaced writes the value with which ReplaceAttr replaced a level or a message:
// as text if text is true, and otherwise with its kind.
func appendReplaced(dst []byte, v slog.Value, text bool) []byte {
	if text {
		return appendText(dst, v)
	}
	return slogship.AppendValue(dst, v)
}

// appendError writes the part of an error that m is for, unless the error has no such
// part or the record has an attribute with that name.
func (m *member) appendError(dst []byte, e *slogship.Event, failure *slogship.Error) []byte {
	text := failure.Text
	switch m.what {
	case errorType:
		text = failure.Type
	case errorStack:
		text = stackText(failure.Stack)
	}
	if text == "" && m.what != errorText || m.beside && hasPath(e.Attrs, m.name) {
		return dst
	}
	return slogship.AppendString(m.begin(dst), text)
}

// appendException writes the text and the stack of an error or, if there is none,
// the text of the first attribute in names that has one.
func (m *member) appendException(dst []byte, attrs []slog.Attr, failure *slogship.Error, names []string) []byte {
	switch {
	case failure != nil && failure.Stack == nil:
		return slogship.AppendString(m.begin(dst), failure.Text)
	case failure != nil:
		return slogship.AppendString(m.begin(dst), failure.Text+"\n"+stackText(failure.Stack))
	}
	var lengths uint64 // a bit for that of each name, which rules out most records
	for i := range attrs {
		lengths |= 1 << (len(attrs[i].Key) & 63)
	}
	for _, name := range names {
		if lengths>>(len(name)&63)&1 == 0 {
			continue
		}
		for i := len(attrs) - 1; i >= 0; i-- { // of equal names the last wins
			a := &attrs[i]
			if a.Key == name && a.Value.Kind() == slog.KindString && a.Value.String() != "" {
				return slogship.AppendString(m.begin(dst), a.Value.String())
			}
		}
	}
	return dst
}

// appendSourceECS writes the source of e in the place of log.origin: "file" is an
// object with the name and the line. Other members that ReplaceAttr returned are
// written unchanged. If ReplaceAttr replaced the source with text, the text becomes the
// name of the file, because log.origin must be an object in Elasticsearch.
func appendSourceECS(dst []byte, e *slogship.Event) []byte {
	dst = append(dst, '{')
	var file [2]slog.Attr // the name and the line; without a key if there is none
	if given(e.SourceValue) {
		file[0] = slog.String("name", textOf(e.SourceValue))
	} else {
		for i := range e.Source {
			switch a := e.Source[i]; a.Key {
			case "file":
				file[0] = slog.Attr{Key: "name", Value: a.Value}
			case "line":
				file[1] = slog.Attr{Key: "line", Value: a.Value}
			default:
				dst = slogship.AppendAttrs(dst, e.Source[i:i+1])
			}
		}
	}
	if file[0].Key != "" || file[1].Key != "" {
		dst = append(appendMember(dst, `,"file":`), '{')
		for i := range file {
			if file[i].Key != "" {
				dst = slogship.AppendAttrs(dst, file[i:i+1])
			}
		}
		dst = append(dst, '}')
	}
	return append(dst, '}')
}

// quote is s as a JSON string.
func quote(s string) string { return string(slogship.AppendString(nil, s)) }

// quoteKey is the beginning of a member called name.
func quoteKey(name string) string { return quote(name) + ":" }
