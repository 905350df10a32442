package formats

import (
	"cmp"

	"github.com/slogship/slogship"
)

// JSONOptions are the options of JSON. The zero value writes what
// slog.JSONHandler writes, as an array, with an event id.
type JSONOptions struct {
	// Field, if not empty, is the name of a member that holds the array: the
	// body is then one object, {"Field":[...]}. If empty, it is the array.
	Field string

	// Time, Level, Message, Source and ID are the names of members; "-" leaves
	// one out. If empty, "time", "level", "msg", "source" and "event_id". It is
	// an error if two are the same.
	Time, Level, Message, Source, ID string

	// Attributes, if not empty, is the name of an object that holds the
	// attributes. If empty, they are members of the event itself, and one with
	// the name of another member gets a trailing underscore.
	Attributes string

	// TimeLayout is how the time is written. If zero, RFC3339Nano.
	TimeLayout TimeLayout

	// LowerLevel writes "info" instead of "INFO".
	LowerLevel bool

	// ContentType is sent with each request. If empty, "application/json".
	ContentType string
}

// JSON is for receivers of a JSON array of events, or of an object with such an
// array in it.
//
//	[{"event_id":"...","time":"...","level":"INFO","msg":"...","source":{...}, attributes},...]
//
// The status code decides what an answer means: see [slogship.Action]. A time that
// TimeLayout cannot express is written as an RFC 3339 string. If ReplaceAttr replaced
// the time with a value that is not a time, that value is written instead.
//
// Bodies are compressed with gzip by default. For a receiver that cannot inflate it,
// set [slogship.Options.Compression] to [slogship.None].
func JSON(o JSONOptions) slogship.Format {
	k := keys{
		of: "JSONOptions", time: o.Time, level: o.Level, message: o.Message, source: o.Source, id: o.ID,
		attributes: o.Attributes, timeLayout: o.TimeLayout, lowerLevel: o.LowerLevel,
	}
	contentType := cmp.Or(o.ContentType, "application/json")
	event, err := k.object()
	if err = cmp.Or(err, checkMediaType("JSONOptions.ContentType", contentType)); err != nil {
		return unusable{err}
	}
	l := arrayLayout("", "")
	if o.Field != "" {
		l = arrayLayout("{"+quoteKey(o.Field), "}")
	}
	l.ContentType = contentType
	l.Zstd = true // whoever asks for it knows the receiver
	return &jsonArray{newFramed(l, event)}
}

type jsonArray struct{ framed }

// keys are the options that JSON and NDJSON have in common.
type keys struct {
	of                               string // the name of the options
	time, level, message, source, id string
	attributes                       string
	timeLayout                       TimeLayout
	lowerLevel                       bool
}

// object returns the layout of events.
func (k keys) object() (*object, error) {
	k.time, k.level = cmp.Or(k.time, "time"), cmp.Or(k.level, "level")
	k.message, k.source = cmp.Or(k.message, "msg"), cmp.Or(k.source, "source")
	k.id = cmp.Or(k.id, eventIDKey)
	err := cmp.Or(
		checkNames(
			setting{k.of + ".Time", k.time},
			setting{k.of + ".Level", k.level},
			setting{k.of + ".Message", k.message},
			setting{k.of + ".Source", k.source},
			setting{k.of + ".ID", k.id},
			setting{k.of + ".Attributes", k.attributes},
		),
		checkTimeLayout(k.of+".TimeLayout", k.timeLayout),
	)
	o := newObject()
	o.add(eventID, k.id)
	o.addTime(anyTime, k.time, cmp.Or(k.timeLayout, RFC3339Nano))
	o.add(levelCase(k.lowerLevel), k.level)
	o.add(message, k.message)
	o.add(source, k.source)
	if k.attributes == "" {
		o.addAttributes()
		return o, err
	}
	o.begin(k.attributes)
	o.addAttributes()
	o.end()
	return o, err
}

func levelCase(lower bool) what {
	if lower {
		return lowerLevel
	}
	return level
}
