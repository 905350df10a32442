package formats

import (
	"net/http"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/answers"
)

// SplunkOptions are the options of [Splunk]. An empty field is not sent; Splunk
// then uses the value that is configured for the token.
type SplunkOptions struct {
	// Host, Source, SourceType and Index are metadata of all events.
	Host, Source, SourceType, Index string

	// Channel is a GUID, sent as X-Splunk-Request-Channel. A token with indexer
	// acknowledgement requires one.
	Channel string
}

// Splunk is for Splunk's HTTP Event Collector,
// https://splunk:8088/services/collector/event, with [slogship.Options.Header]
// {"Authorization": {"Splunk " + token}}.
//
//	{"time":1136214245.123456789,"host":"...","source":"...","sourcetype":"...","index":"...",
//		"event":{"event_id":"...","level":"info","message":"...","source":{...}, attributes}}
//
// Events follow each other without a separator
// (https://docs.splunk.com/Documentation/Splunk/latest/Data/FormateventsforHTTPEventCollector).
// A time before 1970, or a text that is not RFC 3339 with which ReplaceAttr replaced
// the time, becomes "time_text" in the event, and Splunk uses the time of arrival. An
// attribute with the name of another member of event gets a trailing underscore.
//
// Success means that Splunk has received the events, not that it has indexed them: slogship
// does not use indexer acknowledgement. The codes in its answers
// (https://docs.splunk.com/Documentation/Splunk/latest/Data/TroubleshootHTTPEventCollector)
// are more precise than the status. If an event is invalid, Splunk takes the events before
// it and none after it: those before it are delivered, the invalid one is rejected, and
// those after it are sent again. A missing, wrong or disabled token, an unknown index, and
// a missing channel are a misconfiguration.
//
// A request body has at most 1,000,000 bytes, the limit of Splunk Cloud. Current
// versions of Splunk Enterprise accept 800 MiB (max_content_length in limits.conf).
func Splunk(o SplunkOptions) slogship.Format {
	event := newObject()
	event.addTime(strictTime, "time", UnixFraction)
	event.addFixed("host", o.Host)
	event.addFixed("source", o.Source)
	event.addFixed("sourcetype", o.SourceType)
	event.addFixed("index", o.Index)
	event.begin("event")
	event.add(eventID, eventIDKey)
	event.add(lowerLevel, "level")
	event.add(message, "message")
	event.add(source, "source")
	event.addTimeText()
	event.addAttributes()
	event.end()
	l := slogship.Layout{
		ContentType: "application/json",
		Separator:   "\n",
		MaxBytes:    1_000_000,
	}
	if o.Channel != "" {
		l.Header = http.Header{"X-Splunk-Request-Channel": {o.Channel}}
	}
	return &splunk{newFramed(l, event)}
}

type splunk struct{ framed }

// https://help.splunk.com/en/splunk-enterprise/get-started/get-data-in/10.4/get-data-with-http-event-collector
var splunkService = service{
	name:        "Splunk's HTTP Event Collector",
	path:        "Splunk takes events at /services/collector/event",
	credentials: `Splunk wants Options.Header {"Authorization": {"Splunk " + token}}`,
}

func (*splunk) ReadAnswer(a slogship.Answer) slogship.Verdict {
	var answer struct {
		Code    *int
		Text    string
		Invalid *int // from 0
	}
	if !answers.IsPage(a.Header, a.Body) {
		r := answers.NewReader(a.Body)
		if r.Object(func(name string) error {
			switch name {
			case "code":
				return r.Value(&answer.Code)
			case "text":
				return r.Value(&answer.Text)
			case "invalid-event-number":
				return r.Value(&answer.Invalid)
			}
			return r.Skip()
		}) != nil {
			answer.Code = nil
		}
	}
	if answer.Code == nil {
		return splunkService.read(a)
	}
	v := slogship.Verdict{Reason: answer.Text}
	switch *answer.Code {
	case 0, // success
		24, 25: // taken, but the queue is nearly full
		if a.Status/100 == 2 {
			v.Action = slogship.Accept
		}
	case 1, 2, 3, 4, 21, 22, // the token is disabled, missing, or wrong
		10, 11, 14, // the channel is missing or wrong, or acknowledgement is off
		16: // no token in the query
		v.Action, v.Hint = slogship.Hold, splunkService.credentials
		if code := *answer.Code; code == 10 || code == 11 {
			v.Hint = "set SplunkOptions.Channel"
		}
	case 7: // incorrect index: that of all events, whichever it names (Splunk 10.4 counts from 1 here)
		v.Action = slogship.Hold
	case 6, 12, 13, 15: // invalid data, no event, a blank one, wrong indexed fields
		v.Action = slogship.Isolate
		if n := answer.Invalid; n != nil && 0 <= *n && *n < a.Records {
			v.Action, v.Outcomes = slogship.Accept, upTo(*n, a.Records)
		}
	case 8, // internal server error
		9, 18, 19, 20, 23, // busy, queues are full, shutting down
		26, 27: // at capacity
		v.Action = slogship.Retry
	}
	return splunkService.advise(a, v)
}

// upTo is what became of records of which the n-th, from 0, was the first that
// the server did not like: those before it are taken, those after it are to be
// sent again. A witness of that is https://github.com/moby/moby/issues/35862.
func upTo(n, records int) []slogship.Outcome {
	outcomes := make([]slogship.Outcome, records)
	for i := n; i < records; i++ {
		outcomes[i] = slogship.Resend
	}
	outcomes[n] = slogship.Refused
	return outcomes
}
