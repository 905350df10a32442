package peers

import (
	"context"
	"fmt"
	"log/slog"
	"testing"
	"time"

	"github.com/slogship/slogship/bench/receiver"
	"github.com/slogship/slogship/bench/records"
)

// What is logged through each peer's real client arrives at the receiver
// whole and once, whatever the compression.
func TestEveryPeerDelivers(t *testing.T) {
	r, err := receiver.Listen()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	for _, p := range All() {
		for _, c := range append([]Compression{p.Plain}, p.Others...) {
			t.Run(fmt.Sprintf("%s/%s", p.Name, c), func(t *testing.T) {
				deliver(t, r, p, Setup{Compression: c, Queue: 10_000})
			})
		}
		if p.Defaults != "" {
			t.Run(p.Name+"/readme", func(t *testing.T) {
				deliver(t, r, p, Setup{README: true})
			})
		}
	}
}

func deliver(t *testing.T, r *receiver.Receiver, p Peer, setup Setup) {
	const n = 200 // fewer than logtail's 256 lines by default
	ses, err := r.Control().Open(p.Proto, true)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = ses.Close() }()
	setup.URL = ses.URL()
	sink, err := p.Open(setup)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	logger := slog.New(sink.Handler)
	for i := range n {
		records.Log(ctx, logger, i)
	}
	closed, err := sink.Drain(ctx)
	if err != nil {
		t.Error("drain:", err)
	}
	if !closed {
		if err := sink.Close(ctx); err != nil {
			t.Error("close:", err)
		}
	}
	got, err := ses.Counts()
	if err != nil {
		t.Fatal(err)
	}
	// logtail's Shutdown uploads once, at most, and leaves the rest behind.
	lossy := setup.README && p.Name == "logtail"
	if got.Distinct != n && !lossy || got.Records != got.Distinct ||
		got.Checked != got.Distinct || got.Wrong != 0 || got.Bad != 0 {
		t.Errorf("%d records logged; arrived: %+v", n, got)
	}
	if setup.Compression != None && !setup.README && got.WireBytes >= got.BodyBytes {
		t.Errorf("%s: %d bytes sent for %d", setup.Compression, got.WireBytes, got.BodyBytes)
	}
	if setup.Compression == None && got.WireBytes != got.BodyBytes {
		t.Errorf("not compressed: %d bytes sent for %d", got.WireBytes, got.BodyBytes)
	}
}

// With attributes and a source, each ceiling still formats a record.
func TestCeilingsTakeRecords(t *testing.T) {
	for _, c := range Ceilings() {
		sink, err := c.Open(Setup{Source: true})
		if err != nil {
			t.Fatal(c.Name, err)
		}
		logger := slog.New(sink.Handler).With(records.Ten()...)
		records.Log(t.Context(), logger, 1)
	}
}
