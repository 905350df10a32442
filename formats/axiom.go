package formats

import (
	"cmp"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/answers"
)

// AxiomOptions are the options of [Axiom]. The zero value is usable.
type AxiomOptions struct {
	// ID is the name of the member with the event id; "-" leaves it out. If
	// empty, "event_id".
	ID string
}

// Axiom is for Axiom's ingest endpoint,
// https://api.axiom.co/v1/datasets/DATASET/ingest, or that of an edge deployment,
// https://AXIOM_DOMAIN/v1/ingest/DATASET, with [slogship.Options.Header]
// {"Authorization": {"Bearer " + apiToken}}.
//
//	{"event_id":"...","_time":"...","level":"info","message":"...","source":{...}, attributes}
//
// Axiom's answer has the numbers of events that it ingested and that failed, but does
// not say which failed (https://axiom.co/docs/restapi/ingest). Those are counted in
// [slogship.Dropped.Rejected] and not sent again. After a 430, which means that an
// ingest limit is reached, the batch is sent again.
//
// A request has at most 10,000 records, and a record 1,000,000 bytes
// (https://axiom.co/docs/reference/field-restrictions). If ReplaceAttr replaced the
// time with text that is not RFC 3339, the text is sent as "time_text", and Axiom uses
// the time of arrival. An attribute with the name of another member, or with a name
// that Axiom reserves (_sysTime and others), gets a trailing underscore.
func Axiom(o AxiomOptions) slogship.Format {
	id := cmp.Or(o.ID, eventIDKey)
	event := newObject()
	event.add(eventID, id)
	event.addTime(strictTime, "_time", RFC3339Nano)
	event.add(lowerLevel, "level")
	event.add(message, "message")
	event.add(source, "source")
	event.addTimeText()
	event.addAttributes()
	event.reserved = append(event.reserved, "_blockInfo", "_cursor", "_rowID", "_source", "_sysTime")
	if err := event.alone("AxiomOptions.ID", id); err != nil {
		return unusable{err}
	}
	l := linesLayout("application/x-ndjson")
	l.MaxRecords, l.MaxRecordBytes = 10_000, 1_000_000
	l.AnswerBytes = 256 // a failure each
	l.Zstd = true
	return &axiom{newFramed(l, event)}
}

type axiom struct{ framed }

// statusLimitExceeded is Axiom's own status for an ingest limit that is reached
// until it is reset (httpStatusLimitExceeded in its client axiom-go).
const statusLimitExceeded = 430

// https://axiom.co/docs/restapi/endpoints/ingestToDataset
var axiomService = service{
	name:        "Axiom",
	path:        "Axiom takes records at /v1/datasets/DATASET/ingest, an edge deployment at /v1/ingest/DATASET",
	credentials: `Axiom wants Options.Header {"Authorization": {"Bearer " + apiToken}}`,
}

func (*axiom) ReadAnswer(a slogship.Answer) slogship.Verdict {
	if a.Status == statusLimitExceeded {
		return slogship.Verdict{Action: slogship.Retry}
	}
	var ingested *int
	var failed int
	var why reasons
	if a.Status/100 == 2 && !answers.IsPage(a.Header, a.Body) {
		r := answers.NewReader(a.Body)
		_ = r.Object(func(name string) error { // as far as it goes: what counts comes first
			switch name {
			case "ingested":
				return r.Value(&ingested)
			case "failed":
				return r.Value(&failed)
			case "failures":
				_, err := r.List(func() error {
					var failure struct {
						Error string `json:"error"`
					}
					err := r.Value(&failure)
					why.add(failure.Error)
					return err
				})
				return err
			}
			return r.Skip()
		})
	}
	if ingested == nil {
		return axiomService.read(a)
	}
	return slogship.Verdict{Action: slogship.Accept, Refused: max(failed, a.Records-*ingested), Reason: why.String()}
}
