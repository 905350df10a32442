// Package peers sets up each opponent behind slog: a file each, twice each, as
// well as its own documentation allows and as its README shows it.
package peers

import (
	"context"
	"log/slog"

	"github.com/slogship/slogship"

	"github.com/slogship/slogship/bench/receiver"
)

// Peer is a way of shipping slog records over HTTP.
type Peer struct {
	Name    string // in flags and results
	Title   string // in the report
	Modules []string

	Proto receiver.Proto

	// Plain is the compression in the uncompressed comparison: None, or what
	// the peer cannot turn off. Others are the further ones it offers.
	Plain  Compression
	Others []Compression

	// Window, if not 0, is how many records may be logged before the peer,
	// which has no larger buffer, must be flushed lest it drop some.
	Window int

	// Slow peers are given a tenth of the records.
	Slow bool

	// Settings and Defaults say in the report how Open sets the peer up,
	// without and with Setup.README.
	Settings, Defaults string

	Open func(Setup) (*Sink, error)
}

// Compression is a compression of request bodies, as reports name it.
type Compression string

// The kinds of compression.
const (
	None   Compression = "none"
	Gzip   Compression = "gzip"
	Zstd   Compression = "zstd"
	Snappy Compression = "snappy"
)

// Setup is what Open needs to know.
type Setup struct {
	URL         string // of the backend's root
	Compression Compression
	Queue       int   // bound on records held, where the peer has one
	Batch       Batch // where the peer lets one choose
	Source      bool  // add the call site (slogship and the ceilings only)
	Requests    int   // that may be under way at once (slogship only); 0: its default

	// Adjust, if not nil, changes slogship's options at last.
	Adjust func(*slogship.Options)

	README bool // as the README has it: the other settings are ignored
}

// Batch is how large batches shall be: what suits a peer best depends on the
// backend.
type Batch uint8

// The batches.
const (
	Medium Batch = iota // a healthy backend nearby
	Small               // one that fails: the batch that is lost with it shall be small
	Large               // one that answers late: few answers shall be waited for
)

func (b Batch) of(small, medium, large int) int {
	return [...]int{Medium: medium, Small: small, Large: large}[b]
}

// Sink is a peer that was set up.
type Sink struct {
	Handler slog.Handler

	// Flush waits until all that was logged is delivered, or given up. Nil if
	// the peer has no such thing but Close.
	Flush func(context.Context) error

	// Close ends the peer the way its documentation says.
	Close func(context.Context) error
}

// Drain waits until all that was logged is delivered or given up, in the way
// the peer documents: by Flush, or by Close if there is none. It reports
// whether the sink is closed.
func (s *Sink) Drain(ctx context.Context) (closed bool, err error) {
	if s.Flush != nil {
		return false, s.Flush(ctx)
	}
	return true, s.Close(ctx)
}

// All are the peers, slogship first.
func All() []Peer {
	return []Peer{
		slogshipPeer,
		otelPeer,
		axiomPeer,
		elasticPeer,
		logtailPeer,
		lokiPeer,
		lokiLabelsPeer,
		sentryPeer,
		naivePeer,
	}
}

// Find returns the peer or ceiling of that name.
func Find(name string) (Peer, bool) {
	for _, p := range append(All(), Ceilings()...) {
		if p.Name == name {
			return p, true
		}
	}
	return Peer{}, false
}

// within runs f, which cannot be interrupted, and gives up waiting for it when
// ctx is done. The goroutine ends with f, at the latest with the process.
func within(ctx context.Context, f func()) error {
	done := make(chan struct{})
	go func() { defer close(done); f() }()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
