package formats

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/slogship/slogship"
)

// Loki's words for what it refuses, from pkg/validation/validate.go and, where
// the ingester refuses, pkg/ingester/stream.go.
var (
	// One entry, and its neighbours are stored.
	lokiEntryRefusals = []string{
		"has timestamp too old",
		"has timestamp too new",
		"max entry size",
		"has structured metadata too large",
		"has too many structured metadata labels",
		lokiNoMetadata,
	}

	// The labels of a stream, and none of its entries is stored.
	lokiStreamRefusals = []string{
		"label names; limit",
		"has label name too long",
		"has label value too long",
		"has duplicate label name",
		"missing required labels",
		"error at least one label pair is required",
		"error parsing labels",
	}
)

const (
	lokiNoMetadata = "includes structured metadata, but this feature is disallowed"
	lokiBlocked    = "ingestion blocked for user"
	lokiIgnored    = "total ignored: "
)

// https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs: its
// success is a 204, which has no body.
var lokiService = service{
	name:        "Loki",
	path:        "Loki takes logs at /loki/api/v1/push",
	credentials: "Loki wants a tenant, LokiOptions.Tenant; a gateway in front of it wants Authorization in Options.Header",
}

// lokiRefusal reads the answers of Loki for which the status code is not enough. single
// says that all entries of the request are of one stream. If it returns the zero
// Verdict, the status code decides.
//
// Loki checks the entries one by one, stores the good ones, and then answers 400 with
// its errors about the others (Distributor.PushWithResolver): to send such a request
// again, or parts of it, would store the good ones twice. Only the text of the answer,
// which is meant for people, says how many it refused:
//
//	entry for stream '{...}' has timestamp too old: ...
//	2 errors like: entry for stream ...; 3 errors like: max entry size ...
//	entry with timestamp ... ignored, reason: '...',\nuser '...', total ignored: 1 out of 10 for stream: {...}
//
// If the number is not certain, the larger one is counted as refused.
func lokiRefusal(text string, a slogship.Answer, single bool) slogship.Verdict {
	if strings.HasPrefix(text, lokiBlocked) {
		return lokiBlockedVerdict(text, a, single)
	}
	if a.Status != http.StatusBadRequest {
		return slogship.Verdict{}
	}
	var refused int
	switch {
	case strings.Contains(text, lokiIgnored):
		refused = lokiIgnoredEntries(text, a.Records, single)
	case containsAny(text, lokiStreamRefusals):
		if single {
			// No record is accepted until the labels or the limits are changed.
			return slogship.Verdict{Action: slogship.Hold}
		}
		refused = lokiErrors(text)
	case containsAny(text, lokiEntryRefusals):
		refused = lokiErrors(text)
		if strings.Contains(text, lokiNoMetadata) && refused >= a.Records {
			return slogship.Verdict{Action: slogship.Hold} // nothing was stored
		}
	default:
		return slogship.Verdict{}
	}
	if a.Err != nil || a.Cut {
		refused = a.Records
	}
	return slogship.Verdict{Action: slogship.Accept, Refused: min(refused, a.Records)}
}

// lokiBlockedVerdict is for an administrator's block_ingestion_until or
// block_ingestion_policy_until, which have a status of the administrator's
// choice; it is 260 by default, and nothing is stored under it.
func lokiBlockedVerdict(text string, a slogship.Answer, single bool) slogship.Verdict {
	if single || !strings.Contains(text, "(policy: ") {
		return slogship.Verdict{Action: slogship.Hold}
	}
	// Streams of another policy are stored, and nobody says which.
	return slogship.Verdict{Action: slogship.Accept, Refused: a.Records}
}

// lokiErrors counts the errors in a text of the distributor. A single error has no
// number before it.
func lokiErrors(text string) (n int) {
	const like = " errors like: "
	for rest := text; ; {
		i := strings.Index(rest, like)
		if i < 0 {
			return max(n, 1)
		}
		digits := rest[strings.LastIndexAny(rest[:i], "; ")+1 : i]
		if k, err := strconv.Atoi(digits); err == nil && k > 0 {
			n += k
		}
		rest = rest[i+len(like):]
	}
}

// lokiIgnoredEntries returns how many entries were refused, from the text of an
// ingester. With a single stream, entries that did not reach the ingester were refused
// by the distributor, unless Loki divided the stream and reports on a part.
func lokiIgnoredEntries(text string, records int, single bool) int {
	_, rest, _ := strings.Cut(text, lokiIgnored)
	ignored, rest, _ := strings.Cut(rest, " out of ")
	total, stream, _ := strings.Cut(rest, " for stream: ")
	n, err := strconv.Atoi(ignored)
	all, err2 := strconv.Atoi(total)
	switch {
	case err != nil || err2 != nil || n < 1 || n > all:
		return records
	case !single || strings.Contains(stream, "__stream_shard__") || strings.Contains(stream, "__time_shard__"):
		return n
	}
	return max(n, records-(all-n))
}

func containsAny(text string, phrases []string) bool {
	for _, p := range phrases {
		if strings.Contains(text, p) {
			return true
		}
	}
	return false
}
