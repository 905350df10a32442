package peers

import (
	"context"

	"go.opentelemetry.io/contrib/bridges/otelslog"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	sdklog "go.opentelemetry.io/otel/sdk/log"

	"github.com/slogship/slogship/bench/receiver"
)

var otelPeer = Peer{
	Name:  "otel",
	Title: "OpenTelemetry",
	Modules: []string{
		"go.opentelemetry.io/otel/sdk/log",
		"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp",
		"go.opentelemetry.io/contrib/bridges/otelslog",
	},
	Proto:    receiver.OTLP,
	Plain:    None,
	Others:   []Compression{Gzip},
	Settings: "otelslog, BatchProcessor with WithMaxQueueSize of the queue's bound and WithExportMaxBatchSize 8,192 (its default, 512, costs a fifth more CPU), in table 3 512, in table 5 32,768; otlploghttp; Flush is LoggerProvider.ForceFlush",
	Defaults: "otlploghttp.New with the endpoint, NewBatchProcessor, as in the package example (512 a batch, queue of 2,048); end: LoggerProvider.Shutdown",
	Open:     openOTel,
}

func openOTel(s Setup) (*Sink, error) {
	opts := []otlploghttp.Option{otlploghttp.WithEndpointURL(s.URL + "/v1/logs")}
	var batch []sdklog.BatchProcessorOption
	if !s.README {
		if s.Compression == Gzip {
			opts = append(opts, otlploghttp.WithCompression(otlploghttp.GzipCompression))
		}
		batch = append(batch, sdklog.WithMaxQueueSize(s.Queue), sdklog.WithExportMaxBatchSize(s.Batch.of(512, 8192, 32768)))
	}
	exporter, err := otlploghttp.New(context.Background(), opts...)
	if err != nil {
		return nil, err
	}
	provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(exporter, batch...)))
	return &Sink{
		Handler: otelslog.NewHandler("bench", otelslog.WithLoggerProvider(provider)),
		Flush:   provider.ForceFlush,
		Close:   provider.Shutdown,
	}, nil
}
