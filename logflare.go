package slogship

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Logflare returns the Format of Logflare's ingest API, an event batch for the
// endpoint /logs?source=...; it is the default.
//
//	{"batch":[{"id":"...","timestamp":"...","message":"...","metadata":{"level":"info", attributes, "context":{...}}}]}
//
// The timestamp is RFC 3339 in UTC with six fractional digits. Attributes
// stand in metadata, the source in metadata.context; an attribute named
// "level" or "context" there gets a trailing underscore. The id makes Logflare
// keep one copy of an event that it is sent twice.
func Logflare() Format { return logflare{} }

type logflare struct{}

// Layout holds the limits of Logflare v1.50: 12,000,000 bytes a body, gzip but
// no zstd.
func (logflare) Layout() Layout {
	return Layout{
		ContentType: "application/json",
		Head:        `{"batch":[`,
		Separator:   ",",
		Tail:        "]}",
		MaxBytes:    12_000_000,
		Reserved:    []string{"level", "context"},
	}
}

func (logflare) AppendEvent(dst []byte, e *Event) []byte {
	dst = append(dst, `{"id":"`...)
	dst = e.AppendID(dst)
	dst = append(dst, '"')
	if e.HasTime {
		dst = append(dst, `,"timestamp":`...)
		dst = e.AppendTimeUTC(dst, 6)
	}
	if e.HasMessage {
		dst = append(dst, `,"message":`...)
		dst = e.AppendMessage(dst)
	}
	dst = append(dst, `,"metadata":{`...)
	if e.HasLevel {
		dst = append(dst, `"level":`...)
		dst = e.AppendLevel(dst, true)
	}
	if e.HasSource {
		if e.HasLevel {
			dst = append(dst, ',')
		}
		dst = append(dst, `"context":{`...)
		dst = e.AppendSource(dst)
		dst = append(dst, '}')
	}
	dst = e.AppendAttrs(dst)
	return append(dst, '}', '}')
}

// ReadAnswer knows Logflare's 406: the valid events of the batch are ingested
// already, and each message is one event that was not. The batch must never be
// sent again.
func (logflare) ReadAnswer(a Answer) Verdict {
	if a.Status != http.StatusNotAcceptable {
		return Verdict{}
	}
	var answer struct {
		Message []any `json:"message"`
	}
	if a.Err != nil || json.Unmarshal(a.Body, &answer) != nil || len(answer.Message) == 0 {
		return Verdict{Action: Accept, Refused: a.Records}
	}
	var reasons []string
	for _, m := range answer.Message {
		if s, ok := m.(string); ok && len(reasons) < 3 {
			reasons = append(reasons, s)
		}
	}
	return Verdict{
		Action:  Accept,
		Refused: min(len(answer.Message), a.Records),
		Reason:  strings.Join(reasons, "; "),
	}
}
