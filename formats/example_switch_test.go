package formats_test

import (
	"context"
	"fmt"
	"log"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// What docs/switching.md has under "Now" is the code of these examples.

// traceIDs stands for a function of the user's.
func traceIDs(context.Context) []slog.Attr { return nil }

func Example_fromOpenTelemetry() {
	h, err := slogship.New("http://localhost:4318/v1/logs", &slogship.Options{
		Format: formats.OTLP(formats.OTLPOptions{
			Resource:  []slog.Attr{slog.String("service.name", "shop")},
			ScopeName: "example.com/shop",
		}),
		ContextAttrs: traceIDs,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	fmt.Println(h)
	// Output: http://localhost:4318/v1/logs
}

func Example_fromSlogLoki() {
	h, err := slogship.New("http://localhost:3100/loki/api/v1/push", &slogship.Options{
		Format: formats.Loki(formats.LokiOptions{
			Labels:     map[string]string{"service_name": "shop", "environment": "dev"},
			LevelLabel: "level",
			Tenant:     "xyz",
		}),
		Level: slog.LevelDebug,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	fmt.Println(h)
	// Output: http://localhost:3100/loki/api/v1/push
}

func Example_fromSlogDatadog() {
	h, err := slogship.New("https://http-intake.logs.datadoghq.eu/api/v2/logs", &slogship.Options{
		Format: formats.Datadog(formats.DatadogOptions{Service: "api", Hostname: "1.2.3.4"}),
		Header: http.Header{"DD-API-KEY": {os.Getenv("DD_API_KEY")}},
		Level:  slog.LevelDebug,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	fmt.Println(h)
	// Output: https://http-intake.logs.datadoghq.eu/api/v2/logs
}

func Example_fromSlogBetterstack() {
	h, err := slogship.New("https://in.logs.betterstack.com", &slogship.Options{
		Format: formats.BetterStack(formats.BetterStackOptions{}),
		Header: http.Header{"Authorization": {"Bearer " + os.Getenv("BETTERSTACK_SOURCE_TOKEN")}},
		Level:  slog.LevelDebug,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	fmt.Println(h)
	// Output: https://in.logs.betterstack.com
}

// The same, under the names that slog-betterstack had.
func Example_fromSlogBetterstack_names() {
	h, err := slogship.New("https://in.logs.betterstack.com", &slogship.Options{
		Format: formats.JSON(formats.JSONOptions{Time: "dt", Message: "message", Attributes: "extra"}),
		Header: http.Header{"Authorization": {"Bearer " + os.Getenv("BETTERSTACK_SOURCE_TOKEN")}},
		Client: printer, // stands for the backend
	})
	if err != nil {
		log.Fatal(err)
	}
	logInvoice(h)
	// Output: [{"event_id":"ID","dt":TIME,"level":"INFO","message":"invoice paid","extra":{"invoice":42,"customer":{"name":"Ada"}}}]
}

func Example_fromSlogLogstash() {
	h, err := slogship.New("http://localhost:8080", &slogship.Options{
		Format: formats.JSON(formats.JSONOptions{
			Time:       "@timestamp",
			Message:    "message",
			Attributes: "extra",
		}),
		Level: slog.LevelDebug,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	fmt.Println(h)
	// Output: http://localhost:8080
}

func Example_fromAxiom() {
	h, err := slogship.New("https://api.axiom.co/v1/datasets/app/ingest", &slogship.Options{
		Format:      formats.Axiom(formats.AxiomOptions{}),
		Header:      http.Header{"Authorization": {"Bearer " + os.Getenv("AXIOM_TOKEN")}},
		Compression: slogship.Zstd,
	})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	fmt.Println(h)
	// Output: https://api.axiom.co/v1/datasets/app/ingest
}

func Example_fromBulkIndexer() {
	h, err := slogship.New("https://localhost:9200/_bulk", &slogship.Options{
		Format: formats.Elasticsearch(formats.ElasticsearchOptions{Index: "logs-app"}),
		Header: http.Header{"Authorization": {"ApiKey " + os.Getenv("ES_API_KEY")}},
	})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	fmt.Println(h)
	// Output: https://localhost:9200/_bulk
}

// The code of docs/switching.md that calls slogship is that of the examples.
func TestSwitchingIsCompiled(t *testing.T) {
	page, err := os.ReadFile("../docs/switching.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("example_switch_test.go")
	if err != nil {
		t.Fatal(err)
	}
	unindented := func(text string) string {
		lines := strings.Split(strings.TrimSpace(text), "\n")
		for i := range lines {
			lines[i] = strings.TrimSpace(lines[i])
		}
		return strings.Join(slices.DeleteFunc(lines, func(l string) bool { return l == "" }), "\n")
	}
	compiled := unindented(string(source))
	blocks := strings.Split(string(page), "```go\n")
	ours := 0
	for _, block := range blocks[1:] {
		code, _, _ := strings.Cut(block, "```")
		code = strings.TrimSuffix(strings.TrimSpace(code), "})") // an example may go on with a stand-in for the backend
		if !strings.Contains(code, "formats.") {
			continue // what you had
		}
		ours++
		if !strings.Contains(compiled, unindented(code)) {
			t.Errorf("no example has\n%s", code)
		}
	}
	if examples := strings.Count(string(source), "\nfunc Example_"); ours != examples {
		t.Errorf("%d blocks for %d examples", ours, examples)
	}
}
