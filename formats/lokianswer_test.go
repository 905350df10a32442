package formats_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strconv"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// Every answer of Loki's is read as it is meant; above all, nothing is sent
// again that it has stored.
func TestLokiAnswers(t *testing.T) {
	const (
		tooOld  = `entry for stream '{service_name="x"}' has timestamp too old: 2020-01-01T00:00:00Z, oldest acceptable timestamp is: 2026-01-01T00:00:00Z`
		tooLong = `max entry size '262144' bytes exceeded for stream '{service_name="x"}' while adding an entry with length '300000' bytes`
		ignored = "entry with timestamp 2026-03-04 05:06:07.890123456 +0000 UTC ignored, reason: 'entry too far behind, entry timestamp is: 2026-03-04T05:06:07Z, oldest acceptable timestamp is: 2026-03-04T06:06:07Z',\nuser 'fake', total ignored: "
	)
	one := formats.LokiOptions{Labels: map[string]string{"service_name": "x"}}
	many := formats.LokiOptions{Labels: map[string]string{"service_name": "x"}, LevelLabel: "level"}
	count := func(r request) int { return len(decodeLoki(t, r)) }
	text := func(status int, body string) response { return response{status: status, body: body + "\n"} }
	type answer = func(int, request) response
	always := func(a response) answer { return func(int, request) response { return a } }
	taken := func(refused int64, reason string) afterwards {
		return afterwards{delivered: 10 - refused, rejected: refused, requests: 1, sent: 10, reason: reason}
	}
	kept := afterwards{held: 10, requests: 2, sent: 20, reason: "4"}
	again := func(reason string) afterwards {
		return afterwards{delivered: 10, requests: 2, sent: 20, reason: reason}
	}
	for _, c := range []struct {
		name    string
		options formats.LokiOptions
		answer  answer
		want    afterwards
	}{
		{"204", one, always(response{status: 204}), afterwards{delivered: 10, requests: 1, sent: 10}},
		{"200", one, always(response{status: 200}), afterwards{delivered: 10, requests: 1, sent: 10}},

		{"one too old", one, once(text(400, tooOld)), taken(1, "1 record not accepted: "+tooOld)},
		{"three of a kind", one, once(text(400, "3 errors like: "+tooOld)), taken(3, "3 records not accepted")},
		{"of two kinds", one, once(text(400, "3 errors like: "+tooOld+"; 4 errors like: "+tooLong)), taken(7, "7 records not accepted")},
		{"all", one, once(text(400, "10 errors like: "+tooOld)), taken(10, "10 records not accepted")},
		{"more than were sent", one, once(text(400, "11 errors like: "+tooOld)), taken(10, "10 records not accepted")},
		{"too new", one, once(text(400, `entry for stream '{service_name="x"}' has timestamp too new: 2030-01-01T00:00:00Z`)), taken(1, "too new")},
		{"too long", one, once(text(400, tooLong)), taken(1, "max entry size")},
		{"metadata too large", one, once(text(400, `stream '{service_name="x"}' has structured metadata too large: '70000' bytes, limit: '65536' bytes. Please see`)), taken(1, "too large")},
		{"too many metadata", one, once(text(400, `stream '{service_name="x"}' has too many structured metadata labels: '200', limit: '128'. Please see`)), taken(1, "too many")},
		{"a label that looks like a number of errors", one, once(text(400, `2 errors like: entry for stream '{service_name="5x errors like: "}' has timestamp too old: x`)), taken(2, "2 records")},
		{"in several streams", many, once(text(400, "2 errors like: "+tooOld)), taken(2, "2 records")},

		{"behind the newest", one, once(text(400, ignored+`1 out of 10 for stream: {service_name="x"}`)), taken(1, "too far behind")},
		{"behind, and the distributor refused others before", one, once(text(400, ignored+`2 out of 7 for stream: {service_name="x"}`)), taken(5, "5 records")},
		{"behind, in a part of the stream", one, once(text(400, ignored+`2 out of 4 for stream: {__stream_shard__="1", service_name="x"}`)), taken(2, "2 records")},
		{"behind, in several streams", many, once(text(400, ignored+`1 out of 1 for stream: {service_name="x"}`)), taken(1, "1 record not")},
		{"behind, without numbers", one, once(text(400, ignored+`some`)), taken(10, "10 records")},

		{"labels that are too many", one, always(text(400, `entry for stream '{service_name="x"}' has 16 label names; limit 15`)), kept},
		{"a label value that is too long", one, always(text(400, `stream '{service_name="x"}' has label value too long: 'x'`)), kept},
		{"labels that are missing", one, always(text(400, `missing required labels 'env' for user 'fake' for stream '{service_name="x"}' (policy: '')`)), kept},
		{"labels of one stream of several", many, once(text(400, `stream '{service_name="x"}' has label value too long: 'x'`)), taken(1, "too long")},
		{"no metadata allowed", one, always(text(400, "10 errors like: stream '{service_name=\"x\"}' includes structured metadata, but this feature is disallowed. Please see `limits_config.allow_structured_metadata`")), kept},
		{"blocked", one, always(text(260, `ingestion blocked for user 'fake' until '2030-01-01T00:00:00Z' with status code '260'`)), afterwards{held: 10, requests: 2, sent: 20, reason: "ingestion blocked"}},
		{"blocked with 200", one, always(text(200, `ingestion blocked for user 'fake' until '2030-01-01T00:00:00Z' with status code '200'`)), afterwards{held: 10, requests: 2, sent: 20, reason: "ingestion blocked"}},
		{"blocked for some of several streams", many, once(text(260, `ingestion blocked for user 'fake' (policy: 'p') until '2030-01-01T00:00:00Z' with status code '260'`)), taken(10, "10 records")},

		{"429", one, once(text(429, "ingestion rate limit exceeded for user fake (limit: 4194304 bytes/sec) while attempting to ingest '10' lines totaling '1000' bytes, reduce log volume")), again("rate limit")},
		{"429 of a stream", one, once(text(429, "entry with timestamp x ignored, reason: 'Per stream rate limit exceeded (limit: 3MB/sec)', \nuser 'fake', total ignored: 4 out of 10 for stream: {}")), again("Per stream")},
		{"429 for too many streams", one, once(text(429, "maximum active stream limit exceeded when trying to create stream")), again("stream limit")},
		{"500", one, once(text(500, "at least 1 live replicas required")), again("live replicas")},
		{"503", one, once(text(503, "circuit breaker open, request denied")), again("circuit breaker")},
		{"401 for a missing tenant", one, always(text(401, "no org id")), kept},
		{"404", one, always(text(404, "404 page not found")), kept},
		{"413", one, func(_ int, r request) response {
			if count(r) > 5 {
				return text(413, "request body too large: message size too large than max")
			}
			return response{status: 204}
		}, afterwards{delivered: 10, requests: 3, sent: 20}},
		{"400 before anything was stored", one, always(text(400, "couldn't parse labels: 1:2: parse error")), afterwards{held: 10, reason: "couldn't parse labels"}},
		{"422", one, always(text(422, "error at least one valid stream is required for ingestion")), afterwards{held: 10, reason: "422"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			checkAfterwards(t, tenRecords(t, formats.Loki(c.options), count, c.answer), c.want)
		})
	}
}

// An entry that Loki refuses has its neighbours stored, once, and in order.
func TestLokiStoresTheNeighboursOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		stored := map[string]int{}
		var order []string
		b := backend{answer: func(_ int, r request) response {
			refused := 0
			for _, e := range decodeLoki(t, r) {
				if e.at < time.Now().Add(-7*24*time.Hour).UnixNano() {
					refused++
					continue
				}
				stored[e.line]++
				order = append(order, e.line)
			}
			if refused > 0 {
				return response{status: http.StatusBadRequest, body: fmt.Sprintf("%d errors like: entry for stream '{}' has timestamp too old: x", refused)}
			}
			return response{status: http.StatusNoContent}
		}}
		h := ship(t, formats.Loki(formats.LokiOptions{}), &b, slogship.Options{BatchRecords: 7})
		for i := range 50 {
			at := time.Now()
			if i%9 == 4 {
				at = at.Add(-10 * 24 * time.Hour)
			}
			h.Handle(context.Background(), slog.NewRecord(at, slog.LevelInfo, strconv.Itoa(i), 0))
		}
		h.Close()
		s := h.Stats()
		if s.Delivered != 44 || s.Dropped.Rejected != 6 || len(stored) != 44 || len(order) != 44 {
			t.Errorf("%d lines stored %d times; %+v", len(stored), len(order), s)
		}
		if !slices.IsSortedFunc(order, func(a, b string) int {
			m, _ := strconv.Atoi(a)
			n, _ := strconv.Atoi(b)
			return m - n
		}) {
			t.Errorf("the order is %v", order)
		}
	})
}

// Of a refusal that cannot be read to its end nobody knows how many it names:
// all count as refused, and none is sent again.
func TestLokiAnswerWithoutEnd(t *testing.T) {
	v := formats.Loki(formats.LokiOptions{}).ReadAnswer(slogship.Answer{
		Status: 400, Body: []byte("1 errors like: entry has timestamp too old"), Err: io.ErrUnexpectedEOF, Records: 10,
	})
	if v.Action != slogship.Accept || v.Refused != 10 {
		t.Errorf("%+v", v)
	}
}
