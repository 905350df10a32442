package formats

import (
	"cmp"

	"github.com/slogship/slogship"
)

// NDJSONOptions are the options of NDJSON. The zero value writes what
// slog.JSONHandler writes, with an event id.
type NDJSONOptions struct {
	// Time, Level, Message, Source and ID are the names of members; "-" leaves
	// one out. If empty, "time", "level", "msg", "source" and "event_id". It is
	// an error if two are the same.
	Time, Level, Message, Source, ID string

	// Attributes, if not empty, is the name of an object that holds the
	// attributes. If empty, they are members of the event itself, and one with
	// the name of another member gets a trailing underscore.
	Attributes string

	// TimeLayout is how the time is written. If zero, RFC3339Nano.
	TimeLayout TimeLayout

	// LowerLevel writes "info" instead of "INFO".
	LowerLevel bool

	// ContentType is sent with each request. If empty, "application/x-ndjson".
	ContentType string
}

// NDJSON is for receivers of lines, each of which is a JSON object.
//
//	{"event_id":"...","time":"...","level":"INFO","msg":"...","source":{...}, attributes}
//
// The status code decides what an answer means: see [slogship.Action]. A time that
// TimeLayout cannot express is written as an RFC 3339 string. If ReplaceAttr replaced
// the time with a value that is not a time, that value is written instead.
//
// It is also for the HTTP inputs of these agents:
//
//   - Vector, source http_server with framing.method: newline_delimited and
//     decoding.codec: json (https://vector.dev/docs/reference/configuration/sources/http_server/).
//     It inflates gzip and zstd.
//   - Fluent Bit, input http, with ContentType "application/json": it then reads one
//     object after the other (https://docs.fluentbit.io/manual/pipeline/inputs/http);
//     it refuses other media types. Versions before 3 cannot inflate gzip: set
//     Options.Compression to slogship.None. A body above its buffer_max_size, 4 MB by
//     default, is refused.
//   - Fluentd, input http, version 1.14.5 or later.
//
// Also set [slogship.None] for any other receiver that cannot inflate gzip.
func NDJSON(o NDJSONOptions) slogship.Format {
	k := keys{
		of: "NDJSONOptions", time: o.Time, level: o.Level, message: o.Message, source: o.Source, id: o.ID,
		attributes: o.Attributes, timeLayout: o.TimeLayout, lowerLevel: o.LowerLevel,
	}
	contentType := cmp.Or(o.ContentType, "application/x-ndjson")
	event, err := k.object()
	if err = cmp.Or(err, checkMediaType("NDJSONOptions.ContentType", contentType)); err != nil {
		return unusable{err}
	}
	l := linesLayout(contentType)
	l.Zstd = true // whoever asks for it knows the receiver
	return &ndjson{newFramed(l, event)}
}

type ndjson struct{ framed }
