package slogshiptest

import "net/http"

// betterStack is the HTTP endpoint of a source
// (https://betterstack.com/docs/logs/ingesting-data/http/logs/, where all of its
// answers are): it takes all of a body or nothing.
func betterStack() *spec {
	f := fields{id: "event_id", time: "dt", level: "level", message: "message", source: "source"}
	return &spec{
		name: "BetterStack", path: "/",
		header: "Authorization", scheme: "Bearer ", missing: 403, wrong: 403,
		types:     []string{"application/json", "application/x-ndjson"},
		encodings: zippedEncodings,
		maxBytes:  10 << 20,
		parse:     arrayOrLines,
		broken:    http.StatusNotAcceptable,
		record:    f.record,
		idOf:      f.idOf,
		settle: settleWhole(answer{status: http.StatusAccepted, header: http.Header{}}, func(why string) answer {
			return answer{status: http.StatusNotAcceptable, header: http.Header{}, body: why}
		}),
		failures: []Failure{
			{Status: 402, Body: "Quota exceeded"},
			{Status: 403, Body: "Unauthorized"},
			{Status: 406, Body: "Couldn't parse JSON content."},
			{Status: 413, Body: "payload reached size limit"},
		},
	}
}

// arrayOrLines takes either apart.
func arrayOrLines(text []byte) ([]event, bool) {
	if events, ok := parseArray(text); ok {
		return events, true
	}
	events, ok := onlyGood(parseLines("Couldn't parse JSON content."))(text)
	return events, ok && len(events) > 0
}
