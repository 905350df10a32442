package formats

import (
	"cmp"

	"github.com/slogship/slogship"
)

// NDJSONOptions are the options of NDJSON. The zero value writes what
// slog.JSONHandler writes, with an event id.
type NDJSONOptions struct {
	// Time, Level, Message, Source and ID are the names of what a record has;
	// "-" leaves it out. If empty, they are "time", "level", "msg", "source"
	// and "event_id". It is an error if two are the same.
	Time, Level, Message, Source, ID string

	// Attributes, if not empty, is the name of an object that holds the
	// attributes. If empty, they stand beside the others, where an attribute
	// that has the name of another member gets a trailing underscore.
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
// Answers mean what their status codes mean. A time that TimeLayout cannot express
// is written as a string in its place, and so is what ReplaceAttr made of the time,
// of its own kind.
//
// It serves the HTTP inputs of agents:
//
//   - Vector, source http_server with framing.method: newline_delimited and
//     decoding.codec: json (https://vector.dev/docs/reference/configuration/sources/http_server/).
//     It inflates gzip and zstd.
//   - Fluent Bit, input http, with ContentType "application/json", in which it
//     reads one object after the other
//     (https://docs.fluentbit.io/manual/pipeline/inputs/http); lines of another type
//     it refuses, with two answers. Versions before 3 cannot inflate gzip: set
//     Options.Compression to slogship.None. Its buffer_max_size, 4 MB, bounds a body.
//   - Fluentd, input http, from 1.14.5 on.
//
// For other receivers that cannot inflate gzip set slogship.None too.
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
