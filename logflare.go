package slogship

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/slogship/slogship/internal/answers"
)

// Logflare returns the Format of Logflare's ingest API, for the endpoint
// https://api.logflare.app/logs?source=SOURCE, with [Options.Header] {"X-API-KEY":
// {apiKey}}. It is the default.
//
//	{"batch":[{"id":"...","timestamp":"...","message":"...","metadata":{"level":"info", attributes, "context":{...}}}]}
//
// The timestamp is RFC 3339 in UTC with six fractional digits. Attributes are
// in metadata, the source is metadata.context; an attribute named "level" or
// "context" gets a trailing underscore. Logflare stores one copy of an event
// that is sent twice, because of its id.
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
		AnswerBytes: 512, // a message for each event that is refused
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

// Hints for a misconfiguration of Logflare.
const (
	logflarePath        = "Logflare takes events at /logs?source=SOURCE"
	logflareCredentials = `Logflare wants Options.Header {"X-API-KEY": {apiKey}}`
)

// ReadAnswer knows Logflare's success, {"message":"Logged!"}, and its 406: the valid
// events of the batch are ingested already, and each message is one event that was
// not. The batch must never be sent again.
//
// A 2xx without a body, or with an empty object, is a success too: proxies and
// imitators answer so.
func (logflare) ReadAnswer(a Answer) Verdict {
	switch {
	case a.Status == http.StatusUnauthorized, a.Status == http.StatusForbidden:
		return Verdict{Hint: logflareCredentials}
	case a.Status == http.StatusNotFound, a.Status == http.StatusMethodNotAllowed, a.Status/100 == 3:
		return Verdict{Hint: logflarePath}
	case a.Status/100 == 2 && !answers.IsEmpty(a.Body) && !isLogged(a.Body):
		v := Verdict{
			Action: Hold, Hint: logflarePath,
			Reason: "this is not an answer of Logflare: " + string(a.Body[:min(len(a.Body), 1<<10)]),
		}
		if answers.IsPage(a.Header, a.Body) {
			v.Reason = aPage.Reason
		}
		return v
	case a.Status != http.StatusNotAcceptable:
		return Verdict{}
	}
	refused, why, ok := logflareReasons(a.Body, a.Records)
	if !ok || a.Err != nil || refused == 0 {
		return Verdict{Action: Accept, Refused: a.Records}
	}
	return Verdict{Action: Accept, Refused: min(refused, a.Records), Reason: strings.Join(why, "; ")}
}

// isLogged reports whether body is what Logflare says when it has a batch.
func isLogged(body []byte) bool {
	if string(body) == `{"message":"Logged!"}` {
		return true
	}
	message := ""
	r := answers.NewReader(body)
	err := r.Object(func(name string) error {
		if name == "message" {
			return r.Value(&message)
		}
		return r.Skip()
	})
	return err == nil && message == "Logged!"
}

// logflareReasons counts the messages of a 406, up to enough, and returns the first
// three that are texts. It reports false for a body that ends before.
func logflareReasons(body []byte, enough int) (n int, why []string, ok bool) {
	r := answers.NewReader(body)
	err := r.Object(func(name string) error {
		if name != "message" {
			return r.Skip()
		}
		_, err := r.List(func() error {
			n++
			text := ""
			err := r.Value(&text)
			if text != "" && len(why) < 3 {
				why = append(why, text)
			}
			if err == nil && n >= max(enough, 3) {
				err = errEnough
			}
			return err
		})
		return err
	})
	return n, why, err == nil || errors.Is(err, errEnough)
}

var errEnough = errors.New("enough was read")
