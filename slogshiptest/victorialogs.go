package slogshiptest

import "net/http"

// victoriaLogs is the JSON stream endpoint
// (https://docs.victoriametrics.com/victorialogs/data-ingestion/#json-stream-api):
// it skips lines that it cannot read or that are too long, and says so only if
// there is no good one. It asks for no credentials. Its answers are those of
// https://github.com/VictoriaMetrics/VictoriaLogs/blob/master/app/vlinsert/jsonline/jsonline.go.
func victoriaLogs() *spec {
	f := fields{id: "event_id", time: "_time", level: "level", message: "_msg", source: "source"}
	const maxLine = 256 << 10 // -insert.maxLineSizeBytes
	return &spec{
		name: "VictoriaLogs", path: "/insert/jsonline",
		encodings: []string{"", "identity", "gzip", "deflate", "zstd"},
		maxBytes:  maxBody,
		parse: func(text []byte) ([]event, bool) {
			events, ok := parseLines("cannot parse json")(text)
			for i := range events {
				if len(events[i].raw) > maxLine {
					events[i].bad = "too long"
				}
			}
			return events, ok
		},
		broken: http.StatusBadRequest,
		record: f.record,
		idOf:   f.idOf,
		settle: func(r *Receiver, events []event, verdicts []verdict) answer {
			bad, why := r.takeGood(events, verdicts)
			if bad > 0 && bad == len(events) {
				return answer{
					status: http.StatusBadRequest, header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}},
					body: "cannot process jsonline request; error: " + why,
				}
			}
			a := jsonAnswer(http.StatusOK, "")
			a.taken = true
			return a
		},
		failures: []Failure{
			{Status: 400, Body: "cannot decode jsonline request"},
			// https://github.com/VictoriaMetrics/VictoriaMetrics/blob/master/lib/writeconcurrencylimiter/concurrencylimiter.go
			{Status: 503, Body: "cannot process insert request for 60.000 seconds because 4 concurrent insert requests are executed"},
		},
	}
}
