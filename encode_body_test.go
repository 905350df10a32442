package slogship

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"math"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
	"weak"
)

// encoderOf is an encoder for o, which are resolved.
func encoderOf(tb testing.TB, o Options) *encoder {
	tb.Helper()
	s, err := o.resolve()
	if err != nil {
		tb.Fatal(err)
	}
	return newEncoder(newWording(s))
}

// pieceWith is a piece of captured records with these messages and attributes.
func pieceWith(tb testing.TB, o Options, messages []string, attrs ...slog.Attr) piece {
	tb.Helper()
	h := shipTo(tb, hanging, Options{FlushInterval: time.Hour, AddSource: o.AddSource, MaxRecordBytes: o.MaxRecordBytes})
	for _, m := range messages {
		r := slog.NewRecord(recordTime, slog.LevelInfo, m, 0)
		r.AddAttrs(attrs...)
		h.Handle(context.Background(), r)
	}
	p := h.core.pending
	p.batchRecords, p.batchBytes = len(messages), 1<<30
	return p.swap()
}

// bodyText is what is in b, inflated.
func bodyText(t *testing.T, b *body) string {
	t.Helper()
	var text []byte
	for _, part := range b.parts {
		text = append(text, part...)
	}
	return string(inflate(t, text, b.coding))
}

func messagesIn(t *testing.T, text string) (messages []string) {
	t.Helper()
	var batch struct{ Batch []struct{ Message string } }
	if err := json.Unmarshal([]byte(text), &batch); err != nil {
		t.Fatalf("%v in %.200q", err, text)
	}
	for _, e := range batch.Batch {
		messages = append(messages, e.Message)
	}
	return messages
}

// A body has as many records as there is room for, and no more, unless one alone is
// longer; what it has no room for is in the next one.
func TestBodyHasRoom(t *testing.T) {
	var messages []string
	for i := range 60 {
		messages = append(messages, fmt.Sprint(i, strings.Repeat("m", i*37%200)))
	}
	messages[30] += strings.Repeat("x", 3000)
	pc := pieceWith(t, Options{}, messages)
	one := len(bodyText(t, encoderOf(t, Options{}).encode(pieceWith(t, Options{}, messages[:1]), math.MaxInt)))
	for _, o := range []Options{
		{BatchBytes: 1},
		{BatchBytes: one},
		{BatchBytes: one + 1},
		{BatchBytes: 1000},
		{BatchBytes: 2000},
		{BatchBytes: 1 << 20},
		{BatchRecords: 1},
		{BatchRecords: 7},
		{BatchRecords: 60},
		{Format: fakeFormat{layout: func(l *Layout) { l.MaxBytes = 4000 }}},
		{Format: fakeFormat{layout: func(l *Layout) { l.MaxRecords = 9 }}},
	} {
		for _, o.Compression = range []Compression{None, Gzip} {
			e := encoderOf(t, o)
			bound := e.room + len(`{"batch":[`+`]}`)
			var all []string
			for rest := pc; rest.records > 0; {
				b := e.encode(rest, math.MaxInt)
				text := bodyText(t, b)
				messages := messagesIn(t, text)
				all = append(all, messages...)
				switch n := len(messages); {
				case len(text) != b.raw, n != b.taken.records, n+b.rest.records != rest.records, len(b.lost) > 0:
					t.Fatalf("%d bytes with %d records; noted are %d, %d, the rest %d of %d, lost %d",
						len(text), n, b.raw, b.taken.records, b.rest.records, rest.records, len(b.lost))
				case n > 1 && len(text) > bound, n > e.maxRecords:
					t.Fatalf("%d records in %d bytes, want at most %d in %d", n, len(text), e.maxRecords, bound)
				}
				if n := b.taken.records; b.rest.records > 0 && n < e.maxRecords {
					front, _ := rest.split(n + 1)
					other := *e.wording
					other.room = 1 << 30
					if more := newEncoder(&other).encode(front, math.MaxInt); more.raw <= bound {
						t.Fatalf("%d records in %d bytes have room for one more, in %d of %d", n, len(text), more.raw, bound)
					}
				}
				rest = b.rest
			}
			if !slices.Equal(all, messages) {
				t.Fatalf("the records are %q", all)
			}
		}
	}
}

// A record over which the Format panics, for which it takes bytes away, or that
// cannot be cut to its bound is lost alone, wherever it is; those around it are in
// the body, in order.
func TestBodyWithoutLostRecords(t *testing.T) {
	format := fakeFormat{event: func(dst []byte, e *Event) []byte {
		dst = logflare{}.AppendEvent(dst, e)
		switch e.Message {
		case "panics":
			panic("no")
		case "huge":
			return append(dst, make([]byte, 1000)...)
		case "takes":
			return dst[:5]
		}
		return dst
	}}
	good := []string{"a", "b", "c"}
	for range 2 {
		for at := range len(good) + 1 {
			for _, bad := range [][]string{{"panics"}, {"huge"}, {"takes"}, {"huge", "panics", "takes", "panics"}} {
				e := encoderOf(t, Options{Format: format, MaxRecordBytes: 500, Compression: None})
				b := e.encode(pieceWith(t, Options{}, slices.Insert(slices.Clone(good), at, bad...)), math.MaxInt)
				if got := messagesIn(t, bodyText(t, b)); !slices.Equal(got, good) || b.taken.records != len(good) || len(b.lost) != len(bad) {
					t.Fatalf("%q at %d: %q are in the body, %d taken, %d lost", bad, at, got, b.taken.records, len(b.lost))
				}
				for i, l := range b.lost {
					want := rejected
					if bad[i] == "huge" {
						want = tooLarge
					}
					if l.why != want || l.len() != 1 || l.from != at+i {
						t.Errorf("%q at %d is lost at %v because of %d", bad[i], at+i, l.span, l.why)
					}
				}
				if again := e.encode(b.taken, math.MaxInt); again.taken.records != len(good) {
					t.Errorf("of %d records %d are in the next body", len(good), again.taken.records)
				}
			}
		}
	}
	b := encoderOf(t, Options{Format: format}).encode(pieceWith(t, Options{}, []string{"panics", "takes"}), math.MaxInt)
	if b.payload != nil || b.taken.records != 0 || len(b.lost) != 2 {
		t.Errorf("of two bad records there is a body: %+v", b)
	}
}

// A head that depends on what follows is told how much that is.
func TestBodyWithHeadThatCounts(t *testing.T) {
	format := fakeFormat{
		layout: func(l *Layout) {
			l.Separator, l.Tail = "; ", "END"
			l.AppendHead = func(dst []byte, events, size int) []byte { return fmt.Appendf(dst, "%d %d:", events, size) }
		},
		event: func(dst []byte, e *Event) []byte { return append(dst, e.Message...) },
	}
	for _, compression := range []Compression{None, Gzip} {
		e := encoderOf(t, Options{Format: format, Compression: compression})
		long := strings.Repeat("long", 20_000)
		for want, messages := range map[string][]string{
			"1 1:aEND":                               {"a"},
			"3 10:a; bb; cccEND":                     {"a", "bb", "ccc"},
			"2 80003:a; " + long + "END":             {"a", long},
			"2 160002:" + long + "; " + long + "END": {long, long},
		} {
			if got := bodyText(t, e.encode(pieceWith(t, Options{}, messages), math.MaxInt)); got != want {
				t.Errorf("%v: %.100s, want %.100s", compression, got, want)
			}
		}
	}
}

// A body is compressed piece by piece while it grows, and is the same as in one; what
// compression does not make smaller is sent as it is.
func TestBodyIsCompressedAsItGrows(t *testing.T) {
	var messages []string
	for i := range 1000 {
		messages = append(messages, fmt.Sprint(i, strings.Repeat("m", i*37%200)))
	}
	pc := pieceWith(t, Options{}, messages)
	plain := encoderOf(t, Options{Compression: None}).encode(pc, math.MaxInt)
	want := bodyText(t, plain)
	// The ids are those of another handler.
	want = strings.ReplaceAll(want, want[len(`{"batch":[{"id":"`):][:prefixDigits], "")
	for _, o := range []Options{{Compression: Gzip}, {Compression: Zstd, Format: zstdFormat{}}} {
		e := encoderOf(t, o)
		for range 2 {
			b := e.encode(pc, math.MaxInt)
			got := bodyText(t, b)
			got = strings.ReplaceAll(got, got[len(`{"batch":[{"id":"`):][:prefixDigits], "")
			if b.coding != o.Compression.String() || b.size > b.raw/4 || b.raw != plain.raw || got != want {
				t.Errorf("%v: coding %q, %d bytes of %d (plain %d)", o.Compression, b.coding, b.size, b.raw, plain.raw)
			}
		}
		if b := e.encode(pieceWith(t, Options{}, []string{incompressible(100)}), math.MaxInt); b.coding != "" && b.size >= b.raw {
			t.Errorf("%v: %d bytes of %d", o.Compression, b.size, b.raw)
		}
	}
}

// A body of several pages of which compression makes nothing less is sent compressed all
// the same, whole, and hardly longer; the next one has nothing of it.
func TestBodyThatCompressionDoesNotHelp(t *testing.T) {
	long := []string{incompressible(90 << 10), incompressible(1 << 10), incompressible(70 << 10), "end"}
	for _, o := range []Options{{Compression: None}, {Compression: Gzip}, {Compression: Zstd, Format: zstdFormat{}}} {
		o.MaxRecordBytes = 1 << 20
		e := encoderOf(t, o)
		for _, messages := range [][]string{long, {"short"}, long[1:], long} {
			b := e.encode(pieceWith(t, Options{MaxRecordBytes: 1 << 20}, messages), math.MaxInt)
			text := bodyText(t, b)
			if got := messagesIn(t, text); !slices.Equal(got, messages) || len(text) != b.raw || b.size > b.raw+b.raw/1000+100 {
				t.Errorf("%v: %d messages in %d bytes, sent as %d (%q), noted %d", o.Compression, len(got), len(text), b.size, b.coding, b.raw)
			}
		}
	}
}

// Encoders share nothing: several may work on one batch, and write what one would.
func TestEncodersWorkAtOnce(t *testing.T) {
	var messages []string
	for i := range 400 {
		messages = append(messages, fmt.Sprint(i))
	}
	pc := pieceWith(t, Options{}, messages, slog.Int("level", 1), slog.Any("a", []int{1, 2}), slog.Group("g", slog.String("b", strings.Repeat("x", 500))))
	w := encoderOf(t, Options{MaxRecordBytes: 400, BatchRecords: 400}).wording
	want := bodyText(t, newEncoder(w).encode(pc, math.MaxInt))
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			e := newEncoder(w)
			for range 5 {
				b := e.encode(pc, math.MaxInt)
				if got := bodyText(t, b); got != want || len(b.cut) != 400 {
					t.Errorf("another body: %.1000s", got)
				}
			}
		})
	}
	all.Wait()
}

// An encoder holds on to nothing of the records before.
func TestEncoderLetsGo(t *testing.T) {
	e := encoderOf(t, Options{})
	e.encode(pieceWith(t, Options{AddSource: true}, []string{"a"}, slog.Any("a", []int{1}), slog.Any("b", []byte("x")), slog.Any("e", context.Canceled)), math.MaxInt)
	if e.captured != nil || e.record.Message != "" || e.record.Attrs != nil || e.record.Source != nil {
		t.Errorf("held: %+v", e.record)
	}
	for _, v := range e.values.texts[:cap(e.values.texts)] {
		if v.Text != "" {
			t.Errorf("held: %+v", v)
		}
	}
	for _, v := range e.values.errors[:cap(e.values.errors)] {
		if v.Text != "" || v.Stack != nil {
			t.Errorf("held: %+v", v)
		}
	}
	for _, v := range e.values.bytes[:cap(e.values.bytes)] {
		if v.Data != nil {
			t.Errorf("held: %+v", v)
		}
	}
}

// The memory of records is free once they are encoded.
func TestEncoderLetsGoOfBlocks(t *testing.T) {
	e := encoderOf(t, Options{Compression: None})
	page := func() weak.Pointer[byte] {
		from := pieceWith(t, Options{}, []string{"a"}, slog.String("k", "text"), slog.Group("g", slog.String("k", "text")))
		b := newBlock(1 << 10) // which no Handler knows
		b.add(from.spans[0].b.record(from.spans[0].from), 0)
		var pc piece
		pc.add(span{b, 0, 1})
		e.encode(pc, math.MaxInt)
		return weak.Make(&b.page[0])
	}()
	runtime.GC()
	if page.Value() != nil {
		t.Error("an encoder holds what it has encoded")
	}
	runtime.KeepAlive(e)
}

// What is sent again is byte for byte what was sent first, also of a record without a
// time of its own.
func TestRetryIsTheSame(t *testing.T) {
	format := fakeFormat{event: func(dst []byte, e *Event) []byte {
		dst = logflare{}.AppendEvent(dst, e)
		return append(AppendTime(append(dst[:len(dst)-1], `,"observed":`...), e.Observed, 9), '}')
	}}
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503), status(503), status(200)), Options{Format: format, MaxRecordBytes: 500})
		tr.log.Info("a", "level", 1, "long", strings.Repeat("é", 1000))
		time.Sleep(time.Millisecond)
		if err := tr.Handle(t.Context(), slog.Record{Message: "without a time"}); err != nil {
			t.Error(err)
		}
		time.Sleep(48 * time.Hour)
		tr.wantRequests(3)
		first := tr.got()[0]
		for _, r := range tr.got()[1:] {
			if !bytes.Equal(r.raw, first.raw) {
				t.Errorf("sent first\n%s\nthen\n%s", first.body, r.body)
			}
		}
		if want := `"message":"without a time","metadata":{"level":"info"},"observed":"2000-01-01T00:00:00.001000000Z"}`; !strings.Contains(string(first.body), want) {
			t.Errorf("%s, want %s", first.body, want)
		}
	})
}

// Cut records are delivered, and counted once, when they are settled; one that does
// not fit even so is dropped and counted, without a request.
func TestCutIsCountedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(503), status(503), status(200)), Options{MaxRecordBytes: 300})
		long := strings.Repeat("x", 1000)
		tr.log.Info("a", "long", long)
		tr.log.Info("b")
		tr.log.Info(long)
		tr.log.With("with", long).WithGroup("g").Info("c", "d", 1)
		time.Sleep(time.Second + time.Millisecond)
		if s := tr.Stats(); s.Cut != 0 || len(tr.got()) == 0 {
			t.Errorf("not settled yet: %+v", s)
		}
		time.Sleep(time.Minute)
		if s := tr.Stats(); s.Cut != 3 || s.Delivered != 4 || s.Dropped != (Dropped{}) || s.Retries != 2 {
			t.Errorf("%+v", s)
		}

		tight := start(t, always(status(200)), Options{MaxRecordBytes: 130})
		tight.log.Info("a", "long", long)
		time.Sleep(time.Minute)
		tight.wantRequests(0)
		tight.wantReports()
		if s := tight.Stats(); s.Cut != 0 || s.Dropped != (Dropped{TooLarge: 1}) {
			t.Errorf("%+v", s)
		}
	})
}

// Records that become much longer than expected once they are encoded go out in
// order, in bodies that are not too long, and none is lost.
func TestBatchIsMisjudged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const most = 3000
		tr := start(t, always(status(200)), Options{BatchBytes: most})
		var want []string
		for i := range 100 {
			m := fmt.Sprint(i)
			if want = append(want, m); i%10 < 7 {
				tr.log.Info(m, "quotes", strings.Repeat("\x01", i%50))
			} else {
				tr.log.Info(m)
			}
		}
		time.Sleep(time.Minute)
		tr.wantTaken(want...)
		tr.wantBooks(100, Dropped{}, 0)
		for _, r := range tr.got() {
			if len(r.body) > most {
				t.Errorf("a body has %d bytes, want at most %d", len(r.body), most)
			}
		}
		if n := len(tr.got()); n > 20 {
			t.Errorf("%d requests", n)
		}
	})
}

// Superseded attributes are gone, and reserved names changed, before a Format that
// asks for it sees the event.
func TestNamesAreAsTheFormatWantsThem(t *testing.T) {
	attrs := []slog.Attr{slog.Int("a", 1), slog.Int("level", 2), slog.Group("g", slog.Int("level", 3), slog.Int("level", 4)), slog.Int("a", 5)}
	for _, unique := range []bool{false, true} {
		want := `"a":1,"level_":2,"g":{"level":3,"level":4},"a":5}}`
		if unique {
			want = `"level_":2,"g":{"level":4},"a":5}}`
		}
		h := shipTo(t, hanging, Options{
			Format: fakeFormat{layout: func(l *Layout) { l.UniqueKeys = unique }}, AddSource: true,
			ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
				if a.Key == slog.SourceKey {
					return slog.Group(slog.SourceKey, slog.Int("line", 6), slog.Int("line", 7))
				}
				return a
			},
		})
		event := string(eventOf(t, h, recordWith(attrs...)))
		if !strings.HasSuffix(event, want) || strings.Contains(event, `"line":6`) == unique {
			t.Errorf("unique %v: %s, want %s", unique, event, want)
		}
	}
}
