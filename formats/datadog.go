package formats

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"

	"github.com/slogship/slogship"
)

// DatadogOptions are the options of [Datadog]. An empty field is not sent, unless it
// has a default.
type DatadogOptions struct {
	// Service, Hostname and Source are sent as service, hostname and ddsource.
	// Source names the integration whose pipeline reads the logs. If empty,
	// "go".
	Service, Hostname, Source string

	// Tags are sent as ddtags: "env:prod", "version:1.42". A tag that is empty
	// or has a comma is an error.
	Tags []string

	// ID is the name of the member with the event id; "-" leaves it out. If
	// empty, "event_id".
	ID string
}

// Datadog is for Datadog's logs intake,
// https://http-intake.logs.datadoghq.com/api/v2/logs (or that of another site), with
// [slogship.Options.Header] {"DD-API-KEY": {apiKey}}.
//
//	[{"ddsource":"go","ddtags":"env:prod","hostname":"...","service":"...","event_id":"...",
//		"timestamp":1136214245123,"status":"info","message":"...","source_location":{...}, attributes},...]
//
// A request has at most 1,000 records and 5,000,000 bytes, a record at most 1,000,000
// bytes (https://docs.datadoghq.com/api/latest/logs/#send-logs). Times are cut to
// milliseconds. Datadog drops a record that is older than 18 hours when it arrives, for
// example after a long outage. It reads only the first letters of a status: "info+2" is
// Info
// (https://docs.datadoghq.com/logs/log_configuration/processors/#log-status-remapper).
//
// The attributes trace_id and span_id become dd.trace_id and dd.span_id, which connect logs with
// traces.
//
// For Datadog's Error Tracking, the first error of a record is also written as
// error.kind (its type), error.message and error.stack (if it has a stack), unless the
// record has an attribute with that name. Error Tracking reads only records of level
// ERROR that have a service.
//
// An attribute with the name of another member gets a trailing underscore: "status":200
// becomes "status_":200. So does one named @timestamp, because Datadog would read it as
// the time. Attributes named service, hostname and ddtags are sent unchanged if the
// options of these names are not set, and Datadog reads them like the options.
//
// If ReplaceAttr replaced the time with text that is not RFC 3339, the text is sent as
// "time_text", and Datadog uses the time of arrival. A record without a message gets an
// empty one.
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
