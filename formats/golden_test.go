package formats_test

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

var update = flag.Bool("update", false, "write the golden bodies under testdata/ anew")

// A golden is a format whose body for goldenEvents is under testdata.
type golden struct {
	name    string
	format  slogship.Format
	sourced bool // with sources
}

func goldens() (all []golden) {
	for _, s := range subjects() {
		all = append(all, golden{s.name, s.format, true})
	}
	labels := map[string]string{"service_name": "checkout"}
	otlp := formats.OTLPOptions{
		Resource: []slog.Attr{
			slog.String("service.name", "checkout"), slog.String("service.version", "1.42.0"),
			slog.Int("process.pid", 4711), slog.Group("host", slog.String("name", "web-17")),
		},
		ScopeName: "example.com/checkout", ScopeVersion: "v2",
	}
	otlpJSON := otlp
	otlpJSON.Encoding = formats.OTLPJSON
	return append(all,
		golden{"loki", formats.Loki(formats.LokiOptions{Labels: map[string]string{"service_name": "checkout", "env": "prod"}}), false},
		golden{"loki_streams", formats.Loki(formats.LokiOptions{
			Labels: labels, LabelAttrs: []string{"method", "user_address_city"}, LevelLabel: "level", ID: "-", Tenant: "team-a",
		}), false},
		golden{"otlp_protobuf", formats.OTLP(otlp), false},
		golden{"otlp_json", formats.OTLP(otlpJSON), false},
	)
}

// The body of a fixed set of events is the one under testdata. Write that anew
// with go test ./formats -run Golden -update, and read the difference.
func TestGoldenBodies(t *testing.T) {
	for _, g := range goldens() {
		t.Run(g.name, func(t *testing.T) {
			events := goldenEvents()
			for i := range events {
				if !g.sourced {
					events[i].Source = nil
				}
			}
			checkGolden(t, g.name, encodedBody(g.format, events...))
		})
	}
}

// checkGolden compares a body with a file, or writes it.
func checkGolden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("the body is\n%s\nwant\n%s", got, want)
	}
}
