package formats

import (
	"log/slog"
	"slices"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

// An object is how a format lays out an event as a JSON object. It is made from
// options once, and not changed after that.
//
//	open  member , member , ...  close
//
// The formats differ in which members there are and what these are called; what
// a member looks like is decided here, once for all.
type object struct {
	open    string // through the brace that opens the object, or through the first members
	members []member
	close   string

	strict TimeLayout // of strictTime or requiredTime; 0 if there is neither

	// revise, if not nil, changes the attributes, which are written at dst[at:].
	revise func(dst []byte, at int) []byte

	// reserved are the names that attributes must not have.
	reserved []string
}

// A member is one thing that stands in an event.
type member struct {
	key    string // with a comma, quotes and colon: `,"level":`
	what   what
	layout TimeLayout
	levels [4]string // of a level: key and name of Debug, Info, Warn and Error
}

// what a member holds.
type what uint8

const (
	fixed           what = iota // key is all there is of it
	eventID                     // the event's id
	anyTime                     // the time, as a string if ReplaceAttr made it one
	strictTime                  // the time, if it is one
	requiredTime                // the time, or else that of encoding
	timeText                    // the time if it is none
	level                       // "INFO"
	lowerLevel                  // "info"
	serilogLevel                // "Information"; CLEF's names are Serilog's
	message                     // the message
	requiredMessage             // the message, or else ""
	source                      // an object with function, file and line
	sourceECS                   // the same as the Elastic Common Schema wants it
	nest                        // an object that holds the members to come, up to nestEnd
	nestEnd
	quoted // a string that holds an object with the members to come, up to quotedEnd
	quotedEnd
	attributes // all attributes, as members beside the others
)

// newObject returns an object without members.
func newObject() *object { return &object{open: "{", close: "}"} }

// add appends a member unless its key is "-", which is how options say that it
// is to be left out.
func (o *object) add(w what, key string) {
	if key == omit {
		return
	}
	m := member{key: "," + quoteKey(key), what: w}
	for i, name := range levelNames(w) {
		m.levels[i] = m.key + quote(name)
	}
	if w == eventID {
		m.key += `"`
	}
	o.members = append(o.members, m)
	o.reserved = append(o.reserved, key)
}

// levelNames are the names that w has for Debug, Info, Warn and Error.
func levelNames(w what) []string {
	switch w {
	case level:
		return []string{"DEBUG", "INFO", "WARN", "ERROR"}
	case lowerLevel:
		return []string{"debug", "info", "warn", "error"}
	case serilogLevel:
		return []string{"Debug", "Information", "Warning", "Error"}
	}
	return nil
}

// addTime appends the time.
func (o *object) addTime(w what, key string, l TimeLayout) {
	o.add(w, key)
	if key != omit {
		o.members[len(o.members)-1].layout = l
	}
	if w == strictTime || w == requiredTime {
		o.strict = l
	}
}

// addTimeText appends the member for a time that strictTime or requiredTime has
// no place for.
func (o *object) addTimeText() { o.add(timeText, timeTextKey) }

// addFixed appends a member that is the same in every event, unless value is
// empty.
func (o *object) addFixed(key, value string) {
	if value == "" {
		return
	}
	o.reserved = append(o.reserved, key)
	text := "," + quoteKey(key) + quote(value)
	switch {
	case len(o.members) > 0:
		o.members = append(o.members, member{key: text, what: fixed})
	case strings.HasSuffix(o.open, "{"):
		o.open += text[1:]
	default:
		o.open += text
	}
}

// addAttributes appends the attributes.
func (o *object) addAttributes() { o.members = append(o.members, member{what: attributes}) }

// begin opens an object in the object: nest or quoted. It holds the attributes,
// so that the names outside are theirs to have.
func (o *object) begin(w what, key string) {
	o.members = append(o.members, member{key: "," + quoteKey(key), what: w})
	o.reserved = nil
}

// end closes what begin opened.
func (o *object) end() {
	for _, m := range slices.Backward(o.members) {
		if m.what == nest || m.what == quoted {
			o.members = append(o.members, member{what: m.what + 1})
			return
		}
	}
}

// alone returns an error if the member that an option named has the name of
// another one.
func (o *object) alone(field, name string) error {
	first := slices.Index(o.reserved, name)
	if first < 0 || !slices.Contains(o.reserved[first+1:], name) {
		return nil
	}
	return badOption(field, name, "a name that no other member has")
}

const (
	omit        = "-"
	timeTextKey = "time_text"
	eventIDKey  = "event_id"
)

// append writes e to dst.
func (o *object) append(dst []byte, e *slogship.Event) []byte {
	isTime := o.strict != 0 && hasTime(e, o.strict)
	inside := 0 // where the string begins whose content is being written
	dst = append(dst, o.open...)
	for i := range o.members {
		m := &o.members[i]
		switch m.what {
		case fixed:
			dst = m.begin(dst)
		case eventID:
			dst = append(e.AppendID(m.begin(dst)), '"')
		case anyTime:
			switch {
			case !e.HasTime:
			case e.TimeText != "" || !m.layout.expresses(e.Time):
				dst = appendText(m.begin(dst), e)
			default:
				dst = m.layout.append(m.begin(dst), e)
			}
		case strictTime:
			if isTime {
				dst = m.layout.append(m.begin(dst), e)
			}
		case requiredTime:
			if isTime {
				dst = m.layout.append(m.begin(dst), e)
			} else {
				dst = m.layout.appendNow(m.begin(dst), e)
			}
		case timeText:
			if e.HasTime && !isTime {
				dst = appendText(m.begin(dst), e)
			}
		case level, lowerLevel, serilogLevel:
			if e.HasLevel {
				dst = m.appendLevel(dst, e)
			}
		case message:
			if e.HasMessage {
				dst = e.AppendMessage(m.begin(dst))
			}
		case requiredMessage:
			if e.HasMessage {
				dst = e.AppendMessage(m.begin(dst))
			} else {
				dst = append(m.begin(dst), `""`...)
			}
		case source:
			if e.HasSource {
				dst = append(m.begin(dst), '{')
				dst = e.AppendSource(dst)
				dst = append(dst, '}')
			}
		case sourceECS:
			if e.HasSource {
				dst = appendSourceECS(m.begin(dst), e)
			}
		case nest:
			dst = append(m.begin(dst), '{')
		case quoted:
			dst = m.begin(dst)
			inside = len(dst)
			dst = append(dst, '{')
		case nestEnd:
			dst = append(dst, '}')
		case quotedEnd:
			dst = appendQuoted(append(dst, '}'), inside)
		case attributes:
			at := len(dst)
			dst = e.AppendAttrs(dst)
			if o.revise != nil {
				dst = o.revise(dst, at)
			}
		}
	}
	return append(dst, o.close...)
}

// begin writes the key of m, with the comma in front of it unless it is the
// first.
func (m *member) begin(dst []byte) []byte { return appendMember(dst, m.key) }

// appendMember writes text, which begins with a comma, after a member or as the
// first one.
func appendMember(dst []byte, text string) []byte {
	if dst[len(dst)-1] == '{' {
		text = text[1:]
	}
	return append(dst, text...)
}

// appendLevel writes the level of e, with its key. Between the named ones
// levels are called what slog calls them.
func (m *member) appendLevel(dst []byte, e *slogship.Event) []byte {
	if i := uint(e.Level - slog.LevelDebug); i%4 == 0 && i/4 < 4 && e.LevelText == "" {
		return appendMember(dst, m.levels[i/4])
	}
	return e.AppendLevel(m.begin(dst), m.what == lowerLevel)
}

// hasTime reports whether the time of e is a time, and one that l can express.
// A text of ReplaceAttr's that is RFC 3339 is one, and is made one.
func hasTime(e *slogship.Event, l TimeLayout) bool {
	if !e.HasTime {
		return false
	}
	if e.TimeText != "" {
		t, err := time.Parse(time.RFC3339Nano, e.TimeText)
		if err != nil {
			return false
		}
		e.Time, e.TimeText = t, ""
	}
	return l.expresses(e.Time)
}

// timeOf is the time of e, or else that of now, which is when it was logged.
func timeOf(e *slogship.Event, l TimeLayout) time.Time {
	if hasTime(e, l) {
		return e.Time
	}
	return time.Now()
}

// quote is s as a JSON string.
func quote(s string) string { return string(slogship.AppendString(nil, s)) }

// quoteKey is the beginning of a member called name.
func quoteKey(name string) string { return quote(name) + ":" }

// appendQuoted makes the JSON text at dst[from:] a JSON string. slogship's JSON
// has control characters neither between its strings nor inside them, so that
// quotes and backslashes are all there is to escape.
//
//	dst  ... from [ the string, at most twice as long | a copy of the text ]
func appendQuoted(dst []byte, from int) []byte {
	n := len(dst) - from
	room := 2*n + len(`""`)
	dst = slices.Grow(dst, room)
	all := dst[from : from+room+n]
	out, text := all[:room], all[room:]
	copy(text, out)
	out[0] = '"'
	i := 1
	for _, c := range text {
		// Quotes come too often to be guessed by a branch: a backslash is
		// written in front of each byte, and most are written over.
		out[i] = '\\'
		i += int(escapes[c])
		out[i] = c
		i++
	}
	out[i] = '"'
	return dst[:from+i+1]
}

// escapes has a 1 for each byte that takes a backslash in front inside a string.
var escapes = [256]uint8{'"': 1, '\\': 1}
