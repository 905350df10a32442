package measure

import (
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"runtime"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/records"
)

// The formats that are named elsewhere.
const (
	FormatLogflare      = "Logflare"
	FormatOTLP          = "OTLP, protobuf"
	FormatLoki          = "Loki"
	FormatElasticsearch = "Elasticsearch"
	FormatDatadog       = "Datadog"
)

// PerFormat is what a record costs with one of slogship's formats, round after
// round. In a round each format is measured once, in a random order, all in one
// process and within a second.
type PerFormat struct {
	Process int    `json:"process"` // set by who started it
	Format  string `json:"format"`

	// NS is what a call takes, by round. Encode is the CPU time, in nanoseconds,
	// that the whole process uses to deliver a record afterwards: it is decoded,
	// encoded, and given to an http.Client whose backend, inside the process,
	// reads the body and takes it. Nothing is compressed.
	NS     []float64 `json:"ns"`
	Encode []float64 `json:"encode"`
}

// underTest is a format, and what its backend says to a request that it takes;
// an empty body is a success for most.
type underTest struct {
	name   string
	format slogship.Format
	answer string
}

func formatsUnderTest() []underTest {
	return []underTest{
		{FormatLogflare, slogship.Logflare(), `{"message":"Logged!"}`},
		{FormatOTLP, formats.OTLP(formats.OTLPOptions{}), ""},
		{"OTLP, JSON", formats.OTLP(formats.OTLPOptions{Encoding: formats.OTLPJSON}), ""},
		{FormatLoki, formats.Loki(formats.LokiOptions{Labels: map[string]string{"service_name": "bench"}}), ""},
		{FormatElasticsearch, formats.Elasticsearch(formats.ElasticsearchOptions{Index: "bench"}), `{"took":1,"errors":false}`},
		{FormatDatadog, formats.Datadog(formats.DatadogOptions{Service: "bench"}), ""},
		{"Axiom", formats.Axiom(formats.AxiomOptions{}), ""},
		{"Better Stack", formats.BetterStack(formats.BetterStackOptions{}), ""},
		{"ClickHouse", formats.ClickHouse(formats.ClickHouseOptions{}), ""},
		{"Honeycomb", formats.Honeycomb(formats.HoneycombOptions{}), ""},
		{"NDJSON", formats.NDJSON(formats.NDJSONOptions{}), ""},
		{"New Relic", formats.NewRelic(formats.NewRelicOptions{}), ""},
		{"Seq", formats.Seq(formats.SeqOptions{}), ""},
		{"Splunk", formats.Splunk(formats.SplunkOptions{}), ""},
		{"VictoriaLogs", formats.VictoriaLogs(formats.VictoriaLogsOptions{}), ""},
	}
}

// perFormat logs s.Records records while the backend holds its answer, and
// then lets it answer. Requests are of 1,000 records for all formats, since one
// of them allows no more: two of them, which are encoded ahead, are not in the
// timed part of any.
func perFormat(ctx context.Context, s Spec) (any, error) {
	under := formatsUnderTest()
	samples := make([]PerFormat, len(under))
	lines := make([]*formatLine, len(under))
	for i, u := range under {
		samples[i] = PerFormat{Format: u.name}
		l, err := newFormatLine(u)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", u.name, err)
		}
		defer func() { _ = l.sink.Close(giveUp(ctx)) }()
		lines[i] = l
	}
	for round := range s.Rounds + 1 { // in the first, what is made once is made
		for _, i := range rand.Perm(len(under)) {
			call, encode, err := lines[i].round(ctx, s.Records)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", under[i].name, err)
			}
			if round > 0 {
				samples[i].NS = append(samples[i].NS, call)
				samples[i].Encode = append(samples[i].Encode, encode)
			}
		}
	}
	return samples, nil
}

// formatLine is a handler with a format, and its backend.
type formatLine struct {
	sink *peers.Sink
	log  *slog.Logger
	gate *gate
}

func newFormatLine(u underTest) (*formatLine, error) {
	g := newGate(u.answer)
	sink, err := slogshipTo(peers.Setup{Compression: peers.None, Queue: OutageQueue}, g, func(o *slogship.Options) {
		o.Format = u.format
		o.BatchRecords = 1000
		o.FlushInterval = time.Hour
	})
	if err != nil {
		return nil, err
	}
	return &formatLine{sink, slog.New(sink.Handler), g}, nil
}

func (l *formatLine) round(ctx context.Context, n int) (call, encode float64, err error) {
	l.gate.hold()
	runtime.GC()
	start := time.Now()
	for seq := range n {
		records.Log(ctx, l.log, seq)
	}
	call = float64(time.Since(start).Nanoseconds()) / float64(n)

	time.Sleep(2 * time.Millisecond) // until what is encoded ahead is
	runtime.GC()
	used := cpu()
	l.gate.release()
	err = l.sink.Flush(ctx)
	return call, float64((cpu() - used).Nanoseconds()) / float64(n), err
}
