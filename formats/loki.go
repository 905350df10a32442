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

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/jsontext"
)

// LokiOptions are the options of Loki. The zero value can be used.
type LokiOptions struct {
	// Labels are the labels of the stream that records go to: where they come
	// from, with few values each. If empty, service_name is the program's name;
	// Loki refuses a stream without labels. A name that is not letters, digits
	// and underscores, or begins with a digit or with "__", is an error of New.
	Labels map[string]string

	// LabelAttrs names attributes, as they are called in Loki, that become
	// labels instead of structured metadata, where a record has them. Each of
	// their values makes a stream, and Loki is slow with many. No attribute is
	// a label that is not named here. It is an error if one is in Labels too.
	LabelAttrs []string

	// LevelLabel makes the level a label of this name, "level" say. If "", it
	// is structured metadata.
	LevelLabel string

	// Level is the name of the level in structured metadata; "-" leaves it out.
	// If "", "detected_level", which Grafana shows, and which Loki would
	// otherwise make up from words in the line.
	Level string

	// ID is the name of the event's id in structured metadata; "-" leaves it
	// out. If "", "event_id". Of entries with equal time, line and metadata
	// Loki keeps one: the id keeps apart two records that are equal otherwise,
	// and not one that was sent twice.
	ID string

	// Tenant is sent as X-Scope-OrgID. If "", it is not sent; a Loki with
	// auth_enabled then answers 401. It is an error if Loki does not allow it:
	// at most 150 letters, digits and !-_.*'().
	Tenant string
}

// Loki is for Grafana Loki's own endpoint, http://loki:3100/loki/api/v1/push, of
// version 3 and later, where structured metadata is on.
//
//	{"streams":[{"stream":{"service_name":"shop"},"values":[
//	["1772371815123456789","order placed",{"detected_level":"info","order_id":"17","user_name":"ada"}],
//	...]}]}
//
// The message is the line, empty if there is none. Attributes are structured
// metadata: a string as it is, anything else as slog.JSONHandler would write it.
// The names of groups are joined to those of attributes with an underscore, and
// the source is source_function, source_file and source_line.
//
// Names are what Loki makes of them: each run of other bytes than letters,
// digits and underscores becomes one underscore, and one that begins with a
// digit gets "key_" in front. A name of which nothing is left, which would have
// Loki refuse the whole request, is "key" and its characters in hexadecimal.
// Names that become equal are equal keys: the last wins. One that the format
// writes itself, that of the level for instance, gets a trailing underscore.
//
// Loki takes no entry without a time: a record that has none, or one that does
// not fit into int64 nanoseconds, gets the time at which it was logged, and
// what its time was in the metadata "time_text".
//
// Loki's limits are kept: 256 KiB a line, and 128 names and 64 KiB of metadata.
// Metadata beyond them is cut as a record beyond Options.MaxRecordBytes is:
// long values are shortened, then the last ones left out, "_cut" says so, and
// the record is counted in Stats.Cut.
//
// With LabelAttrs or LevelLabel each record is sent as a stream of its own, for
// Loki to join those of equal labels. That costs Loki more, and an ingester's
// answer is that for the last of a request's streams: where it refuses entries
// of an earlier one, or a stream too many, Loki answers 204, and they are lost
// without a word.
//
// Loki's 400 for entries that are too old, too new or too long comes after it
// has stored the others: nothing is sent again, and as many records as it names
// are counted in Stats.Dropped.Rejected. Where its labels are what Loki refuses,
// and where ingestion is blocked, nothing is stored, and the records are kept
// and tried again as after a 401. On 429 all are sent again; what Loki did store
// it recognizes.
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

// lokiName is what becomes of the name of an attribute.
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

// appendEntry appends an entry; one without metadata has no object.
func (f *loki) appendEntry(dst []byte, e *slogship.Event, m *lokiMetadata) []byte {
	at, isTime := timeIn(e, UnixNano)
	if !isTime {
		at = e.Observed
	}
	dst = append(dst, '[', '"')
	dst = slogship.AppendInt(dst, at.UnixNano())
	dst = append(dst, '"', ',')
	dst = slogship.AppendString(dst, messageOf(e))
	dst = append(dst, ',', '{')
	begin, fields := len(dst), 0
	if f.level != "" && hasLevel(e) {
		dst = appendLokiLevel(append(dst, f.level...), e)
		fields++
	}
	if f.id != "" {
		dst = append(append(appendComma(dst), f.id...), '"')
		dst = append(append(dst, e.ID...), '"')
		fields++
	}
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
