package slogshiptest

import (
	"fmt"
	"slices"
)

// A Backend is the log backend that a [Receiver] imitates. It determines the path, the
// credentials, the form of a body, and the answers:
//
//	backend       a record that RejectRecords rejects
//	------------  ------------------------------------------------------------------
//	Logflare      is counted in a 406; its neighbours are taken
//	Axiom         is counted in a 200; its neighbours are taken
//	BetterStack   has the whole batch refused with 406
//	Datadog       has the whole batch refused with 400
//	Elasticsearch is named in a 200; its neighbours are taken
//	Honeycomb     is named in a 200; its neighbours are taken
//	Loki          is counted in a 400; its neighbours are taken
//	NewRelic      is dropped silently, because New Relic checks records after it has answered
//	OTLP          is counted in a partial success; its neighbours are taken
//	Seq           has the whole batch refused with 400
//	Splunk        is named in a 400; those before it are taken, none after it
//	VictoriaLogs  is dropped silently, unless no record of the batch is good
//
// Each Backend follows the documentation of the real backend, but does not imitate all
// of it. It may be stricter: for example, it refuses media types that are not
// documented.
//
// It reads records under the names that package formats uses by default.
type Backend uint8

// The backends, each with the path of its endpoint.
const (
	Logflare      Backend = iota // /logs, /api/logs and /api/events, which are the same
	Axiom                        // /v1/datasets/slogshiptest/ingest and /v1/ingest/slogshiptest
	BetterStack                  // /
	Datadog                      // /api/v2/logs
	Elasticsearch                // /_bulk and /INDEX/_bulk, of OpenSearch too
	Honeycomb                    // /1/batch/slogshiptest
	Loki                         // /loki/api/v1/push, in JSON
	NewRelic                     // /log/v1
	OTLP                         // /v1/logs, in JSON or Protocol Buffers
	Seq                          // /ingest/clef
	Splunk                       // /services/collector/event
	VictoriaLogs                 // /insert/jsonline
)

// String is the name of the constant.
func (b Backend) String() string {
	if s := b.spec(); s != nil {
		return s.name
	}
	return "Logflare"
}

// Failures returns the documented answers of the backend other than success, each as a
// [Failure] of one request:
//
//	for _, f := range slogshiptest.Splunk.Failures() {
//		receiver.Fail(f)
//	}
func (b Backend) Failures() []Failure {
	s := b.spec()
	if s == nil {
		return nil
	}
	for i := range s.failures {
		s.failures[i].Requests = 1
	}
	return s.failures
}

// spec is what is known of b, made anew; nil for Logflare, which is the receiver
// itself.
func (b Backend) spec() *spec {
	switch b {
	case Logflare:
		return nil
	case Axiom:
		return axiom()
	case BetterStack:
		return betterStack()
	case Datadog:
		return datadog()
	case Elasticsearch:
		return elasticsearch()
	case Honeycomb:
		return honeycomb()
	case Loki:
		return loki()
	case NewRelic:
		return newRelic()
	case OTLP:
		return otlp()
	case Seq:
		return seq()
	case Splunk:
		return splunk()
	case VictoriaLogs:
		return victoriaLogs()
	}
	panic(fmt.Sprintf("slogshiptest: there is no Backend %d", b))
}

// A spec is how a backend is imitated.
type spec struct {
	name  string
	path  string                 // of the endpoint
	other func(path string) bool // whether another path is one too; nil: none is

	header, scheme string // the header with the key, and what stands in front of it; "": no key is asked for
	missing, wrong int    // the statuses without the key, and with another one

	types     []string // media types; nil: any
	encodings []string
	maxBytes  int // of a body, inflated
	maxEvents int // in a request; 0: any number

	// parse takes a body apart. It reports false for a body that is refused as
	// a whole.
	parse  func(body []byte) ([]event, bool)
	broken int // the status of a body that is no good

	record func(event) Record
	idOf   func(object []byte) string // the id of an event; nil if parse has it

	// settle stores what the backend takes of events, and answers.
	settle func(r *Receiver, events []event, verdicts []verdict) answer
	byItem bool // settle answers each event with a status

	// failures are the documented answers other than success. The first one of a
	// status is what Failure.Status stands for.
	failures []Failure
}

// A verdict is what becomes of an event. The zero verdict is that it is taken.
type verdict struct {
	status int
	why    string
	known  bool // taken before, by its id
}

// zippedEncodings are those that most backends inflate.
var zippedEncodings = []string{"", "identity", "gzip"}

// fail is the answer with a status.
func (s *spec) fail(status int) answer {
	f := Failure{Status: status}
	return f.answer(s)
}

// row is the documented failure of a status; nil if there is none.
func (s *spec) row(status int) *Failure {
	if s == nil {
		return nil
	}
	i := slices.IndexFunc(s.failures, func(f Failure) bool { return f.Status == status })
	if i < 0 {
		return nil
	}
	return &s.failures[i]
}
