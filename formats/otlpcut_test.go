package formats_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// A record that is too long is cut, and stays what a decoder reads: long strings
// are shortened first, wherever they come from, then attributes are left out.
func TestOTLPCutting(t *testing.T) {
	const limit = 1200
	long := strings.Repeat("é 🚢\n\"", 400)
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		for _, c := range cutCases(long) {
			t.Run(c.name, func(t *testing.T) {
				var b backend
				h := ship(t, otlp(e), &b, slogship.Options{MaxRecordBytes: limit})
				c.log(h)
				h.Close()
				if s := h.Stats(); s.Cut != 1 || s.Delivered != 1 {
					t.Fatalf("%+v", s)
				}
				body := b.got()[0].body
				if len(body) > limit+250 { // the head
					t.Errorf("%d bytes, want at most %d and the head", len(body), limit)
				}
				r := decodeOTLP(t, b.got()[0]).records[0]
				if r.attrs["_cut"] != true {
					t.Errorf("no mark in %v", r.attrs)
				}
				delete(r.attrs, "_cut")
				c.check(t, fmt.Sprint(r.body), r.user())
			})
		}
	})
}

type cutCase struct {
	name  string
	log   func(h slog.Handler)
	check func(t *testing.T, message string, attrs object)
}

// cutCases are records that are too long for 1,200 bytes. long is a string that
// is.
func cutCases(long string) []cutCase {
	log := func(message string, attrs ...slog.Attr) func(slog.Handler) {
		return func(h slog.Handler) { h.Handle(context.Background(), record(slog.LevelInfo, message, attrs...)) }
	}
	isShortened := func(t *testing.T, s any) {
		t.Helper()
		text, _ := s.(string)
		before, ok := strings.CutSuffix(text, "…[cut]")
		if !ok || !strings.HasPrefix(long, before) || len(before) < 200 {
			t.Errorf("%q is not a good part of what it was", text)
		}
	}
	many := make([]slog.Attr, 300)
	for i := range many {
		many[i] = slog.Int(fmt.Sprintf("n%03d", i), i)
	}
	return []cutCase{
		{"message", log(long, slog.Int("a", 1)), func(t *testing.T, message string, attrs object) {
			isShortened(t, message)
			if !reflect.DeepEqual(texts(attrs), map[string]string{"a": "1"}) {
				t.Errorf("the attributes are %v", attrs)
			}
		}},
		{"attribute", log("m", slog.Int("a", 1), slog.String("s", long), slog.Int("b", 2)), func(t *testing.T, message string, attrs object) {
			isShortened(t, attrs["s"])
			if message != "m" || len(attrs) != 3 {
				t.Errorf("%q, %v", message, attrs)
			}
		}},
		{"WithAttrs", func(h slog.Handler) {
			h = h.WithAttrs([]slog.Attr{slog.String("s", long), slog.Int("_cut", 7)}).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("x", 1)})
			h.Handle(context.Background(), record(slog.LevelInfo, "m", slog.Int("y", 2)))
		}, func(t *testing.T, _ string, attrs object) {
			isShortened(t, attrs["s"])
			delete(attrs, "s")
			if got := texts(attrs); got["_cut_"] != "7" || len(got) < 2 {
				t.Errorf("the attributes are %v", attrs)
			}
		}},
		{"value that is no scalar", log("m", slog.Int("a", 1), slog.Any("any", map[string]string{"k": strings.ReplaceAll(long, "\"", "")}), slog.Int("b", 2)), func(t *testing.T, _ string, attrs object) {
			text := fmt.Sprint(attrs["any"]) // map[k:é ...], or its JSON
			if !strings.Contains(text, `é 🚢`) || !strings.HasSuffix(strings.TrimRight(text, `"}]`), "…[cut") || len(attrs) != 3 {
				t.Errorf("the attributes are %v", attrs)
			}
		}},
		{"bytes", log("m", slog.Any("bytes", bytes.Repeat([]byte{1}, 5000))), func(t *testing.T, _ string, attrs object) {
			if text, _ := attrs["bytes"].(string); !strings.HasPrefix(text, "AQEB") || !strings.HasSuffix(text, "…[cut]") {
				t.Errorf("the attributes are %v", attrs)
			}
		}},
		{"many attributes", log("m", many...), func(t *testing.T, _ string, attrs object) {
			if n := len(attrs); n < 10 || n > 100 {
				t.Errorf("%d attributes are left", n)
			}
			for i := range len(attrs) {
				if key := fmt.Sprintf("n%03d", i); fmt.Sprint(attrs[key]) != strconv.Itoa(i) {
					t.Errorf("%s is %v", key, attrs[key])
				}
			}
		}},
	}
}

// texts are attributes as strings, whatever their kinds.
func texts(attrs object) map[string]string {
	m := map[string]string{}
	for key, v := range attrs {
		m[key] = fmt.Sprint(v)
	}
	return m
}

// No limit of OTLP's is passed, and lengths of any size are right.
func TestOTLPSizes(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		for _, n := range []int{0, 1, 100, 118, 119, 120, 121, 122, 123, 124, 125, 126, 127, 128, 129, 16370, 16384, 20000} {
			s, key := strings.Repeat("x", n), strings.Repeat("k", n)
			r := otlpOne(t, otlp(e), slogship.Options{}, record(slog.LevelInfo, s,
				slog.String("s", s), slog.String(key, "v"), slog.Int(key+"i", 1), slog.Group(key+"g", slog.String("s", s)), slog.Any("any", []string{s})))
			want := object{"s": s, key: "v", key + "i": json.Number("1"), key + "g": object{"s": s}, "any": []any{s}}
			if r.body != s || !reflect.DeepEqual(r.user(), want) {
				t.Errorf("%d: %v", n, r)
			}
		}
		var b backend
		h := ship(t, otlp(e), &b, slogship.Options{BatchBytes: 1 << 30, MaxPendingBytes: 1 << 30, BatchRecords: 1 << 20, MaxPending: 1 << 21, FlushInterval: time.Hour})
		s := strings.Repeat("x", 200<<10)
		for range 110 {
			h.Handle(context.Background(), record(slog.LevelInfo, s))
		}
		h.Close()
		records := 0
		for _, r := range b.got() {
			if len(r.body) > 20<<20 {
				t.Errorf("a body of %d bytes", len(r.body))
			}
			records += len(decodeOTLP(t, r).records)
		}
		if records != 110 || len(b.got()) < 2 {
			t.Errorf("%d records in %d bodies", records, len(b.got()))
		}
	})
}

// A value that is given to WithAttrs and changed afterwards stays as it was, in
// a record that is cut too.
func TestOTLPKeepsNothingOfWithAttrs(t *testing.T) {
	eachOTLP(t, func(t *testing.T, e formats.OTLPEncoding) {
		mine := map[string]int{"n": 1}
		raw := []byte("abc")
		got := otlpShipped(t, otlp(e), slogship.Options{MaxRecordBytes: 1000}, func(h slog.Handler) {
			h = h.WithAttrs([]slog.Attr{slog.Any("mine", mine), slog.Any("raw", raw)})
			mine["n"], raw[0] = 2, 'X'
			h.Handle(context.Background(), record(slog.LevelInfo, strings.Repeat("long ", 1000)))
		}).records[0].user()
		want := object{"mine": object{"n": json.Number("1")}, "raw": "YWJj", "_cut": true}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%v, want %v", got, want)
		}
	})
}
