package formats

import (
	"cmp"
	"log/slog"
	"net/http"
	"slices"
	"strings"

	"github.com/slogship/slogship"
)

// SeqOptions are the options of [Seq]. The zero value is usable.
type SeqOptions struct {
	// Errors are names of attributes that hold the text of an error. If no attribute of
	// a record is an error, the first of these names that is a string at the root of
	// the record is written as the exception, @x. If nil, "error" and "err".
	Errors []string

	// ID is the name of the member with the event id; "-" leaves it out. If
	// empty, "event_id".
	ID string
}

// Seq is for Seq's ingestion endpoint, https://seq/ingest/clef, with
// [slogship.Options.Header] {"X-Seq-ApiKey": {apiKey}}. Events are in the compact log
// event format, CLEF (https://datalust.co/docs/posting-raw-events).
//
//	{"@t":"...","@l":"Information","@m":"...","@x":"...","event_id":"...","source":{...}, attributes}
//
// Levels have the names of Serilog (Debug, Information, Warning, Error); levels between
// them have those of slog ("INFO+2"). The first error of a record is also written as
// its exception, @x, with the stack if the error has one. The attributes trace_id and
// span_id become @tr and @sp if they are 32 and 16 lower-case hexadecimal digits.
//
// An attribute whose name begins with @ gets another @ in front, as CLEF requires. One
// with the name of another member gets a trailing underscore. CLEF requires a time: a
// record without one gets the time at which it was logged. If ReplaceAttr replaced the
// time with text that is not RFC 3339, the text is sent as "time_text".
//
// An event has at most 256 KiB and a request body 10 MiB, as in Seq's own forwarder.
// Bodies are not compressed, because Seq cannot inflate them.
func Seq(o SeqOptions) slogship.Format {
	id := cmp.Or(o.ID, eventIDKey)
	event := newObject()
	event.addTime(requiredTime, "@t", RFC3339Nano)
	event.add(serilogLevel, "@l")
	event.add(message, "@m")
	event.add(eventID, id)
	event.add(source, "source")
	event.addTimeText()
	event.add(exception, "@x")
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
	event.text = true

	event.texts = slices.Clone(o.Errors)
	if event.texts == nil {
		event.texts = []string{"error", "err"}
	}
	event.prepare = clefNames
	l := linesLayout("application/vnd.serilog.clef")
	l.MaxBytes, l.MaxRecordBytes = 10<<20, 256<<10
	l.NoGzip = true // not documented
	return &seq{newFramed(l, event)}
}

type seq struct{ framed }

// clefNames gives attributes the names that CLEF has for them.
func clefNames(e *slogship.Event) {
	ids := false // there may be some
	for i := range e.Attrs {
		a := &e.Attrs[i]
		if a.Key != "" && a.Key[0] == '@' {
			a.Key = "@" + a.Key
		}
		ids = ids || len(a.Key) == len(traceKey) || len(a.Key) == len(spanKey)
	}
	if ids {
		renameIDs(e.Attrs, "@tr", "@sp", isLowerHex)
	}
}

// isLowerHex reports whether v is a string of n lower-case hexadecimal digits.
func isLowerHex(v slog.Value, n int) bool {
	id := v.String()
	return v.Kind() == slog.KindString && isHex(id, n) && id == strings.ToLower(id)
}

// https://datalust.co/docs/posting-raw-events
var seqService = service{
	name: "Seq", status: http.StatusCreated, success: hasMember("MinimumLevelAccepted"),
	path:        "Seq takes CLEF at /ingest/clef",
	credentials: `Seq wants Options.Header {"X-Seq-ApiKey": {apiKey}}`,
}

func (*seq) ReadAnswer(a slogship.Answer) slogship.Verdict { return seqService.read(a) }
