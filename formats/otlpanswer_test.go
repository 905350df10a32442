package formats_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// partialSuccess is an answer that rejects n records.
func partialSuccess(e formats.OTLPEncoding, n int, message string) response {
	if e == formats.OTLPJSON {
		return response{
			status: 200, header: http.Header{"Content-Type": {"application/json"}},
			body: fmt.Sprintf(`{"partialSuccess":{"rejectedLogRecords":"%d","errorMessage":%q}}`, n, message),
		}
	}
	inner := ""
	if n > 0 {
		inner = "\x08" + string(rune(n))
	}
	inner += "\x12" + string(rune(len(message))) + message
	return response{
		status: 200, header: http.Header{"Content-Type": {"application/x-protobuf"}},
		body: "\x0a" + string(rune(len(inner))) + inner,
	}
}

// errorStatus is a google.rpc.Status.
func errorStatus(e formats.OTLPEncoding, status int, message string) response {
	if e == formats.OTLPJSON {
		return response{status: status, body: fmt.Sprintf(`{"code":3,"message":%q}`, message)}
	}
	length := []byte{byte(len(message)) | 0x80, byte(len(message) >> 7)}
	return response{status: status, body: "\x08\x03\x12" + string(length) + message}
}

// afterwards is what became of ten records that were logged at once: the books a
// minute later, how many requests there were, and how many records in all of
// them.
type afterwards struct {
	delivered, rejected, tooLarge, held int64
	requests, sent                      int
	reason                              string // in the first error
}

// tenRecords logs ten records to a backend that answers by answer, in fake time.
func tenRecords(t *testing.T, f slogship.Format, count func(request) int, answer func(n int, r request) response) (got afterwards) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		b := backend{answer: answer}
		var errs []error
		h := ship(t, f, &b, slogship.Options{OnError: func(err error) { errs = append(errs, err) }})
		for range 10 {
			h.Handle(context.Background(), record(slog.LevelInfo, "m"))
		}
		time.Sleep(time.Minute)
		s := h.Stats()
		got.delivered, got.held = s.Delivered, s.Pending+s.InFlight
		got.rejected, got.tooLarge = s.Dropped.Rejected, s.Dropped.TooLarge
		for _, r := range b.got() {
			got.requests++
			got.sent += count(r)
		}
		if len(errs) > 0 {
			got.reason = errs[0].Error()
		}
		ctx, cancel := context.WithCancel(context.Background())
		cancel()
		h.Shutdown(ctx)
	})
	return got
}

// once answers the first request with a, and takes all later ones.
func once(a response) func(int, request) response {
	return func(n int, _ request) response {
		if n == 0 {
			return a
		}
		return response{status: 200}
	}
}

// Every answer that the specification and the servers have is read as it is
// meant.
func TestOTLPAnswers(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		count := func(r request) int { return len(decodeOTLP(t, r).records) }
		type answer = func(int, request) response
		always := func(a response) answer { return func(int, request) response { return a } }
		for _, c := range []struct {
			name   string
			answer answer
			want   afterwards
		}{
			{"200", always(response{status: 200}), afterwards{delivered: 10, requests: 1, sent: 10}},
			{"200 with an empty message", always(response{status: 200, body: map[formats.OTLPEncoding]string{formats.OTLPJSON: "{}"}[e]}), afterwards{delivered: 10, requests: 1, sent: 10}},
			{"200 with something else", always(response{status: 200, body: "OK, thanks"}), afterwards{held: 10, requests: 2, sent: 20, reason: "this is not an answer of OTLP: OK, thanks (OTLP takes logs at /v1/logs)"}},
			{"200 with another object", always(response{status: 200, body: `{"message":"welcome"}`}), afterwards{held: 10, requests: 2, sent: 20, reason: "not an answer of OTLP"}},
			{"200 with an empty message and an unknown field", always(response{status: 200, body: `{"partialSuccess":null,"x":1}`}), afterwards{delivered: 10, requests: 1, sent: 10}},
			{"201", always(response{status: 201}), afterwards{delivered: 10, requests: 1, sent: 10}},
			{"202", always(response{status: 202}), afterwards{delivered: 10, requests: 1, sent: 10}},
			{"204", always(response{status: 204}), afterwards{delivered: 10, requests: 1, sent: 10}},
			{"partial success", once(partialSuccess(e, 3, "too old")), afterwards{delivered: 7, rejected: 3, requests: 1, sent: 10, reason: "3 records not accepted: too old"}},
			{"partial success of more than were sent", once(partialSuccess(e, 30, "all")), afterwards{rejected: 10, requests: 1, sent: 10, reason: "10 records not accepted: all"}},
			{"advice with full success", once(partialSuccess(e, 0, "use gzip")), afterwards{delivered: 10, requests: 1, sent: 10}},
			{"429", once(errorStatus(e, 429, "slow down")), afterwards{delivered: 10, requests: 2, sent: 20, reason: ": slow down"}},
			{"429 with Retry-After", once(response{status: 429, header: http.Header{"Retry-After": {"20"}}}), afterwards{delivered: 10, requests: 2, sent: 20, reason: "429 Too Many Requests"}},
			{"502", once(response{status: 502, body: "<html>"}), afterwards{delivered: 10, requests: 2, sent: 20, reason: "502 Bad Gateway: <html>"}},
			{"503", once(errorStatus(e, 503, "memory limit")), afterwards{delivered: 10, requests: 2, sent: 20, reason: ": memory limit"}},
			{"504", once(response{status: 504}), afterwards{delivered: 10, requests: 2, sent: 20, reason: "504"}},
			{"500", once(errorStatus(e, 500, "oops")), afterwards{delivered: 10, requests: 2, sent: 20, reason: ": oops"}},
			{"401", always(errorStatus(e, 401, "who are you")), afterwards{held: 10, requests: 2, sent: 20, reason: ": who are you"}},
			{"404", always(response{status: 404}), afterwards{held: 10, requests: 2, sent: 20, reason: "404"}},
			{"415", always(response{status: 415}), afterwards{held: 10, requests: 2, sent: 20, reason: "415"}},
			{"413", func(_ int, r request) response {
				if count(r) > 3 {
					return response{status: 413}
				}
				return response{status: 200}
			}, afterwards{delivered: 10, requests: 7, sent: 29}},
			{"400 for a body that is too large", func(_ int, r request) response {
				if count(r) > 3 {
					return errorStatus(e, 400, "http: request body too large")
				}
				return response{status: 200}
			}, afterwards{delivered: 10, requests: 7, sent: 29}},
			{"400 for anything", always(errorStatus(e, 400, "proto: wrong wireType")), afterwards{held: 10, reason: ": proto: wrong wireType"}},
			{"400 for one record", func(n int, r request) response {
				if n == 0 || count(r) > 1 {
					return errorStatus(e, 400, "bad data")
				}
				if n%4 == 0 {
					return errorStatus(e, 400, "bad data")
				}
				return response{status: 200}
			}, afterwards{}},
			{
				"Loki's 400 after it has stored the others", once(errorStatus(e, 400,
					`2 errors like: entry for stream '{service_name="x"}' has timestamp too old: 2020-01-01T00:00:00Z, oldest acceptable timestamp is: 2026-01-01T00:00:00Z`)),
				afterwards{delivered: 8, rejected: 2, requests: 1, sent: 10, reason: "2 records not accepted"},
			},
			{
				"Loki's 400, in protobuf whatever the request was in", once(errorStatus(formats.OTLPProtobuf, 400,
					`2 errors like: entry for stream '{service_name="x"}' has timestamp too old: 2020-01-01T00:00:00Z, oldest acceptable timestamp is: 2026-01-01T00:00:00Z`)),
				afterwards{delivered: 8, rejected: 2, requests: 1, sent: 10, reason: "2 records not accepted: 2 errors like"},
			},
			{
				"Loki's 260", always(errorStatus(e, 260, `ingestion blocked for user 'x' until '2027-01-01T00:00:00Z' with status code '260'`)),
				afterwards{held: 10, requests: 2, sent: 20, reason: "ingestion blocked"},
			},
		} {
			t.Run(c.name, func(t *testing.T) {
				got := tenRecords(t, otlp(e), count, c.answer)
				if c.name == "400 for one record" { // which ones is up to chance
					if got.delivered+got.rejected != 10 || got.delivered == 0 || got.rejected == 0 {
						t.Errorf("%+v", got)
					}
					return
				}
				checkAfterwards(t, got, c.want)
			})
		}
	})
}

// checkAfterwards compares what there is a wish for.
func checkAfterwards(t *testing.T, got, want afterwards) {
	t.Helper()
	if !strings.Contains(got.reason, want.reason) || want.reason == "" && got.reason != "" {
		t.Errorf("the reason is %q, want %q", got.reason, want.reason)
	}
	if want.sent == 0 {
		got.sent = 0
	}
	if want.requests == 0 { // up to the jitter of the back-off
		got.requests = 0
	}
	got.reason, want.reason = "", ""
	if got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// An answer in the other encoding, as from a proxy of its own mind, is read by
// its Content-Type.
func TestOTLPAnswerInTheOtherEncoding(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		got := tenRecords(t, otlp(e), func(request) int { return 0 }, once(partialSuccess(1-e, 4, "no")))
		if got.rejected != 4 || got.delivered != 6 {
			t.Errorf("%+v", got)
		}
	})
}

// What a server adds to its answer is passed over, and what is no such message is
// somebody else's.
func TestOTLPAnswerFields(t *testing.T) {
	const rejected = "\x08\x03\x12\x02no"
	f := otlp(formats.OTLPProtobuf)
	for _, c := range []struct {
		name, body string
		refused    int
		foreign    bool
	}{
		{"as it is", "\x0a\x06" + rejected, 3, false},
		{"a varint before it", "\x10\xff\x01\x0a\x06" + rejected, 3, false},
		{"a fixed64 before it", "\x1112345678\x0a\x06" + rejected, 3, false},
		{"a fixed32 after it", "\x0a\x06" + rejected + "\x151234", 3, false},
		{"a number as a fixed64", "\x0a\x09\x0912345678", 0, false},
		{"a negative number", "\x0a\x0b\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 0, false},
		{"empty", "\x0a\x00", 0, false},
		{"its field as a varint", "\x08\x03", 0, true},
		{"a group", "\x0a\x06" + rejected + "\x13\x14", 0, true},
		{"field 0", "\x0a\x06" + rejected + "\x00\x00", 0, true},
		{"cut in the tag", "\x0a\x06" + rejected + "\x80", 0, true},
		{"cut in a varint", "\x0a\x06" + rejected + "\x10\x80", 0, true},
		{"cut in a length", "\x0a\x06" + rejected + "\x0a", 0, true},
		{"cut in bytes", "\x0a\x07" + rejected, 0, true},
		{"cut in a fixed64", "\x0a\x06" + rejected + "\x111234567", 0, true},
		{"cut in a fixed32", "\x0a\x06" + rejected + "\x15123", 0, true},
	} {
		v := f.ReadAnswer(slogship.Answer{Status: 200, Body: []byte(c.body), Records: 10})
		if (v.Action == slogship.Hold) != c.foreign || !c.foreign && v.Action != slogship.Accept || v.Refused != c.refused || (v.Reason == "no") != (c.refused > 0) {
			t.Errorf("%s: %+v, want %d refused", c.name, v, c.refused)
		}
	}
}
