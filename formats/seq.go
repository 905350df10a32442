package formats

import (
	"bytes"
	"cmp"
	"net/http"
	"slices"
	"strings"

	"github.com/slogship/slogship"
)

// SeqOptions are the options of Seq.
type SeqOptions struct {
	// Errors are the attributes that become the exception of an event, @x: the
	// first one that an event has at its root, with a text in it. If nil,
	// "error" and "err".
	Errors []string

	// ID is the name of the event id; "-" leaves it out. If empty, "event_id".
	ID string
}

// Seq is for Seq's ingestion endpoint, https://seq/ingest/clef, with
// Options.Header {"X-Seq-ApiKey": {apiKey}}. Events are in the compact log event
// format, CLEF (https://datalust.co/docs/posting-raw-events).
//
//	{"@t":"...","@l":"Information","@m":"...","@x":"...","event_id":"...","source":{...}, attributes}
//
// Levels have the names that Serilog gives them, those between them slog's
// ("INFO+2"). An error attribute becomes @x. Attributes trace_id and span_id
// become @tr and @sp if they are ids of 16 and 8 bytes in lower-case hexadecimal.
//
// An attribute whose name begins with @ gets another @ in front, by which CLEF
// knows it as an attribute; one that has the name of another member gets a
// trailing underscore. CLEF wants a time: a record without one gets the time at
// which it was logged. What is not a time, a text that ReplaceAttr made, is
// written as "time_text".
//
// An event has at most 256 KiB, a body 10 MiB, the bounds of Seq's own
// forwarder. Bodies are not compressed.
func Seq(o SeqOptions) slogship.Format {
	id := cmp.Or(o.ID, eventIDKey)
	event := newObject()
	event.addTime(requiredTime, "@t", RFC3339Nano)
	event.add(serilogLevel, "@l")
	event.add(message, "@m")
	event.add(eventID, id)
	event.add(source, "source")
	event.addTimeText()
	event.addAttributes()
	err := event.alone("SeqOptions.ID", id)
	if strings.HasPrefix(id, "@") {
		err = cmp.Or(err, badOption("SeqOptions.ID", id, "a name that does not begin with @"))
	}
	if err != nil {
		return unusable{err}
	}
	// What begins with @ cannot meet an attribute.
	event.reserved = slices.DeleteFunc(event.reserved, func(name string) bool { return strings.HasPrefix(name, "@") })

	errs := o.Errors
	if errs == nil {
		errs = []string{"error", "err"}
	}
	var names renamings
	for _, name := range errs {
		names.add(name, "@x", isText)
	}
	names.add("trace_id", "@tr", isHex(32))
	names.add("span_id", "@sp", isHex(16))
	event.revise = func(dst []byte, at int) []byte {
		return names.apply(escapeAt(dst, at), at)
	}

	l := linesLayout("application/vnd.serilog.clef")
	l.MaxBytes, l.MaxRecordBytes = 10<<20, 256<<10
	l.NoGzip = true // not documented
	return &seq{newFramed(l, event)}
}

type seq struct{ framed }

// escapeAt doubles the @ at the beginning of the names of attributes.
func escapeAt(dst []byte, at int) []byte {
	if bytes.IndexByte(dst[at:], '@') < 0 {
		return dst
	}
	for i := at; ; {
		m, ok := nextMember(dst, i)
		if !ok {
			return dst
		}
		i = m.end
		if dst[m.key+1] == '@' {
			dst = slices.Insert(dst, m.key+1, '@')
			i++
		}
	}
}

// isText reports whether a value is a string that is not empty.
func isText(value []byte) bool { return value[0] == '"' && len(value) > len(`""`) }

// isHex returns a function that reports whether a value is a string of that many
// lower-case hexadecimal digits.
func isHex(digits int) func(value []byte) bool {
	return func(value []byte) bool {
		if len(value) != digits+len(`""`) || value[0] != '"' {
			return false
		}
		for _, c := range value[1 : len(value)-1] {
			if (c < '0' || '9' < c) && (c < 'a' || 'f' < c) {
				return false
			}
		}
		return true
	}
}

// https://datalust.co/docs/posting-raw-events
var seqService = service{
	name: "Seq", status: http.StatusCreated, success: hasMember("MinimumLevelAccepted"),
	path:        "Seq takes CLEF at /ingest/clef",
	credentials: `Seq wants Options.Header {"X-Seq-ApiKey": {apiKey}}`,
}

func (*seq) ReadAnswer(a slogship.Answer) slogship.Verdict { return seqService.read(a) }
