package integration

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
	"github.com/slogship/slogship/integration/server"
)

// shipped ships the records to url, and returns them.
func shipped(t *testing.T, url string, f slogship.Format) []logged {
	t.Helper()
	h := newHandler(t, url, slogship.Options{Format: f, AddSource: true})
	records := makeRecords(time.Now())
	for _, l := range records {
		l.to(h)
	}
	flush(t, h)
	wantStats(t, h, len(records), slogship.Dropped{})
	if s := h.Stats(); s.Cut != 0 || s.Retries != 0 {
		t.Errorf("%d cut, %d retries, want none", s.Cut, s.Retries)
	}
	return records
}

// compare calls check with each record, and reports the first differences.
func compare(t *testing.T, records []logged, check func(l logged) error) {
	t.Helper()
	mistakes := 0
	for _, l := range records {
		if err := check(l); err != nil {
			if mistakes++; mistakes <= 10 {
				t.Errorf("record %d, %.60q: %v", l.n, l.record.Message, err)
			}
		}
	}
	if mistakes > 10 {
		t.Errorf("%d records differ", mistakes)
	}
}

// severity is the number that OpenTelemetry gives a level.
func severity(l slog.Level) int { return min(max(int(l)+9, 1), 24) }

// differ is an error if got is not want.
func differ[T comparable](what string, got, want T) error {
	if got == want {
		return nil
	}
	return fmt.Errorf("%s: %s", what, short(got, want))
}

// differMetadata is an error if got is not what Loki makes of want: it leaves
// out what is empty, and has a space where there was U+FFFD.
func differMetadata(got, want map[string]string) error {
	kept := map[string]string{}
	for k, v := range want {
		if v != "" {
			kept[k] = strings.ReplaceAll(v, "\ufffd", " ")
		}
	}
	return differMaps("metadata", got, kept)
}

// differMaps is an error if got is not want.
func differMaps(what string, got, want map[string]string) error {
	for _, k := range slices.Sorted(maps.Keys(want)) {
		g, ok := got[k]
		if !ok {
			return fmt.Errorf("%s has no %q, want %.200q; the others: %.1000v", what, k, want[k], got)
		}
		if err := differ(what+" "+k, g, want[k]); err != nil {
			return err
		}
	}
	for k := range got {
		if _, ok := want[k]; !ok {
			return fmt.Errorf("%s has %q: %.200q", what, k, got[k])
		}
	}
	return nil
}

// The 10,000 records arrive in Loki, by its own protocol, each with its line,
// its time to the nanosecond, its attributes as text, and its labels.
func TestSameRecordsInLoki(t *testing.T) {
	for _, c := range []struct {
		name    string
		options formats.LokiOptions
	}{
		{"one stream", formats.LokiOptions{Labels: map[string]string{"app": "same", "env": "test"}}},
		{"streams", formats.LokiOptions{Labels: map[string]string{"app": "same"}, LabelAttrs: []string{"user", "service"}, LevelLabel: "level"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			l := loki(t)
			c.options.Tenant = "same-" + strings.ReplaceAll(c.name, " ", "-")
			records := shipped(t, l.Push(), formats.Loki(c.options))
			entries := lokiEntries(t, l, c.options.Tenant, `{app="same"}`)
			byNumber := wantEach(t, records, entries, func(e server.Entry) string { return cmp.Or(e.Metadata["n"], e.Labels["n"]) })
			wantTimesAscend(t, entries)
			ids := make([]string, len(records))
			compare(t, records, func(r logged) error {
				e := byNumber[r.n]
				ids[r.n] = e.Metadata["event_id"]
				want := lokiMetadata(r, c.options.LevelLabel == "")
				want["event_id"] = ids[r.n]
				delete(e.Labels, "__stream_shard__") // of a fast stream Loki makes several
				labels := maps.Clone(c.options.Labels)
				if c.options.LevelLabel != "" {
					labels[c.options.LevelLabel] = strings.ToLower(r.record.Level.String())
				}
				for _, name := range c.options.LabelAttrs {
					if v, ok := want[name]; ok && v != "" {
						labels[name] = v
						delete(want, name)
					}
				}
				for name := range labels {
					if v, ok := want[name]; ok { // Loki's way to tell it from the label
						want[name+"_extracted"] = v
						delete(want, name)
					}
				}
				if want["detected_level"] == "" {
					delete(e.Metadata, "detected_level") // Loki's own guess
				}
				return cmp.Or(
					differ("time", e.Time, r.record.Time.UnixNano()),
					differ("line", e.Line, valid(r.record.Message)),
					differMaps("labels", e.Labels, labels),
					differMetadata(e.Metadata, want),
				)
			})
			wantIDs(t, ids)
		})
	}
}

// lokiMetadata is what formats.Loki promises of a record, but for its id.
func lokiMetadata(r logged, level bool) map[string]string {
	m := map[string]string{}
	if level {
		m["detected_level"] = strings.ToLower(r.record.Level.String())
	}
	if f := r.frame(); f.PC != 0 {
		m["source_function"], m["source_file"], m["source_line"] = f.Function, f.File, strconv.Itoa(f.Line)
	}
	reserved := []string{"event_id", "source_function", "source_file", "source_line"}
	if level {
		reserved = append(reserved, "detected_level")
	}
	var add func(groups []string, attrs []slog.Attr)
	add = func(groups []string, attrs []slog.Attr) {
		for _, a := range attrs {
			path := append(slices.Clone(groups), a.Key)
			if a.Value.Kind() == slog.KindGroup {
				add(path, a.Value.Group())
				continue
			}
			name := lokiNormal(strings.Join(path, "_"))
			if slices.Contains(reserved, name) {
				name += "_"
			}
			text := jsonOf(a.Value)
			var s string
			if json.Unmarshal([]byte(text), &s) == nil && text != "null" {
				text = s
			}
			m[name] = text
		}
	}
	add(nil, r.attrs())
	return m
}

func lokiEntries(t *testing.T, l *server.Loki, tenant, selector string) []server.Entry {
	t.Helper()
	entries, err := l.Entries(tenant, selector, time.Now().Add(-time.Hour), time.Now().Add(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func wantTimesAscend(t *testing.T, entries []server.Entry) {
	t.Helper()
	if !slices.IsSortedFunc(entries, func(a, b server.Entry) int { return cmp.Compare(a.Time, b.Time) }) {
		t.Error("the entries are not in the order of their times")
	}
}

// wantEach checks that each record is there once, and returns what is there by
// the records' numbers.
func wantEach[E any](t *testing.T, records []logged, all []E, number func(E) string) []E {
	t.Helper()
	if len(all) != len(records) {
		t.Errorf("%d records are there, want %d", len(all), len(records))
	}
	byNumber, times := make([]E, len(records)), make([]int, len(records))
	for _, e := range all {
		n, err := strconv.Atoi(number(e))
		if err != nil || n < 0 || n >= len(records) {
			t.Fatalf("there is a record with the number %q", number(e))
		}
		byNumber[n] = e
		times[n]++
	}
	for n := range times {
		if times[n] != 1 {
			t.Fatalf("record %d is there %d times", n, times[n])
		}
	}
	return byNumber
}

// encodings are the two of OTLP.
var encodings = []struct {
	name     string
	encoding formats.OTLPEncoding
}{{"protobuf", formats.OTLPProtobuf}, {"json", formats.OTLPJSON}}

// The 10,000 records arrive in the Collector, in order, each with its time to
// the nanosecond, its attributes with their kinds, its resource and its scope.
func TestSameRecordsInCollector(t *testing.T) {
	for _, c := range encodings {
		t.Run(c.name, func(t *testing.T) {
			col := collector(t)
			scope := "same-" + c.name
			resource := []slog.Attr{
				slog.String("service.name", "shop"), slog.Int("weight", 7), slog.Group("host", "name", "h1", "cpus", 2), slog.Any("tags", []string{"a", "b"}),
			}
			before := time.Now()
			records := shipped(t, col.Logs(), formats.OTLP(formats.OTLPOptions{Encoding: c.encoding, Resource: resource, ScopeName: scope}))
			got := collectedRecords(t, col, scope, len(records))
			byNumber := wantEach(t, records, got, func(r server.LogRecord) string { return otlpNumber(r.Attributes) })
			for i := range min(len(got), len(records)) {
				if n := otlpNumber(got[i].Attributes); n != strconv.Itoa(i) {
					t.Fatalf("record %s arrived as number %d", n, i)
				}
			}
			ids := make([]string, len(records))
			compare(t, records, func(l logged) error {
				r := byNumber[l.n]
				attrs, err := collectedAttrs(r.Attributes)
				if err != nil {
					return err
				}
				gotResource, err := collectedAttrs(r.Resource)
				if err != nil {
					return err
				}
				ids[l.n], _ = attrs["log.record.uid"].(string)
				want, traceID, spanID := otlpRecord(l)
				want["log.record.uid"] = ids[l.n]
				body, err := collected(r.Body)
				if err != nil {
					return err
				}
				observed, _ := strconv.ParseInt(r.ObservedTimeUnixNano, 10, 64)
				if observed < before.UnixNano() || observed > time.Now().UnixNano() {
					err = fmt.Errorf("observed at %v", time.Unix(0, observed))
				}
				if d := difference("attributes", attrs, want); d != "" {
					err = fmt.Errorf("%s", d)
				}
				if d := difference("resource", gotResource, otlpAttrs(resource)); d != "" {
					err = fmt.Errorf("%s", d)
				}
				return cmp.Or(err,
					differ("time", r.TimeUnixNano, strconv.FormatInt(l.record.Time.UnixNano(), 10)),
					differ("body", body, any(valid(l.record.Message))),
					differ("severity text", r.SeverityText, l.record.Level.String()),
					differ("severity", r.SeverityNumber, severity(l.record.Level)),
					differ("trace id", r.TraceID, traceID),
					differ("span id", r.SpanID, spanID),
				)
			})
			wantIDs(t, ids)
		})
	}
}

var (
	traceID = regexp.MustCompile(`^[0-9a-f]{32}$`)
	spanID  = regexp.MustCompile(`^[0-9a-f]{16}$`)
	zeros   = regexp.MustCompile(`^0*$`)
)

// otlpRecord is what formats.OTLP promises of the attributes of a record, but
// for its id, and of what becomes fields.
func otlpRecord(l logged) (attrs map[string]any, trace, span string) {
	attrs = otlpAttrs(l.attrs())
	take := func(key string, form *regexp.Regexp) string {
		id, _ := attrs[key].(string)
		if !form.MatchString(id) || zeros.MatchString(id) {
			return ""
		}
		delete(attrs, key)
		return id
	}
	trace, span = take("trace_id", traceID), take("span_id", spanID)
	if v, ok := attrs["log.record.uid"]; ok {
		attrs["log.record.uid_"] = v
	}
	for _, a := range l.attrs() { // the first error is there under OpenTelemetry's names, too
		if err, ok := a.Value.Any().(error); ok {
			attrs["exception.type"], attrs["exception.message"] = fmt.Sprintf("%T", err), err.Error()
			break
		}
	}
	if f := l.frame(); f.PC != 0 {
		attrs["code.function.name"], attrs["code.file.path"], attrs["code.line.number"] = f.Function, f.File, int64(f.Line)
	}
	return attrs, trace, span
}

// otlpNumber is the attribute n.
func otlpNumber(attrs []server.KeyValue) string {
	for _, a := range attrs {
		if a.Key == "n" && a.Value.IntValue != nil {
			return a.Value.IntValue.String()
		}
	}
	return ""
}

// collectedRecords waits until the Collector has written at least n records of a
// scope, and returns them.
func collectedRecords(t *testing.T, col *server.Collector, scope string, n int) (records []server.LogRecord) {
	t.Helper()
	eventually(t, fmt.Sprintf("%d records are written", n), func() bool {
		all, err := col.Records()
		if err != nil {
			t.Fatal(err)
		}
		records = slices.DeleteFunc(all, func(r server.LogRecord) bool { return r.ScopeName != scope })
		return len(records) >= n
	})
	return records
}

// The 10,000 records arrive in Loki by OTLP too, as Loki understands them.
func TestSameRecordsInLokiByOTLP(t *testing.T) {
	for _, c := range encodings {
		t.Run(c.name, func(t *testing.T) {
			l := loki(t)
			tenant := "same-otlp-" + c.name
			before := time.Now()
			records := shippedByOTLP(t, l, tenant, c.encoding)
			entries := lokiEntries(t, l, tenant, `{service_name="shop"}`)
			byNumber := wantEach(t, records, entries, func(e server.Entry) string { return e.Metadata["n"] })
			wantTimesAscend(t, entries)
			ids := make([]string, len(records))
			compare(t, records, func(r logged) error {
				e := byNumber[r.n]
				ids[r.n] = e.Metadata["log_record_uid"]
				attrs, trace, span := otlpRecord(r)
				want := map[string]string{}
				for k, v := range attrs {
					asLoki(want, lokiNormal(k), v)
				}
				maps.Copy(want, map[string]string{
					"log_record_uid": ids[r.n], "scope_name": "same", "weight": "7",
					"severity_text": r.record.Level.String(), "severity_number": strconv.Itoa(severity(r.record.Level)),
				})
				if trace != "" {
					want["trace_id"], want["span_id"] = trace, span
				}
				got := maps.Clone(e.Metadata)
				observed, _ := strconv.ParseInt(got["observed_timestamp"], 10, 64)
				if observed < before.UnixNano() || observed > time.Now().UnixNano() {
					return fmt.Errorf("observed at %v", time.Unix(0, observed))
				}
				delete(got, "observed_timestamp")
				if want["detected_level"] == "" {
					delete(got, "detected_level") // Loki's own guess
				}
				delete(e.Labels, "__stream_shard__") // of a fast stream Loki makes several
				return cmp.Or(
					differ("time", e.Time, r.record.Time.UnixNano()),
					differ("line", e.Line, valid(r.record.Message)),
					differMaps("labels", e.Labels, map[string]string{"service_name": "shop"}),
					differMetadata(got, want),
				)
			})
			wantIDs(t, ids)
		})
	}
}

func shippedByOTLP(t *testing.T, l *server.Loki, tenant string, e formats.OTLPEncoding) []logged {
	t.Helper()
	h := newHandler(t, l.OTLP(), slogship.Options{
		Format: formats.OTLP(formats.OTLPOptions{
			Encoding: e, ScopeName: "same", Resource: []slog.Attr{slog.String("service.name", "shop"), slog.Int("weight", 7)},
		}),
		Header:    map[string][]string{"X-Scope-OrgID": {tenant}},
		AddSource: true,
	})
	records := makeRecords(time.Now())
	for _, r := range records {
		r.to(h)
	}
	flush(t, h)
	wantStats(t, h, len(records), slogship.Dropped{})
	return records
}

// The 10,000 records arrive in ClickHouse, each with its time to the nanosecond,
// and with its attributes as the JSON that slog.JSONHandler writes of them.
func TestSameRecordsInClickHouse(t *testing.T) {
	c := clickHouse(t)
	table(t, c, "same", "Int64", "Log")
	records := shipped(t, c.Insert("same"), formats.ClickHouse(formats.ClickHouseOptions{TimeLayout: formats.UnixNano}))
	rows, err := c.Rows("same SETTINGS max_threads = 1")
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	if len(rows) != len(records) {
		t.Fatalf("%d rows, want %d", len(rows), len(records))
	}
	compare(t, records, func(l logged) error {
		row := rows[l.n] // the engine Log keeps the order
		ids = append(ids, row.EventID)
		got, err := decode(row.Attributes)
		if err != nil {
			return err
		}
		want, err := decode(slogJSON(l))
		if err != nil {
			return err
		}
		if d := difference("attributes", got, want); d != "" {
			err = fmt.Errorf("%s", d)
		}
		return cmp.Or(err,
			differ("time", row.Timestamp, strconv.FormatInt(l.record.Time.UnixNano(), 10)),
			differ("level", row.Level, strings.ToLower(l.record.Level.String())),
			differ("message", row.Message, valid(l.record.Message)),
		)
	})
	wantIDs(t, ids)
}

// table makes a table for formats.ClickHouse.
func table(t *testing.T, c *server.ClickHouse, name, timeType, engine string) {
	t.Helper()
	err := c.Exec("CREATE TABLE " + name + " (timestamp " + timeType + ", level String, message String, attributes String," +
		" event_id FixedString(48)) ENGINE = " + engine)
	if err != nil {
		t.Fatal(err)
	}
}

// slogJSON is what slog.JSONHandler writes of a record's attributes and source.
func slogJSON(l logged) string {
	var b strings.Builder
	h := slog.Handler(slog.NewJSONHandler(&b, &slog.HandlerOptions{
		AddSource: true, Level: slog.Level(-100),
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Value.Equal(slog.AnyValue(l.record.Level)) || a.Value.Equal(slog.StringValue(builtIn))) {
				return slog.Attr{}
			}
			if a.Value.Kind() == slog.KindFloat64 {
				if text := jsonOf(a.Value); text[0] == '"' {
					return slog.String(a.Key, strings.Trim(text, `"`))
				}
			}
			return a
		},
	}))
	if l.with != nil {
		h = h.WithAttrs(l.with)
	}
	if l.group != "" {
		h = h.WithGroup(l.group)
	}
	r := l.record.Clone()
	r.Message, r.Time = builtIn, time.Time{}
	h.Handle(context.Background(), r)
	return b.String()
}

// builtIn tells a message from an attribute msg.
const builtIn = "the message of the record itself"

func decode(text string) (v any, err error) {
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	err = d.Decode(&v)
	return v, err
}
