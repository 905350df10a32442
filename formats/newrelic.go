package formats

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/slogship/slogship"
)

// NewRelicOptions are the options of NewRelic.
type NewRelicOptions struct {
	// Common are attributes that all records have, such as service.name and
	// hostname: they are sent once a request. It is an error if encoding/json
	// cannot encode them.
	Common map[string]any

	// ID is the name of the event id; "-" leaves it out. If empty, "event_id".
	ID string
}

// NewRelic is for New Relic's Log API, https://log-api.newrelic.com/log/v1 (in
// the EU: log-api.eu.newrelic.com), with Options.Header {"Api-Key": {licenseKey}}.
//
//	[{"common":{"attributes":{...}},"logs":[
//		{"timestamp":1136214245123,"message":"...","attributes":{"event_id":"...","level":"info","source":{...}, attributes}},...]}]
//
// New Relic takes 1,000,000 bytes a request and answers 202
// (https://docs.newrelic.com/docs/logs/log-api/introduction-log-api/), and may
// drop records that are older than 48 hours. It answers before it looks at them:
// what it does not like is an NrIntegrationError there, and delivered here. Times
// are in milliseconds: the rest is cut off. What is not a time, a text that
// ReplaceAttr made, becomes the attribute "time_text", and the record gets the
// time of its arrival; a record without a message has an empty one.
//
// Attributes that New Relic takes for its own (message, timestamp, accountId,
// appId, eventType), and those of the other names above, get a trailing
// underscore. New Relic keeps 255 attributes of a record, and 4,094 characters
// of a value.
func NewRelic(o NewRelicOptions) slogship.Format {
	id := cmp.Or(o.ID, eventIDKey)
	event := newObject()
	event.text = true
	event.addTime(strictTime, "timestamp", UnixMilli)
	event.add(requiredMessage, "message")
	event.begin("attributes")
	event.add(eventID, id)
	event.add(lowerLevel, "level")
	event.add(source, "source")
	event.addTimeText()
	event.addAttributes()
	event.end()
	event.reserved = append(event.reserved, "message", "timestamp", "accountId", "appId", "eventType")
	err := event.alone("NewRelicOptions.ID", id)

	head := `[{"logs":`
	if len(o.Common) > 0 {
		common, jsonErr := json.Marshal(o.Common)
		if jsonErr != nil {
			err = cmp.Or(err, badOption("NewRelicOptions.Common", o.Common, fmt.Sprintf("what encoding/json can encode (%v)", jsonErr)))
		}
		head = `[{"common":{"attributes":` + string(common) + `},"logs":`
	}
	if err != nil {
		return unusable{err}
	}
	l := arrayLayout(head, "}]")
	l.MaxBytes = 1_000_000
	return &newRelic{newFramed(l, event)}
}

type newRelic struct{ framed }

// https://docs.newrelic.com/docs/logs/log-api/introduction-log-api/
var newRelicService = service{
	name: "New Relic", status: http.StatusAccepted, success: hasMember("requestId"),
	path:        "New Relic takes logs at https://log-api.newrelic.com/log/v1",
	credentials: `New Relic wants Options.Header {"Api-Key": {licenseKey}}`,
}

func (*newRelic) ReadAnswer(a slogship.Answer) slogship.Verdict { return newRelicService.read(a) }
