package formats

import (
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/slogship/slogship"
)

// NewRelicOptions are the options of [NewRelic]. The zero value is usable.
type NewRelicOptions struct {
	// Common are attributes of all records, such as service.name and hostname,
	// sent once per request. It is an error if encoding/json cannot encode
	// them.
	Common map[string]any

	// ID is the name of the member with the event id; "-" leaves it out. If
	// empty, "event_id".
	ID string
}

// NewRelic is for New Relic's Log API, https://log-api.newrelic.com/log/v1 (in the EU:
// log-api.eu.newrelic.com), with [slogship.Options.Header] {"Api-Key": {licenseKey}}.
//
//	[{"common":{"attributes":{...}},"logs":[
//		{"timestamp":1136214245123,"message":"...","attributes":{"event_id":"...","level":"info","source":{...}, attributes}},...]}]
//
// A request has at most 1,000,000 bytes, and success is 202
// (https://docs.newrelic.com/docs/logs/log-api/introduction-log-api/). New Relic
// answers before it checks the records: one that it refuses later becomes an
// NrIntegrationError in New Relic, but slogship counts it as delivered. New Relic may
// drop records that are older than 48 hours.
//
// Times are cut to milliseconds. If ReplaceAttr replaced the time with text that is not
// RFC 3339, the text becomes the attribute "time_text", and New Relic uses the time of
// arrival. A record without a message gets an empty one.
//
// An attribute gets a trailing underscore if New Relic reserves its name (message,
// timestamp, accountId, appId, eventType), or if it is another name shown above. New
// Relic stores at most 255 attributes per record, and 4,094 characters per value.
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
