package formats

import (
	"cmp"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/answers"
)

// ElasticsearchOptions are the options of [Elasticsearch]. The zero value is usable.
type ElasticsearchOptions struct {
	// Index is the data stream or index for the records. A part in braces is a
	// layout of package time, for the record's time in UTC: with
	// "logs-{2006.01.02}", a record of 3 May 2026 goes to logs-2026.05.03. If
	// empty, the endpoint must name it: https://es:9200/logs-app-default/_bulk.
	// It is an error if it is not a valid name (lower case, none of \/*?"<>|,#:
	// and space, not beginning with - _ or +, at most 255 bytes).
	Index string

	// Attributes, if not empty, is the name of an object that holds the attributes. Map
	// this object as "flattened" if attributes with the same name have values of
	// different types: Elasticsearch would otherwise refuse a record whose type does
	// not match the mapping. If empty, the attributes are at the root.
	Attributes string
}

// Elasticsearch is for the _bulk endpoint of Elasticsearch and of OpenSearch,
// https://es:9200/_bulk, with [slogship.Options.Header] {"Authorization": {"ApiKey " +
// key}} or user info in the URL.
//
//	{"create":{"_index":"logs-2006.01.02","_id":"..."}}
//	{"@timestamp":"...","log.level":"info","message":"...","log.origin":{...}, attributes}
//
// Names are those of the Elastic Common Schema. The first error of a record is also written as
// error.type, error.message and error.stack_trace (if it has a stack), unless there is an attribute
// with that name.
//
// The event id is the _id of the document, so that a record that is sent twice is
// stored once: the server answers 409 to the second one, and the record counts as
// delivered. A data stream recognises an id only until it rolls over.
//
// The answer has an item with a status for each record. After 2xx and 409 the record is
// delivered; after 408, 429 and 5xx it is sent again; after any other status it is
// rejected. If every item is a 401, 403 or 404, that is a misconfiguration, such as an
// API key without a privilege or an index that is not created automatically: the
// records are kept ([slogship.Hold]). If the answer has one error for all records, or
// another number of items than the request has records, the batch is halved until the
// bad record is alone ([slogship.Isolate]); because of the ids, no record is stored
// twice.
//
// If the endpoint has a filter_path, it must include errors, error and items.*.status.
//
// Elasticsearch requires a time. A record without one gets the time at which it was
// logged. If ReplaceAttr replaced the time with text that is not RFC 3339, the record
// gets that time, too, and the text becomes "time_text".
//
// An attribute with the name of another member or of a metadata field (_id, _source,
// ...) gets a trailing underscore. So does "log", and so does "error" if its value is
// not an object, because the schema has objects there. Of attributes with the same
// name, only the last is written. Elasticsearch refuses a record if a name is empty, or
// begins or ends with a dot.
//
// log.origin is always an object: if ReplaceAttr replaced the source with text, the
// text is its member file.name. Levels and messages are always strings: after a first
// one that is a number, Elasticsearch would map the field as a number and refuse
// strings.
//
// A request body has at most 10 MiB, the limit of the smaller instances of Amazon
// OpenSearch Service. Elasticsearch's own default limit is 100 MB.
func Elasticsearch(o ElasticsearchOptions) slogship.Format {
	index, err := parseIndex(o.Index)
	event := newObject()
	event.addTime(requiredTime, "@timestamp", RFC3339Nano)
	event.add(lowerLevel, "log.level")
	event.add(message, "message")
	event.add(sourceECS, "log.origin")
	event.addTimeText()
	event.addErrors("error.type", "error.message", "error.stack_trace")
	event.text = true
	if o.Attributes == "" {
		event.addAttributes()
		event.prepare = keepErrorAnObject
		event.reserved = append(event.reserved, "log",
			"_id", "_index", "_source", "_routing", "_ignored", "_field_names", "_doc_count", "_size", "_tier")
	} else {
		if slices.Contains(event.reserved, o.Attributes) {
			err = cmp.Or(err, badOption("ElasticsearchOptions.Attributes", o.Attributes, "a name that no other member has"))
		}
		event.begin(o.Attributes)
		event.addAttributes()
		event.end()
	}
	if err != nil {
		return unusable{err}
	}
	l := linesLayout("application/x-ndjson")
	l.MaxBytes = 10 << 20
	l.UniqueKeys = true
	l.AnswerBytes = 1 << 10 // an item each
	f := &elasticsearch{framed: newFramed(l, event), index: index, action: `{"create":{`}
	switch {
	case index.layout != "":
		f.action += `"_index":"`
	case index.before != "":
		f.action += `"_index":"` + index.before + `","_id":"`
	default:
		f.action += `"_id":"`
	}
	return f
}

type elasticsearch struct {
	framed
	index  index
	action string // the line before an event, up to the date or the id
}

// An index is the name of an index with a date in it.
type index struct {
	before, layout, after string

	// names caches the last name, if the layout changes at most once a day: most
	// records are of the same day.
	names *atomic.Pointer[dayName]
}

// A dayName is the name of the index for a day, counted from 1970 on.
type dayName struct {
	day  int64
	name string
}

const daySeconds = 24 * 60 * 60

// parseIndex reads ElasticsearchOptions.Index.
func parseIndex(s string) (index, error) {
	if s == "" {
		return index{}, nil
	}
	var x index
	var dated bool
	x.before, x.layout, dated = strings.Cut(s, "{")
	if dated {
		var closed bool
		x.layout, x.after, closed = strings.Cut(x.layout, "}")
		if !closed || x.layout == "" {
			return x, badOption("ElasticsearchOptions.Index", s, "a layout of package time in its braces")
		}
	}
	midnight := time.Date(2006, 1, 2, 0, 0, 0, 0, time.UTC)
	name := string(x.append(nil, midnight))
	if len(name) > 255 || strings.ContainsAny(name, `\/*?"<>|,#: {}`) || strings.ToLower(name) != name || !utf8.ValidString(name) ||
		strings.ContainsAny(name[:1], "-_+") || strings.Trim(name, ".") == "" || strings.ContainsFunc(name, func(r rune) bool { return r < ' ' }) {
		return x, badOption("ElasticsearchOptions.Index", s, `a name in lower case, without \/*?"<>|,#: and space, not beginning with -_+ and of at most 255 bytes`)
	}
	if string(x.append(nil, midnight.Add(22*time.Hour+33*time.Minute+44*time.Second+555_555_555))) == name {
		x.names = new(atomic.Pointer[dayName])
	}
	return x, nil
}

// append writes the name of the index for time t.
func (x *index) append(dst []byte, t time.Time) []byte {
	if x.names == nil || t.Unix() < 0 {
		return x.appendFormat(dst, t)
	}
	day := t.Unix() / daySeconds
	known := x.names.Load()
	if known == nil || known.day < day {
		known = &dayName{day, string(x.appendFormat(nil, t))}
		x.names.Store(known)
	}
	if known.day > day { // rare: not cached
		return x.appendFormat(dst, t)
	}
	return append(dst, known.name...)
}

func (x *index) appendFormat(dst []byte, t time.Time) []byte {
	dst = append(dst, x.before...)
	dst = t.UTC().AppendFormat(dst, x.layout)
	return append(dst, x.after...)
}

func (f *elasticsearch) AppendEvent(dst []byte, e *slogship.Event) []byte {
	dst = append(dst, f.action...)
	if f.index.layout != "" {
		dst = f.index.append(dst, timeOrObserved(e, RFC3339Nano))
		dst = append(dst, `","_id":"`...)
	}
	dst = append(dst, e.ID...)
	dst = append(dst, "\"}}\n"...)
	return f.event.append(dst, e)
}

// https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk
var bulkService = service{
	name:        "_bulk",
	path:        "Elasticsearch takes records at /_bulk, or at /INDEX/_bulk",
	credentials: `Elasticsearch wants Options.Header {"Authorization": {"ApiKey " + apiKey}}`,
}

// keepErrorAnObject adds a trailing underscore to the name of an attribute "error" that
// is not a group or an object, and of those named "error_", "error__" and so on. A
// document with error.message cannot have a text in error as well.
func keepErrorAnObject(e *slogship.Event) {
	for i := range e.Attrs {
		a := &e.Attrs[i]
		if a.Key == "" || a.Key[0] != 'e' { // most
			continue
		}
		switch rest, ok := strings.CutPrefix(a.Key, "error"); {
		case !ok || strings.Trim(rest, "_") != "", rest == "" && isObject(a.Value):
		case rest == "":
			a.Key = "error_" // allocates nothing
		default:
			a.Key += "_"
		}
	}
}

// isObject reports whether v is written as a JSON object.
func isObject(v slog.Value) bool {
	switch v.Kind() {
	case slog.KindGroup:
		return true
	case slog.KindAny:
		j, ok := v.Any().(*slogship.JSON)
		return ok && strings.HasPrefix(j.Text, "{")
	}
	return false
}

// A bulkAnswer is what _bulk says
// (https://www.elastic.co/docs/api/doc/elasticsearch/operation/operation-bulk).
type bulkAnswer struct {
	status int
	err    bulkError // of the whole request
	errors *bool     // always there
	listed bool      // there are items
	items  []bulkItem
}

// readBulk reads an answer to a request of some records. Of items, it reads one more
// than there are records.
func readBulk(body []byte, records int) (b bulkAnswer, err error) {
	r := answers.NewReader(body)
	err = r.Object(func(name string) error {
		switch name {
		case "status":
			return r.Value(&b.status)
		case "error":
			return r.Value(&b.err)
		case "errors":
			return r.Value(&b.errors)
		case "items":
			b.items = b.items[:0]
			listed, err := r.List(func() error {
				if len(b.items) > records {
					return errTooMany
				}
				var item struct {
					Create bulkItem `json:"create"`
					Index  bulkItem `json:"index"` // in the answers of some servers that imitate it
				}
				if err := r.Strict(&item); err != nil {
					return err
				}
				if item.Create.Status == 0 {
					item.Create = item.Index
				}
				if item.Create.Status/100 == 2 {
					item.Create.Error = "" // of no interest, and perhaps long
				}
				b.items = append(b.items, item.Create)
				return nil
			})
			b.listed = listed
			return err
		}
		return r.Skip()
	})
	return b, err
}

type bulkItem struct {
	Status int       `json:"status"`
	Error  bulkError `json:"error"`
}

// A bulkError is the text of an error, which is a string or an object with a
// type and a reason. It is empty if there is none.
type bulkError string

func (e *bulkError) UnmarshalJSON(b []byte) error {
	var text string
	var object struct {
		Type   string `json:"type"`
		Reason string `json:"reason"`
		Cause  struct {
			Reason string `json:"reason"`
		} `json:"caused_by"`
	}
	switch {
	case string(b) == "null" || string(b) == "false":
	case json.Unmarshal(b, &text) == nil:
		*e = bulkError(text)
	case json.Unmarshal(b, &object) == nil:
		var parts []string
		for _, part := range []string{object.Type, object.Reason, object.Cause.Reason} {
			if part != "" {
				parts = append(parts, part)
			}
		}
		*e = bulkError(strings.Join(parts, ": "))
	default:
		*e = bulkError(b)
	}
	return nil
}

func (*elasticsearch) ReadAnswer(a slogship.Answer) slogship.Verdict {
	if a.Status/100 != 2 || len(answers.Trim(a.Body)) == 0 {
		return bulkService.read(a)
	}
	answer, err := readBulk(a.Body, a.Records)
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return slogship.Verdict{Action: slogship.Isolate, Reason: "the answer is cut off"} // the answers to halves are shorter
	case err != nil && !errors.Is(err, errTooMany):
		return bulkService.foreign(a)
	case answer.err != "":
		return bulkService.advise(a, slogship.Verdict{Action: bulkAction(answer.status), Reason: string(answer.err)})
	case !answer.listed && answer.errors == nil:
		return bulkService.foreign(a)
	}
	failed := answer.errors == nil || *answer.errors
	switch {
	case !answer.listed && !failed:
		return slogship.Verdict{} // taken; a filter_path leaves items out
	case len(answer.items) != a.Records:
		// The server has silently dropped bad records, or, if there is no item, may
		// have read none. Sending a part of the records tells which.
		v := slogship.Verdict{Action: slogship.Isolate, Reason: "there is not one item for each record in the answer"}
		if len(answer.items) == 0 {
			v.Reason = "the answer has no item for any record: the server has perhaps read none"
			v.Hint = bulkService.path + "; a server that does not inflate gzip needs Compression: slogship.None"
		}
		return v
	}
	v := slogship.Verdict{Action: slogship.Accept, Outcomes: make([]slogship.Outcome, a.Records)}
	var why reasons
	setUp := true // each item shows a misconfiguration
	for i, item := range answer.items {
		outcome := outcomeOf(item.Status)
		if item.Status == http.StatusConflict || item.Status == 0 && !failed && item.Error == "" {
			outcome = slogship.Taken // it is there already; or a filter_path leaves the status out
		}
		if outcome != slogship.Taken {
			why.add(cmp.Or(string(item.Error), statusText(item.Status)))
		}
		setUp = setUp && isSetUp(item.Status)
		v.Outcomes[i] = outcome
	}
	v.Reason = why.String()
	if setUp {
		return slogship.Verdict{Action: slogship.Hold, Reason: v.Reason}
	}
	return v
}

// isSetUp reports whether a status is a misconfiguration, with which every record is
// refused.
func isSetUp(status int) bool {
	return status == http.StatusUnauthorized || status == http.StatusForbidden || status == http.StatusNotFound
}

// bulkAction is what an error means that is one of the whole request, with the
// status in the body, which may be 0.
func bulkAction(status int) slogship.Action {
	switch {
	case passes(status):
		return slogship.Retry
	case isSetUp(status):
		return slogship.Hold
	case status == http.StatusRequestEntityTooLarge:
		return slogship.TooLarge
	}
	return slogship.Isolate
}
