package formats_test

import (
	"io"
	"log/slog"
	"strings"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// CLEF knows an attribute by a second @, an exception by @x, and ids of traces
// by @tr and @sp.
func TestSeqNames(t *testing.T) {
	const traceID, spanID = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
	text := func(o formats.SeqOptions, attrs ...slog.Attr) string {
		body := shippedText(t, formats.Seq(o), slogship.Options{}, record(slog.LevelInfo, "m", attrs...))
		_, attributes, _ := strings.Cut(body, `"@m":"m","event_id":"`)
		return attributes[len(traceID)+len(spanID)+len(`"`):]
	}
	for _, c := range []struct {
		name  string
		o     formats.SeqOptions
		attrs []slog.Attr
		want  string
	}{
		{"none", formats.SeqOptions{}, nil, ""},
		{"@", formats.SeqOptions{}, []slog.Attr{slog.String("@x", "x"), slog.String("@", "y"), slog.String("a", "@b")}, `,"@@x":"x","@@":"y","a":"@b"`},
		{"@ in a group", formats.SeqOptions{}, []slog.Attr{slog.Group("g", slog.Int("@t", 1))}, `,"g":{"@t":1}`},
		{"error", formats.SeqOptions{}, []slog.Attr{slog.Any("error", io.EOF)}, `,"@x":"EOF","error":"EOF"`},
		{"err", formats.SeqOptions{}, []slog.Attr{slog.Int("a", 1), slog.Any("err", io.EOF), slog.Int("b", 1)}, `,"@x":"EOF","a":1,"err":"EOF","b":1`},
		{"both", formats.SeqOptions{}, []slog.Attr{slog.Any("err", io.EOF), slog.Any("error", io.EOF)}, `,"@x":"EOF","err":"EOF","error":"EOF"`},
		{"twice", formats.SeqOptions{}, []slog.Attr{slog.String("err", "1"), slog.String("err", "2")}, `,"@x":"2","err":"1","err":"2"`},
		{"no text", formats.SeqOptions{}, []slog.Attr{slog.Int("err", 1), slog.String("error", "")}, `,"err":1,"error":""`},
		{"in a group", formats.SeqOptions{}, []slog.Attr{slog.Group("g", slog.Any("err", io.EOF))}, `,"@x":"EOF","g":{"err":"EOF"}`},
		{"a text", formats.SeqOptions{}, []slog.Attr{slog.String("err", "1"), slog.String("error", "2")}, `,"@x":"2","err":"1","error":"2"`},
		{"a text and an error", formats.SeqOptions{}, []slog.Attr{slog.String("err", "1"), slog.Any("cause", io.EOF)}, `,"@x":"EOF","err":"1","cause":"EOF"`},
		{"a text in a group", formats.SeqOptions{}, []slog.Attr{slog.Group("g", slog.String("err", "1"))}, `,"g":{"err":"1"}`},
		{"a text of another name", formats.SeqOptions{Errors: []string{"cause"}}, []slog.Attr{slog.String("err", "1"), slog.String("cause", "2")}, `,"@x":"2","err":"1","cause":"2"`},
		{"no texts", formats.SeqOptions{Errors: []string{}}, []slog.Attr{slog.String("err", "1")}, `,"err":"1"`},
		{"@x of the user's", formats.SeqOptions{}, []slog.Attr{slog.Any("err", io.EOF), slog.String("@x", "mine")}, `,"@x":"EOF","err":"EOF","@@x":"mine"`},
		{"ids", formats.SeqOptions{}, []slog.Attr{slog.String("trace_id", traceID), slog.String("span_id", spanID)}, `,"@tr":"` + traceID + `","@sp":"` + spanID + `"`},
		{"ids in upper case", formats.SeqOptions{}, []slog.Attr{slog.String("span_id", strings.ToUpper(spanID))}, `,"span_id":"` + strings.ToUpper(spanID) + `"`},
		{"ids of another kind", formats.SeqOptions{}, []slog.Attr{slog.String("trace_id", spanID), slog.String("span_id", strings.ToUpper(spanID[:15])+"Z")}, `,"trace_id":"` + spanID + `","span_id":"00F067AA0BA902BZ"`},
	} {
		if got, want := text(c.o, c.attrs...), c.want+"}\n"; got != want {
			t.Errorf("%s: %s\nwant %s", c.name, got, want)
		}
	}
}
