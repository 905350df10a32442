package formats_test

import (
	"log/slog"
	"strings"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// Datadog knows traces by dd.trace_id and dd.span_id.
func TestDatadogNames(t *testing.T) {
	for _, c := range []struct {
		name  string
		o     formats.DatadogOptions
		attrs []slog.Attr
		want  string
	}{
		{"ids", formats.DatadogOptions{}, []slog.Attr{slog.String("trace_id", "t"), slog.Uint64("span_id", 1<<64-1)}, `,"dd.trace_id":"t","dd.span_id":18446744073709551615`},
		{"in the middle", formats.DatadogOptions{}, []slog.Attr{slog.Int("a", 1), slog.String("span_id", "s"), slog.Int("b", 2)}, `,"a":1,"dd.span_id":"s","b":2`},
		{"there already", formats.DatadogOptions{}, []slog.Attr{slog.String("trace_id", "t"), slog.String("dd.trace_id", "d")}, `,"trace_id":"t","dd.trace_id":"d"`},
		{"in a group", formats.DatadogOptions{}, []slog.Attr{slog.Group("g", slog.String("trace_id", "t"))}, `,"g":{"trace_id":"t"}`},
		{"another id", formats.DatadogOptions{}, []slog.Attr{slog.Int("user_id", 1)}, `,"user_id":1`},
		{"an attribute in the place of an option", formats.DatadogOptions{}, []slog.Attr{slog.String("service", "s")}, `,"service":"s"`},
		{"an attribute beside an option", formats.DatadogOptions{Service: "checkout"}, []slog.Attr{slog.String("service", "s")}, `,"service_":"s"`},
	} {
		body := shippedText(t, formats.Datadog(c.o), slogship.Options{}, record(slog.LevelInfo, "m", c.attrs...))
		_, got, _ := strings.Cut(body, `"message":"m"`)
		if want := c.want + "}]"; got != want {
			t.Errorf("%s: %s\nwant %s", c.name, got, want)
		}
	}
}
