package peers

import (
	"bytes"
	"context"
	"math/rand/v2"
	"time"

	"github.com/elastic/elastic-transport-go/v8/elastictransport"
	"github.com/elastic/go-elasticsearch/v9"
	"github.com/elastic/go-elasticsearch/v9/esutil"

	"github.com/slogship/slogship/bench/receiver"
)

var elasticPeer = Peer{
	Name:     "elastic",
	Title:    "go-elasticsearch BulkIndexer",
	Modules:  []string{"github.com/elastic/go-elasticsearch/v9"},
	Proto:    receiver.Elastic,
	Plain:    None,
	Others:   []Compression{Gzip},
	Settings: "esutil.BulkIndexer with 2 workers (table 5: 4), FlushBytes 5 MB (table 3: 1 MiB), FlushInterval 1 s, QueueSizeMultiplier 1,024, FilterPath errors and items' status, 5 retries with exponential back-off, also on 429, and on errors of the network; gzip with a pooled compressor; behind an adapter that formats with slog.JSONHandler; Flush is BulkIndexer.Flush",
	Defaults: "esutil.BulkIndexer with Client and Index, as its documentation begins (a worker a CPU, 5 MB or 30 s); end: BulkIndexer.Close",
	Open:     openElastic,
}

func openElastic(s Setup) (*Sink, error) {
	opts := []elasticsearch.Option{elasticsearch.WithAddresses(s.URL)}
	cfg := esutil.BulkIndexerConfig{Index: "logs"}
	if !s.README {
		var transport []elastictransport.Option
		transport = append(transport,
			elastictransport.WithRetry(5, 429, 502, 503, 504),
			elastictransport.WithRetryBackoff(func(attempt int) time.Duration {
				d := min(30*time.Second, 500*time.Millisecond<<attempt)
				return d/2 + rand.N(d/2)
			}),
		)
		if s.Compression == Gzip {
			opts = append(opts, elasticsearch.WithCompression())
		}
		opts = append(opts, elasticsearch.WithTransportOptions(transport...))
		cfg.NumWorkers = s.Batch.of(2, 2, 4)
		cfg.FlushBytes = s.Batch.of(1<<20, 5e6, 5e6)
		cfg.FlushInterval = time.Second
		cfg.QueueSizeMultiplier = 1024
		cfg.FilterPath = []string{"errors", "items.*.status", "items.*.error"}
	}
	client, err := elasticsearch.New(opts...)
	if err != nil {
		return nil, err
	}
	cfg.Client = client
	indexer, err := esutil.NewBulkIndexer(cfg)
	if err != nil {
		return nil, err
	}
	add := func(b []byte) error {
		return indexer.Add(context.Background(), esutil.BulkIndexerItem{
			Action: "create",
			Body:   bytes.NewReader(bytes.Clone(b)),
		})
	}
	return &Sink{
		Handler: newJSONLine(add),
		Flush:   indexer.Flush,
		Close:   indexer.Close,
	}, nil
}
