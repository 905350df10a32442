package slogshiptest

import (
	"bytes"
	"log/slog"
	"unsafe"
	"weak"

	"github.com/slogship/slogship"
)

// eventMemory is the memory of one Event, which a Format must not keep: all that
// the Event points to is a copy in here, that can be overwritten, and found still
// to be in use.
type eventMemory struct {
	event slogship.Event
	texts [][]byte // of the strings, and of the []byte
	attrs [][]slog.Attr
	json  []*slogship.JSON
	bytes []*slogship.Bytes
	fails []*slogship.Error
	stack [][]slog.Source
}

// newEventMemory copies e.
func newEventMemory(e slogship.Event) *eventMemory {
	m := &eventMemory{event: e}
	c := &m.event
	c.ID, c.Message = m.text(e.ID), m.text(e.Message)
	c.Source, c.Attrs = m.list(e.Source), m.list(e.Attrs)
	c.TimeValue, c.LevelValue = m.value(e.TimeValue), m.value(e.LevelValue)
	c.MessageValue, c.SourceValue = m.value(e.MessageValue), m.value(e.SourceValue)
	return m
}

// text copies a string to memory that can be overwritten, as that of a handler's
// strings is.
func (m *eventMemory) text(s string) string {
	if s == "" {
		return ""
	}
	const least = 32 // smaller ones share an allocation, and live as long as any of them
	b := append(make([]byte, 0, max(len(s), least)), s...)
	m.texts = append(m.texts, b)
	return unsafe.String(&b[0], len(b))
}

func (m *eventMemory) list(attrs []slog.Attr) []slog.Attr {
	if attrs == nil {
		return nil
	}
	list := make([]slog.Attr, len(attrs))
	for i, a := range attrs {
		list[i] = slog.Attr{Key: m.text(a.Key), Value: m.value(a.Value)}
	}
	m.attrs = append(m.attrs, list)
	return list
}

func (m *eventMemory) value(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(m.text(v.String()))
	case slog.KindGroup:
		return slog.GroupValue(m.list(v.Group())...)
	case slog.KindAny:
		switch v := v.Any().(type) {
		case *slogship.JSON:
			m.json = append(m.json, &slogship.JSON{Text: m.text(v.Text)})
			return slog.AnyValue(m.json[len(m.json)-1])
		case *slogship.Bytes:
			data := bytes.Clone(v.Data)
			if len(data) > 0 {
				m.texts = append(m.texts, data)
			}
			m.bytes = append(m.bytes, &slogship.Bytes{Data: data})
			return slog.AnyValue(m.bytes[len(m.bytes)-1])
		case *slogship.Error:
			var stack []slog.Source
			for _, s := range v.Stack {
				stack = append(stack, slog.Source{Function: m.text(s.Function), File: m.text(s.File), Line: s.Line})
			}
			if stack != nil {
				m.stack = append(m.stack, stack)
			}
			m.fails = append(m.fails, &slogship.Error{Text: m.text(v.Text), Type: m.text(v.Type), Stack: stack})
			return slog.AnyValue(m.fails[len(m.fails)-1])
		}
	}
	return v
}

// overwrite puts other things into the memory, as the next record does.
func (m *eventMemory) overwrite() {
	other := slog.String("overwritten", "overwritten")
	for _, text := range m.texts {
		for i := range text {
			text[i] = '#'
		}
	}
	for _, list := range m.attrs {
		for i := range list {
			list[i] = other
		}
	}
	for _, v := range m.json {
		v.Text = `"overwritten"`
	}
	for _, v := range m.bytes {
		v.Data = []byte("overwritten")
	}
	for _, v := range m.fails {
		*v = slogship.Error{Text: "overwritten", Type: "overwritten"}
	}
	for _, list := range m.stack {
		clear(list)
	}
	m.event = slogship.Event{ID: "overwritten", Message: "overwritten", Attrs: []slog.Attr{other}}
}

// watch returns a function that says what of the memory is still in use, "" if
// nothing is, once the garbage collector has run and nobody has m any more.
func (m *eventMemory) watch() func() string {
	var parts []func() string
	parts = append(parts, watched(m, "the Event"))
	for _, text := range m.texts {
		parts = append(parts, watched(&text[0], "a text"))
	}
	for _, list := range m.attrs {
		if len(list) > 0 {
			parts = append(parts, watched(&list[0], "a slice of attributes"))
		}
	}
	for _, v := range m.json {
		parts = append(parts, watched(v, "a *JSON"))
	}
	for _, v := range m.bytes {
		parts = append(parts, watched(v, "a *Bytes"))
	}
	for _, v := range m.fails {
		parts = append(parts, watched(v, "an *Error"))
	}
	for _, list := range m.stack {
		parts = append(parts, watched(&list[0], "a stack"))
	}
	return func() string {
		for _, part := range parts {
			if what := part(); what != "" {
				return what
			}
		}
		return ""
	}
}

// watched returns a function that returns what as long as p is in use.
func watched[T any](p *T, what string) func() string {
	w := weak.Make(p)
	return func() string {
		if w.Value() == nil {
			return ""
		}
		return what
	}
}
