package formats_test

import (
	"compress/gzip"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"os"
	"regexp"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// printer stands for the backend in the examples: it prints what it gets, with
// ids and times in a form that is always the same.
var printer = &http.Client{Transport: printingTransport{}}

type printingTransport struct{}

var (
	exampleID   = regexp.MustCompile(`[0-9a-f]{48}`)
	exampleTime = regexp.MustCompile(`"\d{4}-\d\d-\d\d[T ][\d:.]+Z?"|\b\d{10,19}(\.\d{9})?\b`)
	exampleDay  = regexp.MustCompile(`\d{4}\.\d\d\.\d\d`)
)

func (printingTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		var err error
		if body, err = gzip.NewReader(r.Body); err != nil {
			return nil, err
		}
	}
	text, err := io.ReadAll(body)
	if err != nil {
		return nil, err
	}
	text = exampleID.ReplaceAll(text, []byte("ID"))
	text = exampleTime.ReplaceAll(text, []byte("TIME"))
	text = exampleDay.ReplaceAll(text, []byte("DAY"))
	fmt.Printf("%s\n", text)
	return respond(r, response{status: http.StatusNoContent}), nil
}

// logInvoice is an application.
func logInvoice(h *slogship.Handler) {
	defer h.Close()
	slog.New(h).Info("invoice paid", "invoice", 42, "customer", slog.GroupValue(slog.String("name", "Ada")))
}

func ExampleJSON() {
	h, err := slogship.New("https://logs.example.com/ingest", &slogship.Options{
		Format: formats.JSON(formats.JSONOptions{
			Field:      "entries",
			Time:       "ts",
			TimeLayout: formats.UnixMilli,
			Message:    "text",
			LowerLevel: true,
		}),
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: {"entries":[{"event_id":"ID","ts":TIME,"level":"info","text":"invoice paid","invoice":42,"customer":{"name":"Ada"}}]}
}

func ExampleNDJSON() {
	h, err := slogship.New("http://vector:8080/logs", &slogship.Options{
		Format: formats.NDJSON(formats.NDJSONOptions{}),
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: {"event_id":"ID","time":TIME,"level":"INFO","msg":"invoice paid","invoice":42,"customer":{"name":"Ada"}}
}

// Fluent Bit's http input reads objects one after the other, under the media
// type of JSON.
func ExampleNDJSON_fluentBit() {
	h, err := slogship.New("http://fluent-bit:9880/app.log", &slogship.Options{
		Format:      formats.NDJSON(formats.NDJSONOptions{ContentType: "application/json", ID: "-"}),
		Compression: slogship.None, // before Fluent Bit 3
		Client:      printer,       // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: {"time":TIME,"level":"INFO","msg":"invoice paid","invoice":42,"customer":{"name":"Ada"}}
}

func ExampleAxiom() {
	h, err := slogship.New("https://api.axiom.co/v1/datasets/app/ingest", &slogship.Options{
		Format: formats.Axiom(formats.AxiomOptions{}),
		Header: http.Header{"Authorization": {"Bearer " + os.Getenv("AXIOM_TOKEN")}},
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: {"event_id":"ID","_time":TIME,"level":"info","message":"invoice paid","invoice":42,"customer":{"name":"Ada"}}
}

func ExampleBetterStack() {
	h, err := slogship.New("https://s1.eu-nbg-2.betterstackdata.com", &slogship.Options{
		Format: formats.BetterStack(formats.BetterStackOptions{}),
		Header: http.Header{"Authorization": {"Bearer " + os.Getenv("BETTERSTACK_SOURCE_TOKEN")}},
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: [{"event_id":"ID","dt":TIME,"level":"info","message":"invoice paid","invoice":42,"customer":{"name":"Ada"}}]
}

func ExampleClickHouse() {
	h, err := slogship.New("http://clickhouse:8123/?query=INSERT+INTO+logs+FORMAT+JSONEachRow", &slogship.Options{
		Format: formats.ClickHouse(formats.ClickHouseOptions{}),
		Header: http.Header{"X-ClickHouse-User": {"logs"}, "X-ClickHouse-Key": {os.Getenv("CLICKHOUSE_PASSWORD")}},
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: {"event_id":"ID","timestamp":TIME,"level":"info","message":"invoice paid","attributes":"{\"invoice\":42,\"customer\":{\"name\":\"Ada\"}}"}
}

// A table with a column for each attribute, in a server that has no DateTime64.
// What has no column is left out.
func ExampleClickHouse_spread() {
	h, err := slogship.New("http://clickhouse:8123/?input_format_skip_unknown_fields=1&query=INSERT+INTO+invoices+FORMAT+JSONEachRow", &slogship.Options{
		Format: formats.ClickHouse(formats.ClickHouseOptions{
			Time: "paid", TimeLayout: formats.UnixSeconds, // paid DateTime
			Spread: true, // invoice UInt64
		}),
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: {"event_id":"ID","paid":TIME,"level":"info","message":"invoice paid","invoice":42,"customer":{"name":"Ada"}}
}

func ExampleDatadog() {
	h, err := slogship.New("https://http-intake.logs.datadoghq.eu/api/v2/logs", &slogship.Options{
		Format: formats.Datadog(formats.DatadogOptions{Service: "checkout", Tags: []string{"env:prod", "version:1.42"}}),
		Header: http.Header{"DD-API-KEY": {os.Getenv("DD_API_KEY")}},
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: [{"ddsource":"go","ddtags":"env:prod,version:1.42","service":"checkout","event_id":"ID","timestamp":TIME,"status":"info","message":"invoice paid","invoice":42,"customer":{"name":"Ada"}}]
}

func ExampleElasticsearch() {
	h, err := slogship.New("https://elasticsearch:9200/_bulk", &slogship.Options{
		Format: formats.Elasticsearch(formats.ElasticsearchOptions{Index: "app-{2006.01.02}"}),
		Header: http.Header{"Authorization": {"ApiKey " + os.Getenv("ES_API_KEY")}},
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output:
	// {"create":{"_index":"app-DAY","_id":"ID"}}
	// {"@timestamp":TIME,"log.level":"info","message":"invoice paid","invoice":42,"customer":{"name":"Ada"}}
}

// A data stream, named by the endpoint; attributes in a field of the mapping
// type flattened, in which no two of them can disagree about a type.
func ExampleElasticsearch_dataStream() {
	h, err := slogship.New("https://elasticsearch:9200/logs-app-prod/_bulk", &slogship.Options{
		Format: formats.Elasticsearch(formats.ElasticsearchOptions{Attributes: "attributes"}),
		Header: http.Header{"Authorization": {"ApiKey " + os.Getenv("ES_API_KEY")}},
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output:
	// {"create":{"_id":"ID"}}
	// {"@timestamp":TIME,"log.level":"info","message":"invoice paid","attributes":{"invoice":42,"customer":{"name":"Ada"}}}
}

func ExampleHoneycomb() {
	h, err := slogship.New("https://api.honeycomb.io/1/batch/app", &slogship.Options{
		Format: formats.Honeycomb(formats.HoneycombOptions{}),
		Header: http.Header{"X-Honeycomb-Team": {os.Getenv("HONEYCOMB_API_KEY")}},
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: [{"time":TIME,"data":{"event_id":"ID","level":"info","message":"invoice paid","invoice":42,"customer":{"name":"Ada"}}}]
}

func ExampleNewRelic() {
	h, err := slogship.New("https://log-api.newrelic.com/log/v1", &slogship.Options{
		Format: formats.NewRelic(formats.NewRelicOptions{Common: map[string]any{"service.name": "checkout"}}),
		Header: http.Header{"Api-Key": {os.Getenv("NEW_RELIC_LICENSE_KEY")}},
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: [{"common":{"attributes":{"service.name":"checkout"}},"logs":[{"timestamp":TIME,"message":"invoice paid","attributes":{"event_id":"ID","level":"info","invoice":42,"customer":{"name":"Ada"}}}]}]
}

func ExampleSeq() {
	h, err := slogship.New("https://seq.example.com/ingest/clef", &slogship.Options{
		Format: formats.Seq(formats.SeqOptions{}),
		Header: http.Header{"X-Seq-ApiKey": {os.Getenv("SEQ_API_KEY")}},
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: {"@t":TIME,"@l":"Information","@m":"invoice paid","event_id":"ID","invoice":42,"customer":{"name":"Ada"}}
}

func ExampleSplunk() {
	h, err := slogship.New("https://splunk:8088/services/collector/event", &slogship.Options{
		Format: formats.Splunk(formats.SplunkOptions{Source: "checkout", SourceType: "_json", Index: "main"}),
		Header: http.Header{"Authorization": {"Splunk " + os.Getenv("SPLUNK_HEC_TOKEN")}},
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: {"time":TIME,"source":"checkout","sourcetype":"_json","index":"main","event":{"event_id":"ID","level":"info","message":"invoice paid","invoice":42,"customer":{"name":"Ada"}}}
}

func ExampleVictoriaLogs() {
	h, err := slogship.New("http://victorialogs:9428/insert/jsonline", &slogship.Options{
		Format: formats.VictoriaLogs(formats.VictoriaLogsOptions{StreamFields: []string{"service"}}),
		Client: printer, // stands for the backend
	})
	if err != nil {
		panic(err)
	}
	logInvoice(h)
	// Output: {"event_id":"ID","_time":TIME,"level":"info","_msg":"invoice paid","invoice":42,"customer":{"name":"Ada"}}
}
