package formats

import (
	"cmp"
	"net/http"
	"strings"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/answers"
)

// HoneycombOptions are the options of [Honeycomb]. The zero value is usable.
type HoneycombOptions struct {
	// ID is the name of the member with the event id; "-" leaves it out. If
	// empty, "event_id".
	ID string
}

// Honeycomb is for Honeycomb's batch endpoint, https://api.honeycomb.io/1/batch/DATASET
// (in the EU: api.eu1.honeycomb.io), with [slogship.Options.Header]
// {"X-Honeycomb-Team": {apiKey}}.
//
//	[{"time":"...","data":{"event_id":"...","level":"info","message":"...","source":{...}, attributes}},...]
//
// Its answer has a status for each event
// (https://docs.honeycomb.io/api/events/create-events). After 2xx the event is
// delivered; after 408, 425, 429 and 5xx it is sent again; after any other status it is
// rejected. A 2xx without a status for each event does not come from Honeycomb: that is
// a misconfiguration. For other answers the status code of the request decides, except
// for a 400 whose text says that the body is too large or that the API key is unknown.
//
// A request body has at most 5,000,000 bytes and an event 1,000,000 bytes, as in
// Honeycomb's own libhoney-go. If ReplaceAttr replaced the time with text that is not
// RFC 3339, the text becomes the field "time_text", and Honeycomb uses the time of
// arrival. An attribute with the name of another member of data gets a trailing
// underscore. Groups are objects. Honeycomb stores these as text, unless the dataset
// unpacks nested JSON.
func Honeycomb(o HoneycombOptions) slogship.Format {
	id := cmp.Or(o.ID, eventIDKey)
	event := newObject()
	event.addTime(strictTime, "time", RFC3339Nano)
	event.begin("data")
	event.add(eventID, id)
	event.add(lowerLevel, "level")
	event.add(message, "message")
	event.add(source, "source")
	event.addTimeText()
	event.addAttributes()
	event.end()
	if err := event.alone("HoneycombOptions.ID", id); err != nil {
		return unusable{err}
	}
	l := arrayLayout("", "")
	l.MaxBytes, l.MaxRecordBytes = 5_000_000, 1_000_000
	l.AnswerBytes = 256 // a status each
	l.Zstd = true
	return &honeycomb{newFramed(l, event)}
}

type honeycomb struct{ framed }

// https://docs.honeycomb.io/api/events/create-events
var honeycombService = service{
	name:        "Honeycomb",
	path:        "Honeycomb takes events at /1/batch/DATASET",
	credentials: `Honeycomb wants Options.Header {"X-Honeycomb-Team": {apiKey}}`,
}

func (*honeycomb) ReadAnswer(a slogship.Answer) slogship.Verdict {
	switch {
	case a.Status == http.StatusBadRequest:
		return honeycombRefusal(a.Body)
	case a.Status/100 != 2 || len(answers.Trim(a.Body)) == 0:
		return honeycombService.read(a)
	}
	v := slogship.Verdict{Action: slogship.Accept, Outcomes: make([]slogship.Outcome, 0, a.Records)}
	var why reasons
	r := answers.NewReader(a.Body)
	listed, err := r.List(func() error {
		if len(v.Outcomes) == a.Records {
			return errTooMany
		}
		var e struct {
			Status int    `json:"status"`
			Error  string `json:"error"`
		}
		if err := r.Value(&e); err != nil {
			return err
		}
		outcome := outcomeOf(e.Status)
		if v.Outcomes = append(v.Outcomes, outcome); outcome != slogship.Taken {
			why.add(cmp.Or(e.Error, statusText(e.Status)))
		}
		return nil
	})
	if !listed || err != nil || len(v.Outcomes) != a.Records {
		return honeycombService.foreign(a)
	}
	v.Reason = why.String()
	return v
}

// honeycombRefusal reads a 400, with which Honeycomb also says what others say
// with 413, and what it says itself with 401 elsewhere.
func honeycombRefusal(body []byte) slogship.Verdict {
	reason := ""
	r := answers.NewReader(body)
	if r.Object(func(name string) error {
		if name == "error" {
			return r.Value(&reason)
		}
		return r.Skip()
	}) != nil {
		return slogship.Verdict{}
	}
	v := slogship.Verdict{Reason: reason}
	switch text := strings.ToLower(reason); {
	case strings.Contains(text, "too large"):
		v.Action = slogship.TooLarge
	case strings.Contains(text, "unknown api key"):
		v.Action, v.Hint = slogship.Hold, honeycombService.credentials
	}
	return v
}
