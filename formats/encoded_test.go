package formats_test

import (
	"context"
	"fmt"
	"log/slog"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// encoded are the formats that do not write attributes as a JSON object.
var encoded = []struct {
	name   string
	format slogship.Format
}{
	{"loki", formats.Loki(formats.LokiOptions{Labels: map[string]string{"service_name": "checkout"}})},
	{"loki_streams", formats.Loki(formats.LokiOptions{Labels: map[string]string{"service_name": "checkout"}, LevelLabel: "level", LabelAttrs: []string{"method"}})},
	{"otlp_protobuf", formats.OTLP(formats.OTLPOptions{})},
	{"otlp_json", formats.OTLP(formats.OTLPOptions{Encoding: formats.OTLPJSON})},
}

// Handlers that share all there is, used at once, do not disturb each other:
// whole records, records that are cut, and what must be asked for its value.
func TestEncodedConcurrently(t *testing.T) {
	const goroutines, records = 4, 100
	for _, f := range encoded {
		t.Run(f.name, func(t *testing.T) {
			var b backend
			h := ship(t, f.format, &b, slogship.Options{MaxRecordBytes: 2000, BatchRecords: 50})
			shared := h.WithAttrs([]slog.Attr{slog.String("shared", "s"), slog.Any("list", []int{1, 2})}).WithGroup("g").WithAttrs(contextOfTen[:3])
			var wg sync.WaitGroup
			for g := range goroutines {
				wg.Go(func() {
					mine := shared.WithAttrs([]slog.Attr{slog.Int("goroutine", g)})
					for i := range records {
						message := fmt.Sprintf("%d/%d ", g, i)
						if i%10 == 0 {
							message += strings.Repeat("long ", 1000)
						}
						mine.Handle(context.Background(), record(slog.LevelInfo, message, slog.Int("i", i), slog.Any("v", valuer{slog.IntValue(i)}), slog.Any("m", map[string]int{"i": i})))
					}
				})
			}
			wg.Wait()
			h.Close()
			seen := map[string]bool{}
			check := func(message string, attrs map[string]string) {
				var g, i int
				if _, err := fmt.Sscanf(message, "%d/%d ", &g, &i); err != nil || seen[fmt.Sprint(g, i)] {
					t.Errorf("%v: %q", err, message)
				}
				seen[fmt.Sprint(g, i)] = true
				if attrs["goroutine"] != strconv.Itoa(g) || attrs["i"] != strconv.Itoa(i) || attrs["v"] != strconv.Itoa(i) || attrs["version"] != "1.42.0" {
					t.Errorf("%q has %v", message, attrs)
				}
			}
			for _, r := range b.got() {
				if strings.HasPrefix(f.name, "loki") {
					for _, e := range decodeLoki(t, r) {
						attrs := map[string]string{}
						for name, v := range e.metadata {
							attrs[strings.TrimPrefix(name, "g_")] = v
						}
						check(e.line, attrs)
					}
				} else {
					for _, e := range decodeOTLP(t, r).records {
						check(fmt.Sprint(e.body), texts(e.attrs["g"].(object)))
					}
				}
			}
			if s := h.Stats(); len(seen) != goroutines*records || s.Cut != goroutines*records/10 {
				t.Errorf("%d records; %+v", len(seen), s)
			}
		})
	}
}
