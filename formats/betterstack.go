package formats

import (
	"cmp"
	"net/http"

	"github.com/slogship/slogship"
)

// BetterStackOptions are the options of [BetterStack]. The zero value is usable.
type BetterStackOptions struct {
	// ID is the name of the member with the event id; "-" leaves it out. If
	// empty, "event_id".
	ID string
}

// BetterStack is for the HTTP endpoint of a Better Stack source,
// https://$INGESTING_HOST, with [slogship.Options.Header] {"Authorization": {"Bearer "
// + sourceToken}}.
//
//	[{"event_id":"...","dt":"...","level":"info","message":"...","source":{...}, attributes},...]
//
// A request body and a record have at most 10 MiB each; success is 202
// (https://betterstack.com/docs/logs/http-rest-api/). If ReplaceAttr replaced the time
// with text that is not RFC 3339, the text is sent as "time_text", and Better Stack
// uses the time of arrival. An attribute with the name of another member gets a
// trailing underscore.
func BetterStack(o BetterStackOptions) slogship.Format {
	id := cmp.Or(o.ID, eventIDKey)
	event := newObject()
	event.add(eventID, id)
	event.addTime(strictTime, "dt", RFC3339Nano)
	event.add(lowerLevel, "level")
	event.add(message, "message")
	event.add(source, "source")
	event.addTimeText()
	event.addAttributes()
	if err := event.alone("BetterStackOptions.ID", id); err != nil {
		return unusable{err}
	}
	l := arrayLayout("", "")
	l.MaxBytes, l.MaxRecordBytes = 10<<20, 10<<20
	return &betterStack{newFramed(l, event)}
}

type betterStack struct{ framed }

// https://betterstack.com/docs/logs/http-rest-api/
var betterStackService = service{
	name: "Better Stack", status: http.StatusAccepted,
	path:        "Better Stack takes logs at https://$INGESTING_HOST, without a path",
	credentials: `Better Stack wants Options.Header {"Authorization": {"Bearer " + sourceToken}}`,
}

func (*betterStack) ReadAnswer(a slogship.Answer) slogship.Verdict { return betterStackService.read(a) }
