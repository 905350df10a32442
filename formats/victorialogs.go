package formats

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/slogship/slogship"
)

// VictoriaLogsOptions are the options of VictoriaLogs.
type VictoriaLogsOptions struct {
	// StreamFields are the fields that tell log streams from each other, such
	// as "service" and "level": attributes with few values, which all records
	// of a stream share. A member of a group is named "group.member". If nil,
	// all records go to one stream. It is an error if a name is empty or has a
	// comma.
	StreamFields []string

	// AccountID and ProjectID name the tenant. If both are zero, that is the
	// default tenant, 0:0.
	AccountID, ProjectID uint32

	// ID is the name of the event id; "-" leaves it out. If empty, "event_id".
	ID string
}

// VictoriaLogs is for VictoriaLogs' JSON stream endpoint,
// http://victorialogs:9428/insert/jsonline.
//
//	{"event_id":"...","_time":"...","level":"info","_msg":"...","source":{...}, attributes}
//
// Stream fields and tenant are sent as headers; query arguments of the endpoint
// overrule them
// (https://docs.victoriametrics.com/victorialogs/data-ingestion/#http-parameters).
// VictoriaLogs flattens groups: a member becomes "group.member".
//
// It acknowledges, and skips, what it cannot read: so a line has at most 256
// KiB, the default of its -insert.maxLineSizeBytes, and what is not a time, a
// text that ReplaceAttr made, is written as "time_text", which leaves the record
// the time of its arrival. It also acknowledges, and drops, what is older than its
// -retentionPeriod, 7 days by default, or more than its -futureRetention, 2 days,
// ahead: a record that waited longer than that through an outage is counted as
// delivered, and is not there.
//
// An attribute that has the name of another member, or is called _stream or
// _stream_id, gets a trailing underscore, and so does one without a name: it is
// called "_". Of equal names only the last is written. A name of more than 128
// bytes, those of its groups and the dots included, would spoil its record: it is
// shortened to its front, "…" and eight digits of a hash of the whole. A group or
// an object whose members have no room left for their names is written as the text
// of its JSON.
func VictoriaLogs(o VictoriaLogsOptions) slogship.Format {
	id := cmp.Or(o.ID, eventIDKey)
	event := newObject()
	event.add(eventID, id)
	event.addTime(strictTime, "_time", RFC3339Nano)
	event.add(lowerLevel, "level")
	event.add(message, "_msg")
	event.add(source, "source")
	event.addTimeText()
	event.addAttributes()
	event.reserved = append(event.reserved, "_stream", "_stream_id", "") // what has no name is the message there
	event.prepare = func(e *slogship.Event) {
		fitVictoriaNames(e.Source, len("source."))
		fitVictoriaNames(e.Attrs, 0)
	}

	err := event.alone("VictoriaLogsOptions.ID", id)
	for i, name := range o.StreamFields {
		if name == "" || strings.Contains(name, ",") {
			err = cmp.Or(err, badOption(fmt.Sprintf("VictoriaLogsOptions.StreamFields[%d]", i), name, "a name without commas"))
		}
	}
	if err != nil {
		return unusable{err}
	}
	l := linesLayout("application/stream+json")
	l.MaxRecordBytes = 256 << 10
	l.UniqueKeys = true
	l.Zstd = true
	l.Header = http.Header{}
	if len(o.StreamFields) > 0 {
		l.Header.Set("VL-Stream-Fields", strings.Join(o.StreamFields, ","))
	}
	if o.AccountID != 0 || o.ProjectID != 0 {
		l.Header.Set("AccountID", strconv.FormatUint(uint64(o.AccountID), 10))
		l.Header.Set("ProjectID", strconv.FormatUint(uint64(o.ProjectID), 10))
	}
	return &victoriaLogs{newFramed(l, event)}
}

type victoriaLogs struct{ framed }

// https://docs.victoriametrics.com/victorialogs/data-ingestion/#json-stream-api;
// its success has no body.
var victoriaLogsService = service{
	name: "VictoriaLogs",
	path: "VictoriaLogs takes JSON lines at /insert/jsonline",
}

func (*victoriaLogs) ReadAnswer(a slogship.Answer) slogship.Verdict {
	return victoriaLogsService.read(a)
}
