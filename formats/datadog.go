package formats

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/slogship/slogship"
)

// DatadogOptions are the options of Datadog. What is empty is not sent, but for
// Source.
type DatadogOptions struct {
	// Service, Hostname and Source are sent as service, hostname and ddsource.
	// Source names the integration whose pipeline reads the logs. If empty,
	// "go".
	Service, Hostname, Source string

	// Tags are sent as ddtags, such as "env:prod", "version:1.42". It is an
	// error if one is empty or has a comma.
	Tags []string

	// ID is the name of the event id; "-" leaves it out. If empty, "event_id".
	ID string
}

// Datadog is for Datadog's logs intake,
// https://http-intake.logs.datadoghq.com/api/v2/logs (or that of another site),
// with Options.Header {"DD-API-KEY": {apiKey}}.
//
//	[{"ddsource":"go","ddtags":"env:prod","hostname":"...","service":"...","event_id":"...",
//		"timestamp":1136214245123,"status":"info","message":"...","source_location":{...}, attributes},...]
//
// A request has at most 1,000 records and 5,000,000 bytes, a record 1,000,000
// (https://docs.datadoghq.com/api/latest/logs/#send-logs). Times are in
// milliseconds: the rest is cut off. Datadog keeps no record that is older than
// 18 hours, as after a longer outage. It finds the status of a level in its first
// letters, "info+2" is Info
// (https://docs.datadoghq.com/logs/log_configuration/processors/#log-status-remapper).
//
// Attributes trace_id and span_id are called dd.trace_id and dd.span_id, by
// which Datadog connects logs with traces. For Datadog's Error Tracking the first
// error of a record is also written as error.kind, its type, error.message and,
// if it carries one, error.stack, each unless there is an attribute of that name;
// Error Tracking reads records of level ERROR that have a service. An attribute that has the name of
// another member, or is called @timestamp, which Datadog takes for the time,
// gets a trailing underscore: "status":200 becomes "status_":200. Attributes
// named service, hostname and ddtags mean to Datadog what these options mean,
// as long as the options are not set. What is not a time, a text that ReplaceAttr
// made, is written as "time_text", and the record gets the time of its arrival;
// one without a message has an empty one.
func Datadog(o DatadogOptions) slogship.Format {
	id := cmp.Or(o.ID, eventIDKey)
	event := newObject()
	event.addFixed("ddsource", cmp.Or(o.Source, "go"))
	event.addFixed("ddtags", strings.Join(o.Tags, ","))
	event.addFixed("hostname", o.Hostname)
	event.addFixed("service", o.Service)
	event.add(eventID, id)
	event.addTime(strictTime, "timestamp", UnixMilli)
	event.add(lowerLevel, "status")
	event.add(requiredMessage, "message")
	event.add(source, "source_location")
	event.addTimeText()
	event.addErrors("error.kind", "error.message", "error.stack")
	event.addAttributes()
	event.reserved = append(event.reserved, "@timestamp")
	event.text = true
	event.prepare = func(e *slogship.Event) { renameIDs(e.Attrs, "dd.trace_id", "dd.span_id", nil) }

	err := event.alone("DatadogOptions.ID", id)
	for i, tag := range o.Tags {
		if tag == "" || strings.Contains(tag, ",") {
			err = cmp.Or(err, badOption(fmt.Sprintf("DatadogOptions.Tags[%d]", i), tag, "a tag without commas"))
		}
	}
	if err != nil {
		return unusable{err}
	}
	l := arrayLayout("", "")
	l.MaxRecords, l.MaxBytes, l.MaxRecordBytes = 1_000, 5_000_000, 1_000_000
	return &datadog{newFramed(l, event)}
}

type datadog struct{ framed }

// https://docs.datadoghq.com/api/latest/logs/#send-logs
var datadogService = service{
	name: "Datadog", status: http.StatusAccepted, // {}
	path:        "Datadog takes logs at https://http-intake.logs.SITE/api/v2/logs",
	credentials: `Datadog wants Options.Header {"DD-API-KEY": {apiKey}}`,
}

func (*datadog) ReadAnswer(a slogship.Answer) slogship.Verdict { return datadogService.read(a) }
