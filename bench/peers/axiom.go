package peers

import (
	"context"

	adapter "github.com/axiomhq/axiom-go/adapters/slog"
	"github.com/axiomhq/axiom-go/axiom"

	"github.com/slogship/slogship/bench/receiver"
)

var axiomPeer = Peer{
	Name:     "axiom",
	Title:    "axiom-go",
	Modules:  []string{"github.com/axiomhq/axiom-go"},
	Proto:    receiver.Axiom,
	Plain:    Zstd,
	Settings: "adapters/slog, SetNoTracing; zstd cannot be turned off, the batch of 10,000 and the channel of 10,000 not be changed; it has no Flush, so Close is timed",
	Defaults: "adapters/slog with SetDataset, as in its README; end: Handler.Close",
	Open:     openAxiom,
}

func openAxiom(s Setup) (*Sink, error) {
	opts := []axiom.Option{
		axiom.SetNoEnv(),
		axiom.SetURL(s.URL),
		axiom.SetToken("xaat-00000000-0000-0000-0000-000000000000"),
	}
	if !s.README {
		opts = append(opts, axiom.SetNoTracing())
	}
	h, err := adapter.New(adapter.SetDataset("bench"), adapter.SetClientOptions(opts...))
	if err != nil {
		return nil, err
	}
	return &Sink{
		Handler: h,
		Close:   func(ctx context.Context) error { return within(ctx, h.Close) },
	}, nil
}
