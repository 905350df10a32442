package formats

import (
	"cmp"
	"fmt"
	"net/http"
	"strconv"
	"strings"

	"github.com/slogship/slogship"
)

// VictoriaLogsOptions are the options of [VictoriaLogs]. The zero value is usable.
type VictoriaLogsOptions struct {
	// StreamFields are the attributes that divide records into streams, such as
	// "service" and "level". Each should have few different values. A member of a group
	// is named "group.member". If nil, all records are in one stream. It is an error if
	// a name is empty or has a comma.
	StreamFields []string

	// AccountID and ProjectID name the tenant. If zero, the default tenant,
	// 0:0.
	AccountID, ProjectID uint32

	// ID is the name of the member with the event id; "-" leaves it out. If
	// empty, "event_id".
	ID string
}

// VictoriaLogs is for VictoriaLogs' JSON stream endpoint,
// http://victorialogs:9428/insert/jsonline.
//
//	{"event_id":"...","_time":"...","level":"info","_msg":"...","source":{...}, attributes}
//
// Stream fields and tenant are sent as headers; query arguments in the endpoint
// override them
// (https://docs.victoriametrics.com/victorialogs/data-ingestion/#http-parameters).
// VictoriaLogs flattens groups: a member becomes "group.member".
//
// VictoriaLogs acknowledges a line that it cannot read, and skips it. Therefore a line
// has at most 256 KiB, the default of -insert.maxLineSizeBytes. For the same reason, a
// text that is not RFC 3339 with which ReplaceAttr replaced the time is sent as
// "time_text", and VictoriaLogs uses the time of arrival.
//
// It also acknowledges and drops records that are older than -retentionPeriod (7 days
// by default) or further in the future than -futureRetention (2 days). A record that an
// outage delays for longer than that is counted as delivered, but is not stored.
//
// An attribute with the name of another member, or named _stream or _stream_id, gets a
// trailing underscore. An empty name becomes "_". Of attributes with the same name,
// only the last is written. VictoriaLogs refuses names above 128 bytes, including the
// names of groups and the dots. A longer name is replaced by its beginning, "…" and
// eight digits of a hash. If the names of groups leave no room for those of their
// members, the group is written as JSON text.
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
