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
		f.labels += string(slogship.AppendString(nil, name)) + ":" + string(slogship.AppendString(nil, o.Labels[name]))
	}
	switch {
	case o.LevelLabel != "":
		f.labelLevel = `,"` + o.LevelLabel + `":`
	case o.Level != omit:
		f.level = `"` + o.Level + `":`
		f.reserved.add(o.Level)
	}
	if o.ID != omit {
		f.id = `"` + o.ID + `":"`
		f.reserved.add(o.ID)
	}
	return f
}

// lokiName is what becomes of the name of an attribute.
func lokiName(key string) string {
	name, _ := appendLokiName(nil, nil, key)
	return string(name)
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
		Attrs: &slogship.AttrEncoding{
			Separator: ",",
			AppendAttr: func(dst []byte, groups []string, key string, v slog.Value) []byte {
				return appendLokiValue(appendMetadata(dst, groups, key, &f.reserved), v)
			},
			AppendJSON: func(dst []byte, groups []string, key string, text []byte) []byte {
				return appendLokiText(appendMetadata(dst, groups, key, &f.reserved), text)
			},
			BeginGroup: func(dst []byte, _ []string, _ string) []byte { return dst },
			EndGroup:   func(dst []byte, _ []string, _ string, _ int) []byte { return dst },
		},
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
	if most := maxLokiLabelValue - len(lokiCutMark); len(e.LevelText) > most { // ReplaceAttr made it that
		e.LevelText = strings.ToValidUTF8(e.LevelText[:most], "") + lokiCutMark
		e.NoteCut()
	}
	if f.streams {
		return f.appendStream(dst, e)
	}
	dst, metadata := f.appendEntry(dst, e)
	return endEntry(dst, metadata)
}

// appendEntry appends an entry up to the last of its metadata, which begins at
// metadata.
func (f *loki) appendEntry(dst []byte, e *slogship.Event) (out []byte, metadata int) {
	at, timeText := lokiTime(e)
	dst = append(dst, '[', '"')
	dst = slogship.AppendInt(dst, at)
	dst = append(dst, '"', ',')
	if e.HasMessage {
		dst = e.AppendMessage(dst)
	} else {
		dst = append(dst, '"', '"')
	}
	dst = append(dst, ',', '{')
	metadata = len(dst)
	if e.HasLevel && f.level != "" {
		dst = append(dst, f.level...)
		dst = e.AppendLevel(dst, true)
	}
	if f.id != "" { // from here on it must stay where it is
		dst = append(appendComma(dst), f.id...)
		dst = append(e.AppendID(dst), '"')
	}
	own := len(dst)
	if e.HasSource {
		dst = appendLokiSource(dst, e)
	}
	if timeText != "" {
		dst = append(appendComma(dst), `"`+timeTextKey+`":`...)
		dst = slogship.AppendString(dst, timeText)
	}
	dst = e.AppendAttrs(dst)
	dst, marked := unmark(dst, metadata)
	if marked || timeText != "" || e.Repeats() {
		dst = dropOverruled(dst, metadata, 1, nextMetadata)
	}
	return fitMetadata(dst, metadata, own, e), metadata
}

// endEntry appends the end of an entry; one without metadata has no object.
func endEntry(dst []byte, metadata int) []byte {
	if len(dst) == metadata {
		return append(dst[:metadata-len(`,{`)], ']')
	}
	return append(dst, '}', ']')
}

// appendStream appends an entry in a stream of its own.
func (f *loki) appendStream(dst []byte, e *slogship.Event) []byte {
	dst = append(dst, `{"values":[`...)
	dst, metadata := f.appendEntry(dst, e)
	var scratch [256]byte
	own := scratch[:0]
	if len(f.options.LabelAttrs) > 0 {
		dst, own = f.takeLabels(dst, metadata, own)
	}
	dst = endEntry(dst, metadata)
	dst = append(dst, `],"stream":{`...)
	dst = append(dst, f.labels...)
	if e.HasLevel && f.labelLevel != "" {
		dst = append(dst, f.labelLevel...)
		dst = e.AppendLevel(dst, true)
	}
	dst = append(dst, own...)
	return append(dst, '}', '}')
}

// takeLabels takes the members of dst[from:] that are to be labels out, and
// appends them, each with a comma before it, to labels. An empty value, which is
// no label in Loki, stays where it is, and so does one that is too long for one.
func (f *loki) takeLabels(dst []byte, from int, labels []byte) (rest, all []byte) {
	for i := from; i < len(dst); {
		m := nextMetadata(dst, i)
		i = m.to + 1
		value := m.to - m.keyEnd - len(`":""`)
		if value == 0 || value > maxLokiLabelValue || !slices.Contains(f.options.LabelAttrs, string(dst[m.key:m.keyEnd])) {
			continue
		}
		labels = append(append(labels, ','), dst[m.from:m.to]...)
		begin, end := m.from, m.to
		if begin > from {
			begin-- // with the comma before it
		} else if end < len(dst) {
			end++ // or behind it
		}
		dst = append(dst[:begin], dst[end:]...)
		i = max(begin, from)
		if i > from {
			i++ // over the comma before the next one
		}
	}
	return dst, labels
}

func (f *loki) ReadAnswer(a slogship.Answer) slogship.Verdict {
	if v := lokiRefusal(string(a.Body), a, !f.streams); v.Action != slogship.ByStatus {
		return v
	}
	return lokiService.read(a)
}

// lokiTime is the time of an entry, and what the record's own time was if that
// cannot be it.
func lokiTime(e *slogship.Event) (at int64, text string) {
	if hasTime(e, UnixNano) {
		return e.Time.UnixNano(), ""
	}
	return time.Now().UnixNano(), textOfTime(e)
}

// sourceGroups is the group that the source stands in.
var sourceGroups = []string{slog.SourceKey}

// appendLokiSource appends the members of the source as metadata.
func appendLokiSource(dst []byte, e *slogship.Event) []byte {
	at := len(dst)
	dst = e.AppendSource(append(dst, '{'))
	end := len(dst)
	if at > 0 && dst[at-1] == '{' {
		dst = append(dst, '{') // the first one has no comma
	} else {
		dst = append(dst, '}')
	}
	for i := at + 1; ; {
		m, ok := nextMember(dst[:end], i)
		if !ok {
			return append(dst[:at], dst[end+1:]...) // the members go, the metadata stays
		}
		i = m.end
		groups, name := sourceName(dst[m.key:m.colon])
		dst = appendMetadata(dst, groups, name, nil)
		dst = appendLokiText(dst, dst[m.colon+1:m.end])
	}
}

// sourceName is the name of a member of the source, whose key is given with its
// quotes, and the groups that it stands in.
func sourceName(quoted []byte) (groups []string, name string) {
	switch string(quoted) {
	case `"function"`:
		return sourceGroups, "function"
	case `"file"`:
		return sourceGroups, "file"
	case `"line"`:
		return sourceGroups, "line"
	case `"` + slog.SourceKey + `"`: // all that ReplaceAttr has left of it
		return nil, slog.SourceKey
	}
	return sourceGroups, string(appendUnquoted(nil, quoted))
}
