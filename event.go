package slogship

import (
	"encoding/binary"
	"log/slog"
	"strings"
	"time"
)

// Event is one record on its way into a Format's bytes.
type Event struct {
	// What Options.ReplaceAttr left of the built-in attributes. A part that
	// is not there is not written at all.
	HasTime, HasLevel, HasMessage, HasSource bool

	Time      time.Time
	TimeText  string // if not "", to be written instead of Time: ReplaceAttr made it no time
	Level     Level
	LevelText string // likewise
	Message   string

	cut bool // NoteCut was called
	enc *encoder
}

// NoteCut has the event counted in Stats.Cut: the Format left out or shortened
// part of it, for the sake of a limit that Layout does not have.
func (e *Event) NoteCut() { e.cut = true }

// Repeats reports whether two attributes in one group may have equal keys, of
// which the last wins. It is kept for an AttrEncoding only, and false for most
// events in which there are none.
func (e *Event) Repeats() bool { return e.enc.attrs.doubled }

// AppendID appends the event's id, 48 lower-case hexadecimal digits: 32 are
// the handler's own (128 random bits), 16 rise in the order in which records
// were accepted. It is the same however often the event is sent. At most one
// id can be appended to an event, to the event itself, where it must stay: the
// last 16 digits are filled in afterwards, in their place.
func (e *Event) AppendID(dst []byte) []byte {
	dst = append(dst, e.enc.c.idTemplate...)
	e.enc.idAt = len(dst) - sequenceDigits
	return dst
}

// AppendMessage appends the message as a JSON string.
func (e *Event) AppendMessage(dst []byte) []byte { return AppendString(dst, e.Message) }

// AppendTimeUTC appends the time as a JSON string: RFC 3339 in UTC with digits
// fractional digits, at most 9, cut off and not rounded. It may write to the
// capacity behind the result.
func (e *Event) AppendTimeUTC(dst []byte, digits int) []byte {
	if e.TimeText != "" {
		return AppendString(dst, e.TimeText)
	}
	enc := e.enc
	if sec := e.Time.Unix(); sec != enc.sec || len(enc.secText) == 0 {
		enc.sec = sec
		enc.secText = e.Time.UTC().AppendFormat(enc.secText[:0], `"2006-01-02T15:04:05`)
	}
	dst = append(dst, enc.secText...)
	nanos := uint32(e.Time.Nanosecond())
	w := digits8(nanos/10) | '0'*ones
	switch digits {
	case 0:
	case 6: // with what follows just a word
		return binary.LittleEndian.AppendUint64(append(dst, '.'), w&(1<<48-1)|'Z'<<48|'"'<<56)
	case 9:
		dst = append(binary.LittleEndian.AppendUint64(append(dst, '.'), w), byte('0'+nanos%10))
	default:
		dst = binary.LittleEndian.AppendUint64(append(dst, '.'), w)
		dst = dst[:len(dst)-8+digits]
	}
	return append(dst, 'Z', '"')
}

// AppendLevel appends the level as a JSON string: the name that slog gives it
// ("INFO", "WARN+2"), in lower case if lower is set ("info", "warn+2").
func (e *Event) AppendLevel(dst []byte, lower bool) []byte {
	if e.LevelText != "" {
		return AppendString(dst, e.LevelText)
	}
	var name string
	switch e.Level {
	case slog.LevelDebug:
		name = `"DEBUG"`
		if lower {
			name = `"debug"`
		}
	case slog.LevelInfo:
		name = `"INFO"`
		if lower {
			name = `"info"`
		}
	case slog.LevelWarn:
		name = `"WARN"`
		if lower {
			name = `"warn"`
		}
	case slog.LevelError:
		name = `"ERROR"`
		if lower {
			name = `"error"`
		}
	default:
		name = e.Level.String()
		if lower {
			name = strings.ToLower(name)
		}
		return AppendString(dst, name)
	}
	return append(dst, name...)
}

// AppendSource appends the members "function", "file" and "line" of a JSON
// object, without its braces. Where ReplaceAttr made the source something
// else, that is written as "source", or its members if it is a group.
func (e *Event) AppendSource(dst []byte) []byte { return append(dst, e.enc.source...) }

// AppendAttrs appends the attributes: those of ContextAttrs, of WithAttrs, of
// the record. As JSON they are members of an object, without its braces, with a
// comma first unless dst ends in an opening brace. With an AttrEncoding they are
// what that wrote, with its separator first unless dst ends in an opening
// bracket.
func (e *Event) AppendAttrs(dst []byte) []byte {
	w := &e.enc.attrs
	if len(w.buf) == 0 {
		return dst
	}
	switch n := len(dst); {
	case n == 0:
	case w.encoding != nil:
		if c := dst[n-1]; c != '{' && c != '[' {
			dst = append(dst, w.encoding.Separator...)
		}
	case dst[n-1] != '{':
		dst = append(dst, ',')
	}
	return append(dst, w.buf...)
}
