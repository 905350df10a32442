package slogship

import (
	"encoding/json"
	"log/slog"
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
	dst = append(dst, e.ID...)
	dst = append(dst, '"')
	switch {
	case given(e.TimeValue):
		dst = AppendValue(append(dst, `,"timestamp":`...), e.TimeValue)
	case !e.Time.IsZero():
		dst = AppendTime(append(dst, `,"timestamp":`...), e.Time, 6)
	}
	switch {
	case given(e.MessageValue):
		dst = AppendValue(append(dst, `,"message":`...), e.MessageValue)
	case !e.NoMessage:
		dst = AppendString(append(dst, `,"message":`...), e.Message)
	}
	dst = append(dst, `,"metadata":{`...)
	n := len(dst)
	switch {
	case given(e.LevelValue):
		dst = AppendValue(append(dst, `"level":`...), e.LevelValue)
	case !e.NoLevel:
		dst = AppendLevel(append(dst, `"level":`...), e.Level, true)
	}
	if len(e.Source) > 0 || given(e.SourceValue) {
		if len(dst) > n {
			dst = append(dst, ',')
		}
		dst = append(dst, `"context":`...)
		if len(e.Source) > 0 {
			dst = append(AppendAttrs(append(dst, '{'), e.Source), '}')
		} else {
			dst = AppendValue(dst, e.SourceValue)
		}
	}
	dst = AppendAttrs(dst, e.Attrs)
	return append(dst, '}', '}')
}

// given reports whether ReplaceAttr made v of a built-in attribute.
func given(v slog.Value) bool { return v.Kind() != slog.KindAny || v.Any() != nil }

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
