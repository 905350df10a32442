package formats

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/answers"
)

// OTLPEncoding is how OTLP requests are written.
type OTLPEncoding uint8

// The encodings of OTLP/HTTP.
const (
	OTLPProtobuf OTLPEncoding = iota // binary Protocol Buffers; the default
	OTLPJSON                         // for receivers that read only JSON, and for debugging
)

// OTLPOptions are the options of [OTLP]. The zero value is usable.
type OTLPOptions struct {
	// Encoding is how requests are written. If zero, OTLPProtobuf: it is
	// smaller and faster, and every receiver reads it.
	Encoding OTLPEncoding

	// Resource describes the program that logs, and is sent once per request:
	// service.name, service.version, deployment.environment.name and others, of any
	// kind, including groups. Of equal keys, the last is kept. It is an error if a key
	// is empty, or if encoding/json cannot marshal a value. Without a service.name,
	// "unknown_service:" and the program's name are sent.
	Resource []slog.Attr

	// ScopeName and ScopeVersion are the instrumentation scope. If ScopeName is
	// empty, "github.com/slogship/slogship". If ScopeVersion is empty, no
	// version is sent.
	ScopeName    string
	ScopeVersion string
}

// OTLP is for logs over OTLP/HTTP: the endpoint http://collector:4318/v1/logs
// of an OpenTelemetry Collector, /otlp/v1/logs of Loki, and those of most
// backends.
//
// A record becomes a LogRecord:
//
//	time     time_unix_nano
//	level    severity_text, as slog names it, and severity_number: 5 for DEBUG, 9 INFO, 13 WARN, 17 ERROR
//	message  body
//	id       attribute log.record.uid
//	source   attributes code.function.name, code.file.path, code.line.number
//
// Other levels have the numbers between these, from 1 to 24, as in OpenTelemetry's own
// bridge. Attributes at the root named trace_id and span_id, whether from ContextAttrs,
// WithAttrs or the log call, become the LogRecord's trace_id and span_id if they are 32
// and 16 hexadecimal digits that are not all zero. Otherwise they stay attributes.
//
// Attributes keep their kinds. Groups and maps become kvlist_value, arrays array_value,
// a []byte bytes_value, and nil an empty value. Durations are nanoseconds and times are
// RFC 3339, as in [slog.JSONHandler]. An integer that does not fit into an int64
// becomes a string of digits, as OpenTelemetry's mapping to AnyValue requires. NaN and
// infinities are kept. In OTLPJSON a double always has a fraction: 1.0. Invalid UTF-8
// becomes U+FFFD.
//
// Of attributes with the same key, the last is kept, because OTLP allows no duplicates.
// An attribute at the root with a name that the format writes itself (log.record.uid,
// code.function.name, code.file.path, code.line.number) gets a trailing underscore.
//
// Decoders accept at most 100 nested messages, and each group takes three. Therefore
// groups nested more than 30 deep are flattened, with their names joined by dots, and
// objects at that depth become strings of JSON.
//
// The first error of a record is also written as the attributes exception.type,
// exception.message and exception.stacktrace (if it has a stack), unless the
// record has an attribute with that name.
//
// A record without a time has only observed_time_unix_nano, the time at which it was
// logged. So has a record whose time is before 1970 or after 2262, or was replaced by
// ReplaceAttr with text that is not RFC 3339; this time or text becomes the attribute
// "time_text".
//
// After a partial success, the records that it rejects are counted in
// Stats.Dropped.Rejected. Any other 2xx is a success. After any 5xx the batch is sent
// again, although the specification would drop it after a 500. A 400 of a Collector
// that says that the body is too large counts as 413. A 400 of Loki is handled as
// described at [Loki].
//
// A request has at most 20 MiB, the Collector's default limit.
func OTLP(o OTLPOptions) slogship.Format {
	if o.ScopeName == "" {
		o.ScopeName = "github.com/slogship/slogship"
	}
	resource := slices.Clone(o.Resource)
	if !slices.ContainsFunc(resource, func(a slog.Attr) bool { return a.Key == serviceName }) {
		resource = append(resource, slog.String(serviceName, "unknown_service:"+programName()))
	}
	o.Resource = resource
	for i := range resource {
		if err := resolveResource(&resource[i], fmt.Sprintf("OTLPOptions.Resource[%d]", i)); err != nil {
			return unusable{err}
		}
	}
	o.Resource = lastOfEach(resource)
	switch o.Encoding {
	case OTLPProtobuf:
		return newOTLPProtobuf(o)
	case OTLPJSON:
		return newOTLPJSON(o)
	}
	return unusable{badOption("OTLPOptions.Encoding", o.Encoding, "OTLPProtobuf or OTLPJSON")}
}

const (
	maxOTLPBytes = 20 << 20 // max_request_body_size of the Collector's config/confighttp

	// maxOTLPLevels is how many levels of groups and objects are written as
	// such. One is three messages, KeyValue, AnyValue and KeyValueList, inside
	// the four of a LogRecord; decoders in C++, Java and Rust follow 100.
	maxOTLPLevels = 30
)

// Names of the semantic conventions, 1.37: registry/attributes/service, log, code.
const (
	serviceName = "service.name"
	uidKey      = "log.record.uid"
	uidDigits   = 48 // of an event id
	functionKey = "code.function.name"
	fileKey     = "code.file.path"
	lineKey     = "code.line.number"
)

// programName is the name of the program that runs.
func programName() string {
	if len(os.Args) == 0 {
		return "unknown"
	}
	return strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")
}

// otlpSeverity is the severity number of a level: OpenTelemetry's bridge for
// slog adds the distance of its DEBUG, 5, from slog's, -4.
func otlpSeverity(l slog.Level) int { return min(max(int(l), 1-9), 24-9) + 9 }

// otlpTimes returns the time of an event, 0 if it has none that fits, and when it
// was observed. text is a time that does not fit.
func otlpTimes(e *slogship.Event) (at, observed uint64, text string) {
	if t, ok := timeIn(e, UnixNano); ok {
		at = uint64(max(t.UnixNano(), 0))
	}
	if at == 0 {
		text, _ = timeText(e)
	}
	if !e.Observed.IsZero() {
		observed = uint64(max(e.Observed.UnixNano(), 0))
	}
	return at, observed, text
}

// https://opentelemetry.io/docs/specs/otlp/#otlphttp
var otlpService = service{
	name:        "OTLP",
	path:        "OTLP takes logs at /v1/logs",
	credentials: "the server wants credentials in Options.Header; Loki may want a tenant in X-Scope-OrgID",
}

// readOTLPAnswer reads an answer to a request in either encoding. The encoding of the
// answer is not always that of the request, and Content-Type is not always set; the
// first byte shows it.
func readOTLPAnswer(a slogship.Answer) slogship.Verdict {
	message := otlpStatus(a.Body)
	v := lokiRefusal(message, a, true)
	switch {
	case v.Action != slogship.ByStatus:
	case a.Status/100 == 2 && len(answers.Trim(a.Body)) == 0:
		return slogship.Verdict{}
	case a.Status/100 == 2:
		rejected, reason, ok := otlpPartialSuccess(a.Body)
		if !ok || answers.IsPage(a.Header, a.Body) {
			return otlpService.foreign(a)
		}
		return slogship.Verdict{Action: slogship.Accept, Refused: rejected, Reason: reason}
	case a.Status == http.StatusBadRequest && strings.Contains(message, "request body too large"): // net/http's MaxBytesReader
		v.Action = slogship.TooLarge
	}
	v.Reason = message
	return otlpService.advise(a, v)
}

// otlpPartialSuccess reads an ExportLogsServiceResponse
// (opentelemetry/proto/collector/logs/v1/logs_service.proto). It reports false for
// anything else: JSON that is neither an empty object nor an object with the only field
// of that message, or bytes that are not a message with that field.
//
// A partial success without rejected records is a warning: all records were accepted.
func otlpPartialSuccess(body []byte) (rejected int, reason string, ok bool) {
	read := readOTLPProtobuf
	if bytes.HasPrefix(answers.Trim(body), []byte("{")) {
		read = readOTLPJSON
	}
	n, reason, ok := read(body)
	if n <= 0 {
		return 0, "", ok
	}
	return int(min(n, math.MaxInt32)), reason, ok
}

func readOTLPJSON(body []byte) (n int64, reason string, ok bool) {
	found, members := false, 0
	r := answers.NewReader(body)
	err := r.Object(func(name string) error {
		members++
		if name != "partialSuccess" {
			return r.Skip()
		}
		var partial struct {
			RejectedLogRecords json.RawMessage `json:"rejectedLogRecords"` // int64: a number, or a string
			ErrorMessage       string          `json:"errorMessage"`
		}
		err := r.Value(&partial)
		n, _ = strconv.ParseInt(string(bytes.Trim(partial.RejectedLogRecords, `"`)), 10, 64)
		reason, found = partial.ErrorMessage, true
		return err
	})
	return n, reason, err == nil && (found || members == 0)
}

func readOTLPProtobuf(body []byte) (n int64, reason string, ok bool) {
	var partial []byte
	found := false
	if eachField(body, func(number, wire int, _ uint64, value []byte) {
		if number == 1 && wire == wireBytes {
			partial, found = value, true
		}
	}) != nil || !found {
		return 0, "", false
	}
	err := eachField(partial, func(number, wire int, v uint64, value []byte) {
		switch {
		case number == 1 && wire == wireVarint:
			n = int64(v)
		case number == 2 && wire == wireBytes:
			reason = front(value)
		}
	})
	return n, reason, err == nil
}

// otlpStatus returns the message of a google.rpc.Status, which the body of an error
// should be, or else the body. Only the body shows the encoding: Loki also answers
// requests in JSON with protobuf, and does not set Content-Type.
func otlpStatus(body []byte) (message string) {
	if bytes.HasPrefix(body, []byte("{")) {
		r := answers.NewReader(body)
		if r.Object(func(name string) error {
			if name == "message" {
				return r.Value(&message)
			}
			return r.Skip()
		}) == nil && message != "" {
			return message
		}
		return string(body)
	}
	err := eachField(body, func(number, wire int, _ uint64, value []byte) {
		if number == 2 && wire == wireBytes {
			message = string(value)
		}
	})
	if err != nil || message == "" {
		return string(body)
	}
	return message
}
