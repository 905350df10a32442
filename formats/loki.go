package formats

import (
	"cmp"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/jsontext"
)

// LokiOptions are the options of [Loki]. The zero value is usable.
type LokiOptions struct {
	// Labels are the labels of the stream of all records, such as service_name and
	// environment. Each label should have few different values. If empty, there is the
	// label service_name with the program's name, because Loki refuses a stream without
	// labels. It is an error if a name has other characters than letters, digits and
	// underscores, or begins with a digit or with "__".
	Labels map[string]string

	// LabelAttrs are the attributes that become labels instead of structured metadata,
	// by their names in Loki: user_name. Each different value makes a new stream, and
	// Loki is slow with many streams. If empty, no attribute becomes a label. It is an
	// error if a name is also in Labels.
	LabelAttrs []string

	// LevelLabel, if not empty, makes the level a label of this name, such as
	// "level". If empty, the level is structured metadata.
	LevelLabel string

	// Level is the name of the level in structured metadata; "-" leaves it out. If
	// empty, "detected_level", which Grafana shows. Without this name, Loki would guess
	// a level from words in the line.
	Level string

	// ID is the name of the event id in structured metadata; "-" leaves it out. If
	// empty, "event_id". Of entries with the same time, line and metadata, Loki keeps
	// one. Because of the id, a record that is sent twice is stored once, and two
	// different records are stored as two.
	ID string

	// Tenant is sent as X-Scope-OrgID. If empty, it is not sent; a Loki with
	// auth_enabled then answers 401. It must be valid for Loki: at most 150
	// letters, digits and !-_.*'().
	Tenant string
}

// Loki is for Grafana Loki's own endpoint, http://loki:3100/loki/api/v1/push. It
// needs version 3 or later, in which structured metadata is enabled by default.
//
//	{"streams":[{"stream":{"service_name":"shop"},"values":[
//	["1772371815123456789","order placed",{"detected_level":"info","order_id":"17","user_name":"ada"}],
//	...]}]}
//
// The message is the line, which may be empty. Attributes become structured metadata:
// strings unchanged, other values as [slog.JSONHandler] writes them. The name of an
// attribute in a group is the names of both, joined by an underscore: user_name. The
// source becomes source_function, source_file and source_line.
//
// Names are changed as Loki changes them. Each run of bytes other than letters, digits
// and underscores becomes one underscore: "http.status code" becomes
// "http_status_code". A name that begins with a digit gets the prefix "key_". A name
// without any letter, digit or underscore would make Loki refuse the whole request; it
// becomes "key" and its characters in hexadecimal. If two names become the same, the
// last attribute is kept. A name that the format itself uses, such as that of the
// level, gets a trailing underscore.
//
// Loki requires a time. A record without one gets the time at which it was logged. So
// does a record whose time does not fit into an int64 of nanoseconds; its own time is
// then the metadata "time_text".
//
// A line has at most 256 KiB, and the metadata of a record at most 128 names and 64
// KiB. Metadata above a limit is shortened like a record above
// [slogship.Options.MaxRecordBytes]: long values are shortened first, then the last
// values are left out. The record then has "_cut", and is counted in Stats.Cut.
//
// With [LokiOptions.LabelAttrs] or [LokiOptions.LevelLabel], each record is sent as a
// stream of its own, and Loki joins those with the same labels. This makes Loki slower.
// It also hides errors: Loki's answer is about the last stream of a request only, so
// that entries refused in an earlier stream are lost although it answers 204.
//
// If entries are too old, too new or too long, Loki stores the others and answers 400.
// Nothing is sent again, and as many records as the answer says are counted in
// [slogship.Dropped.Rejected]. If Loki refuses the labels, or ingestion is blocked,
// nothing is stored: that is a misconfiguration, and the records are kept. After a 429
// all records are sent again; Loki recognises those that it has already stored.
func Loki(o LokiOptions) slogship.Format {
	o.Labels, o.LabelAttrs = maps.Clone(o.Labels), slices.Clone(o.LabelAttrs)
	if len(o.Labels) == 0 {
		o.Labels = map[string]string{"service_name": programName()}
	}
	o.Level, o.ID = cmp.Or(o.Level, "detected_level"), cmp.Or(o.ID, "event_id")
	if err := o.check(); err != nil {
		return unusable{err}
	}
	return newLoki(o)
}

// Loki's defaults, from its configuration reference (limits_config).
const (
	maxLokiLine       = 256 << 10 // max_line_size
	maxLokiMetadata   = 64 << 10  // max_structured_metadata_size, names and values
	maxLokiEntries    = 128       // max_structured_metadata_entries_count
	maxLokiLabelValue = 2048      // max_label_value_length
	maxLokiTenant     = 150

	// maxLokiBytes keeps a body below gRPC's limit between Loki's parts
	// (server.grpc_server_max_recv_msg_size), which the entries of a request
	// have to pass together.
	maxLokiBytes = 4 << 20
)

// loki is the Format. Events are entries of the one stream
//
//	["<nanoseconds>","<line>",{<metadata>}]
//
// or, where a record has labels of its own, streams
//
//	{"values":[["<nanoseconds>","<line>",{<metadata>}]],"stream":{<labels>}}
type loki struct {
	options  LokiOptions
	labels   string // the static ones, members of a JSON object
	streams  bool   // events are streams
	reserved lokiNameSet

	level, labelLevel, id string // members, up to their values; "" for none
}

func newLoki(o LokiOptions) *loki {
	f := &loki{
		options: o,
		streams: o.LevelLabel != "" || len(o.LabelAttrs) > 0,
	}
	f.reserved.add("source_function", "source_file", "source_line")
	for _, name := range slices.Sorted(maps.Keys(o.Labels)) {
		if f.labels != "" {
			f.labels += ","
		}
		f.labels += quoteKey(name) + quote(o.Labels[name])
	}
	switch {
	case o.LevelLabel != "":
		f.labelLevel = quoteKey(o.LevelLabel)
	case o.Level != omit:
		f.level = quoteKey(o.Level)
		f.reserved.add(o.Level)
	}
	if o.ID != omit {
		f.id = quoteKey(o.ID)
		f.reserved.add(o.ID)
	}
	return f
}

// lokiName returns the name of an attribute in Loki.
func lokiName(key string) string {
	return string(appendLokiName(nil, nil, key))
}

// check returns what is wrong with o.
func (o LokiOptions) check() error {
	const rule = "letters, digits and underscores, beginning neither with a digit nor with two underscores"
	for _, name := range slices.Sorted(maps.Keys(o.Labels)) {
		field := fmt.Sprintf("LokiOptions.Labels[%q]", name)
		switch n := len(o.Labels[name]); {
		case !isLokiLabel(name):
			return badOption("a name in LokiOptions.Labels", name, rule)
		case n == 0:
			return badOption(field, "", "a value: Loki leaves a label out that has none")
		case n > maxLokiLabelValue:
			return badOption("the length of "+field, n, fmt.Sprintf("<= %d", maxLokiLabelValue))
		}
	}
	settings := []setting{{"LokiOptions.LevelLabel", o.LevelLabel}, {"LokiOptions.Level", o.Level}, {"LokiOptions.ID", o.ID}}
	for i, name := range o.LabelAttrs {
		settings = append(settings, setting{fmt.Sprintf("LokiOptions.LabelAttrs[%d]", i), name})
		if name == "" {
			return badOption(settings[len(settings)-1].field, name, "a name")
		}
	}
	for _, s := range settings {
		if s.name != "" && s.name != omit && !isLokiName(s.name) {
			return badOption(s.field, s.name, "a name as Loki has it, such as "+strconv.Quote(lokiName(s.name)))
		}
		if _, ok := o.Labels[s.name]; ok {
			return badOption(s.field, s.name, "a name that LokiOptions.Labels does not have")
		}
	}
	if err := checkNames(settings...); err != nil {
		return err
	}
	return checkTenant(o.Tenant)
}

// checkTenant returns what Loki has against a tenant (ValidTenantID in
// grafana/dskit).
func checkTenant(tenant string) error {
	for i := range len(tenant) {
		if c := tenant[i]; lokiNameBytes[c] < nameDigit && strings.IndexByte("!-_.*'()", c) < 0 {
			return badOption("LokiOptions.Tenant", tenant, "letters, digits and !-_.*'() only")
		}
	}
	if len(tenant) > maxLokiTenant || tenant == "." || tenant == ".." {
		return badOption("LokiOptions.Tenant", tenant, fmt.Sprintf("at most %d bytes, and neither . nor ..", maxLokiTenant))
	}
	return nil
}

func (f *loki) Layout() slogship.Layout {
	l := slogship.Layout{
		ContentType:    "application/json",
		Head:           `{"streams":[{"stream":{` + f.labels + `},"values":[`,
		Separator:      ",",
		Tail:           "]}]}",
		MaxBytes:       maxLokiBytes,
		MaxRecordBytes: maxLokiLine,
		AnswerBytes:    256, // a refusal each
	}
	if f.streams {
		l.Head, l.Tail = `{"streams":[`, "]}"
	}
	if f.options.Tenant != "" {
		l.Header = http.Header{"X-Scope-Orgid": {f.options.Tenant}}
	}
	return l
}

func (f *loki) AppendEvent(dst []byte, e *slogship.Event) []byte {
	if given(e.LevelValue) { // it may be a label
		text := textOf(e.LevelValue)
		e.Cut = e.Cut || len(text) > maxLokiLabelValue
		e.LevelValue = slog.StringValue(jsontext.ShortenString(validUTF8(text), maxLokiLabelValue))
	}
	if !f.streams {
		if out, ok := f.appendPlainEntry(dst, e); ok {
			return out
		}
	}
	m := lokiMetadataPool.Get().(*lokiMetadata)
	if f.streams {
		dst = f.appendStream(dst, e, m)
	} else {
		dst = f.appendEntry(dst, e, m)
	}
	m.release()
	return dst
}

// appendStream appends an entry in a stream of its own.
func (f *loki) appendStream(dst []byte, e *slogship.Event, m *lokiMetadata) []byte {
	dst = append(dst, `{"values":[`...)
	dst = f.appendEntry(dst, e, m)
	dst = append(dst, `],"stream":{`...)
	dst = append(dst, f.labels...)
	if f.labelLevel != "" && hasLevel(e) {
		dst = append(appendComma(dst), f.labelLevel...)
		dst = appendLokiLevel(dst, e)
	}
	if len(m.labels) > 0 {
		dst = append(appendComma(dst), m.labels...)
	}
	return append(dst, '}', '}')
}

// appendLokiLine appends an entry up to its metadata.
func appendLokiLine(dst []byte, at time.Time, line string) []byte {
	dst = slogship.AppendInt(append(dst, `["`...), at.UnixNano())
	dst = slogship.AppendString(append(dst, `",`...), line)
	return append(dst, `,{`...)
}

// appendOwn appends the metadata that is the format's own, and returns how many
// fields that are.
func (f *loki) appendOwn(dst []byte, e *slogship.Event) (out []byte, fields int) {
	if f.level != "" && hasLevel(e) {
		dst = appendLokiLevel(append(dst, f.level...), e)
		fields++
	}
	if f.id != "" {
		dst = append(append(appendComma(dst), f.id...), '"')
		dst = append(append(dst, e.ID...), '"')
		fields++
	}
	return dst, fields
}

// appendEntry appends an entry; one without metadata has no object.
func (f *loki) appendEntry(dst []byte, e *slogship.Event, m *lokiMetadata) []byte {
	at, isTime := timeIn(e, UnixNano)
	if !isTime {
		at = e.Observed
	}
	dst = appendLokiLine(dst, at, messageOf(e))
	begin := len(dst)
	dst, fields := f.appendOwn(dst, e)
	own := len(dst)
	size := own - begin - fields*len(`"":"",`) + min(fields, 1) // of names and values

	sourceName, source := lokiSource(e)
	timeless := lokiTimeText(e, isTime)
	m.group = append(m.group, sourceName...)
	dst = m.write(dst, source, 0, nil, nil)
	m.group = m.group[:0]
	dst = m.write(dst, timeless, 0, nil, nil)
	dst = m.write(dst, e.Attrs, 0, &f.reserved, f.options.LabelAttrs)
	// JSON is never shorter than what it stands for.
	if m.doubled || fields+len(m.names) > maxLokiEntries || len(dst)-begin > maxLokiMetadata {
		var l lokiList
		l.add(source, []byte(sourceName), nil)
		l.add(timeless, nil, nil)
		l.add(e.Attrs, nil, &f.reserved)
		l.unique()
		m.labels = l.take(m.labels[:0], f.options.LabelAttrs)
		if l.fit(fields, size) {
			e.Cut = true
		}
		dst = dst[:own]
		for _, f := range l {
			dst = f.append(dst)
		}
	}
	if len(dst) == begin {
		return append(dst[:begin-len(`,{`)], ']')
	}
	return append(dst, '}', ']')
}

// lokiSource is the source of e as attributes, and the prefix of their names.
func lokiSource(e *slogship.Event) (prefix string, attrs []slog.Attr) {
	if given(e.SourceValue) {
		return "", []slog.Attr{{Key: slog.SourceKey, Value: e.SourceValue}}
	}
	return "source_", e.Source
}

// lokiTimeText is a time that cannot be the entry's, as an attribute.
func lokiTimeText(e *slogship.Event, isTime bool) []slog.Attr {
	if !isTime {
		if text, ok := timeText(e); ok {
			return []slog.Attr{slog.String(timeTextKey, text)}
		}
	}
	return nil
}

func appendLokiLevel(dst []byte, e *slogship.Event) []byte {
	if given(e.LevelValue) {
		return appendText(dst, e.LevelValue)
	}
	return slogship.AppendLevel(dst, e.Level, true)
}

func (f *loki) ReadAnswer(a slogship.Answer) slogship.Verdict {
	if v := lokiRefusal(string(a.Body), a, !f.streams); v.Action != slogship.ByStatus {
		return v
	}
	return lokiService.read(a)
}
