package formats

import (
	"log/slog"

	"github.com/slogship/slogship"
)

// A step is a part of a plain event: text that is the same in all of one level,
// and what comes after it.
//
// A plain event is what most are: it has a time, a message and one of the four
// named levels, none of them replaced, and no error that the format writes
// apart. All that is between time, message and attributes is then known but for
// the level, and is written at once instead of member by member:
//
//	{"event_id":" id ","time": time ,"level":"INFO","msg": message  attributes }
type step struct {
	text [4]string // of Debug, Info, Warn and Error
	member
}

// plainSteps returns how a plain event is written, or nil if that cannot be told
// without the event: if whether a comma is due depends on what comes before it.
func (o *object) plainSteps() (steps []step) {
	const (
		first = iota // in an object that has no member yet
		later
		unknown
	)
	place := later
	if o.open[len(o.open)-1] == '{' {
		place = first
	}
	next := step{text: [4]string{o.open, o.open, o.open, o.open}}
	for _, m := range o.members {
		key := m.key
		switch m.what {
		case textTime, errorType, errorText, errorStack: // not in a plain event
			continue
		case source, sourceECS, exception, attributes: // with their own key, and perhaps nothing
			if place == first {
				place = unknown
			}
			next.member = m
			steps, next = append(steps, next), step{}
			continue
		case nestEnd:
			key, place = "}", later
		default:
			if place == unknown {
				return nil
			}
			if place == first {
				key = key[1:]
			}
			place = later
		}
		for i := range next.text {
			switch m.what {
			case level, lowerLevel, serilogLevel:
				next.text[i] += m.levels[i][len(m.key)-len(key):]
			case eventID:
				next.text[i] += key + `"`
			case nest:
				next.text[i] += key + "{"
				place = first
			default:
				next.text[i] += key
			}
		}
		switch m.what {
		case eventID:
			next.member = m
			steps, next = append(steps, next), step{text: [4]string{`"`, `"`, `"`, `"`}}
		case anyTime, strictTime, requiredTime, message, requiredMessage, quoted:
			next.member = m
			steps, next = append(steps, next), step{}
		}
	}
	for i := range next.text {
		next.text[i] += o.close
	}
	return append(steps, next) // fixed
}

// isPlain reports whether e, which has no error that is written apart, is plain.
// Its time is between 1970 and 2262, which all layouts express.
func isPlain(e *slogship.Event) bool {
	s, l := e.Time.Unix(), uint(e.Level-slog.LevelDebug)
	return 0 <= s && s <= nanoBounds && l%4 == 0 && l/4 < 4 && !e.NoLevel && !e.NoMessage &&
		!given(e.TimeValue) && !given(e.LevelValue) && !given(e.MessageValue) && !given(e.SourceValue)
}

// appendPlain writes e, which is plain.
func (o *object) appendPlain(dst []byte, e *slogship.Event) []byte {
	l := uint(e.Level-slog.LevelDebug) / 4 & 3
	for i := range o.plain {
		s := &o.plain[i]
		dst = append(dst, s.text[l]...)
		switch s.what {
		case eventID:
			dst = append(dst, e.ID...)
		case anyTime, strictTime, requiredTime:
			dst = s.layout.append(dst, e.Time)
		case message, requiredMessage:
			dst = slogship.AppendString(dst, e.Message)
		case source:
			if len(e.Source) > 0 {
				dst = append(slogship.AppendAttrs(append(s.begin(dst), '{'), e.Source), '}')
			}
		case sourceECS:
			if len(e.Source) > 0 {
				dst = appendSourceECS(s.begin(dst), e)
			}
		case exception:
			dst = s.appendException(dst, e.Attrs, nil, o.texts)
		case quoted:
			dst = appendQuotedObject(dst, e, true)
		case attributes:
			dst = slogship.AppendAttrs(dst, e.Attrs)
		}
	}
	return dst
}
