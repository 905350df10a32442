package peers

import (
	"bytes"
	"context"
	"log/slog"
	"sync"

	kitlog "github.com/go-kit/kit/log"
	"github.com/grafana/loki-client-go/loki"
	"github.com/prometheus/common/model"
	slogloki "github.com/samber/slog-loki/v3"

	"github.com/slogship/slogship/bench/receiver"
)

var lokiModules = []string{"github.com/samber/slog-loki/v3", "github.com/grafana/loki-client-go"}

var lokiPeer = Peer{
	Name:     "loki",
	Title:    "slog-loki",
	Modules:  lokiModules,
	Proto:    receiver.Loki,
	Plain:    None,
	Others:   []Compression{Snappy},
	Settings: "loki-client-go with EncodeJson for no compression, else its snappy protobuf; BatchSize 1 MiB, its default (table 5: 4 MiB); a Converter that writes the attributes into the line as JSON and leaves the level as the only label, as Loki advises; it has no Flush, so Client.Stop is timed",
	Defaults: "loki.NewDefaultConfig, loki.New, Option{Level, Client}, as in its README: every attribute is a label; end: Client.Stop",
	Open:     openLoki,
}

// lokiLabelsPeer is slog-loki with its default converter, which makes a label
// of every attribute and so a stream of almost every record. It stands apart
// because that is not the best that its options allow.
var lokiLabelsPeer = Peer{
	Name:     "loki-labels",
	Title:    "slog-loki, attributes as labels",
	Modules:  lokiModules,
	Proto:    receiver.Loki,
	Plain:    None,
	Others:   []Compression{Snappy},
	Slow:     true,
	Settings: "as slog-loki, but with its default Converter, which makes a label of every attribute",
	Open:     openLokiLabels,
}

func openLoki(s Setup) (*Sink, error) {
	if s.README {
		return newLoki(s, nil)
	}
	return newLoki(s, attrsIntoLine)
}

func openLokiLabels(s Setup) (*Sink, error) { return newLoki(s, nil) }

func newLoki(s Setup, c slogloki.Converter) (*Sink, error) {
	cfg, err := loki.NewDefaultConfig(s.URL + "/loki/api/v1/push")
	if err != nil {
		return nil, err
	}
	cfg.TenantID = "bench"
	var client *loki.Client
	if s.README {
		client, err = loki.New(cfg)
	} else {
		cfg.BatchSize = s.Batch.of(1<<20, 1<<20, 4<<20)
		cfg.EncodeJson = s.Compression == None
		client, err = loki.NewWithLogger(cfg, kitlog.NewNopLogger())
	}
	if err != nil {
		return nil, err
	}
	return &Sink{
		Handler: slogloki.Option{Level: slog.LevelDebug, Client: client, Converter: c}.NewLokiHandler(),
		Close:   func(ctx context.Context) error { return within(ctx, client.Stop) },
	}, nil
}

// line is a JSONHandler and the buffer that it writes to.
type line struct {
	buf bytes.Buffer
	h   slog.Handler
}

var lines = sync.Pool{New: func() any {
	l := new(line)
	l.h = slog.NewJSONHandler(&l.buf, nil)
	return l
}}

// attrsIntoLine replaces the record's message, which becomes the line, by the
// record as JSON.
func attrsIntoLine(_ bool, _ func([]string, slog.Attr) slog.Attr, with []slog.Attr, _ []string, r *slog.Record) model.LabelSet {
	l := lines.Get().(*line)
	defer lines.Put(l)
	l.buf.Reset()
	h := l.h
	if len(with) > 0 {
		h = h.WithAttrs(with)
	}
	_ = h.Handle(context.Background(), *r)
	r.Message = string(bytes.TrimSuffix(l.buf.Bytes(), []byte("\n")))
	return model.LabelSet{"level": model.LabelValue(r.Level.String())}
}
