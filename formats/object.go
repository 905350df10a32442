package formats

import (
	"log/slog"
	"slices"
	"strings"

	"github.com/slogship/slogship"
)

// An object says how a format writes an event as a JSON object. It is made once, from
// options, and does not change.
//
//	open  member , member , ...  close
//
// Formats differ in which members there are and in their names. How each kind of member
// is written is the same for all formats, and is in this file.
type object struct {
	open    string // through the brace that opens the object, or through the first members
	members []member
	close   string

	strict TimeLayout // of strictTime or requiredTime; 0 if there is neither
	text   bool       // the backend wants a level and a message to be strings
	errors bool       // a member is for the first error
	texts  []string   // attributes whose text is an exception, too

	plain []step // of a plain event; nil: its members are written like any other's

	// prepare, if not nil, changes the event before it is written.
	prepare func(e *slogship.Event)

	// reserved are the names that attributes must not have.
	reserved []string
}

// A member is a member of an object.
type member struct {
	name   string
	key    string // with a comma, quotes and colon: `,"level":`
	what   what
	layout TimeLayout
	levels [4]string // of a level: key and name of Debug, Info, Warn and Error
	beside bool      // the attributes are members of the same object
}

// what a member holds.
type what uint8

const (
	fixed           what = iota // key is the whole member
	eventID                     // the event's id
	anyTime                     // the time, or what ReplaceAttr made of it
	strictTime                  // the time, if ReplaceAttr did not replace it with another kind
	requiredTime                // the time, or else when the record was logged
	textTime                    // a time that strictTime or requiredTime cannot write
	level                       // "INFO"
	lowerLevel                  // "info"
	serilogLevel                // "Information"; CLEF's names are Serilog's
	message                     // the message
	requiredMessage             // the message, or else ""
	source                      // an object with function, file and line
	sourceECS                   // the same as the Elastic Common Schema wants it
	errorType                   // of the first error: its type,
	errorText                   // its text,
	errorStack                  // and its stack
	exception                   // both, or the first of object.texts
	nest                        // an object that holds the members to come, up to nestEnd
	nestEnd
	attributes // all attributes, as members beside the others
	quoted     // a string that holds an object with the source, textTime and the attributes
)

// newObject returns an object without members.
func newObject() *object { return &object{open: "{", close: "}"} }

// add appends a member unless its name is "-", with which options leave a member out.
func (o *object) add(w what, name string) {
	if name == omit {
		return
	}
	m := member{name: name, key: "," + quoteKey(name), what: w}
	o.errors = o.errors || errorType <= w && w <= exception
	for i, levelName := range levelNames(w) {
		m.levels[i] = m.key + quote(levelName)
	}
	o.members = append(o.members, m)
	o.reserved = append(o.reserved, name)
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
func (o *object) addTime(w what, name string, l TimeLayout) {
	o.add(w, name)
	if name != omit {
		o.members[len(o.members)-1].layout = l
	}
	if w == strictTime || w == requiredTime {
		o.strict = l
	}
}

// addTimeText appends textTime.
func (o *object) addTimeText() { o.add(textTime, timeTextKey) }

// addErrors appends the members for the first error that error tracking reads. Their
// names are not reserved: an attribute of the application with such a name is kept
// instead.
func (o *object) addErrors(typ, text, stack string) {
	reserved := o.reserved
	o.add(errorType, typ)
	o.add(errorText, text)
	o.add(errorStack, stack)
	o.reserved = reserved
}

// addFixed appends a member that is the same in every event, unless value is
// empty.
func (o *object) addFixed(name, value string) {
	if value == "" {
		return
	}
	o.reserved = append(o.reserved, name)
	text := "," + quoteKey(name) + quote(value)
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
func (o *object) addAttributes() {
	for i := len(o.members) - 1; i >= 0 && o.members[i].what != nest; i-- {
		o.members[i].beside = true
	}
	o.members = append(o.members, member{what: attributes})
}

// begin opens an object in the object, for the attributes. The names outside of it are
// then not reserved.
func (o *object) begin(name string) {
	o.members = append(o.members, member{key: "," + quoteKey(name), what: nest})
	o.reserved = nil
}

// end closes what begin opened.
func (o *object) end() { o.members = append(o.members, member{what: nestEnd}) }

// addQuoted appends a string that holds an object with the source, a time that has
// no place, and the attributes.
func (o *object) addQuoted(name string) {
	o.members = append(o.members, member{key: "," + quoteKey(name), what: quoted})
	o.reserved = []string{slog.SourceKey, timeTextKey}
}

// alone returns an error if a member named by an option has the same name as another
// member.
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
	if o.prepare != nil {
		o.prepare(e)
	}
	var failure *slogship.Error
	if o.errors {
		failure = firstError(e.Attrs)
	}
	if o.plain != nil && failure == nil && isPlain(e) {
		return o.appendPlain(dst, e)
	}
	return o.appendMembers(dst, e, failure)
}

// appendMembers writes e, whose first error is failure, member by member.
func (o *object) appendMembers(dst []byte, e *slogship.Event, failure *slogship.Error) []byte {
	t, isTime := timeIn(e, o.strict)
	dst = append(dst, o.open...)
	for i := range o.members {
		m := &o.members[i]
		switch m.what {
		case fixed:
			dst = m.begin(dst)
		case eventID:
			dst = append(append(append(m.begin(dst), '"'), e.ID...), '"')
		case anyTime:
			dst = m.appendAnyTime(dst, e)
		case strictTime:
			if isTime {
				dst = m.layout.append(m.begin(dst), t)
			}
		case requiredTime:
			if isTime {
				dst = m.layout.append(m.begin(dst), t)
			} else {
				dst = m.layout.append(m.begin(dst), e.Observed)
			}
		case textTime:
			if !isTime {
				dst = m.appendTimeText(dst, e)
			}
		case level, lowerLevel, serilogLevel:
			dst = m.appendLevel(dst, e, o.text)
		case message, requiredMessage:
			dst = m.appendMessage(dst, e, o.text)
		case source:
			if given(e.SourceValue) {
				dst = slogship.AppendValue(m.begin(dst), e.SourceValue)
			} else if len(e.Source) > 0 {
				dst = append(slogship.AppendAttrs(append(m.begin(dst), '{'), e.Source), '}')
			}
		case sourceECS:
			if hasSource(e) {
				dst = appendSourceECS(m.begin(dst), e)
			}
		case errorType, errorText, errorStack:
			if failure != nil {
				dst = m.appendError(dst, e, failure)
			}
		case exception:
			dst = m.appendException(dst, e.Attrs, failure, o.texts)
		case nest:
			dst = append(m.begin(dst), '{')
		case nestEnd:
			dst = append(dst, '}')
		case quoted:
			dst = appendQuotedObject(m.begin(dst), e, isTime)
		case attributes:
			dst = slogship.AppendAttrs(dst, e.Attrs)
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
