package measure

import (
	"log/slog"
	"testing"

	"github.com/slogship/slogship"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/records"
)

// With each format, all that is logged while the backend holds its answer is
// delivered afterwards: what perFormat times is whole.
func TestFormatsAreDelivered(t *testing.T) {
	for _, u := range formatsUnderTest() {
		l, err := newFormatLine(u)
		if err != nil {
			t.Fatal(u.name, err)
		}
		const n = 5000
		if _, encode, err := l.round(t.Context(), n); err != nil || encode <= 0 {
			t.Errorf("%s: %v ns, %v", u.name, encode, err)
		}
		h, ok := l.sink.Handler.(*slogship.Handler)
		if !ok {
			t.Fatalf("%T", l.sink.Handler)
		}
		if s := h.Stats(); s.Delivered != n || s.Dropped.Total() != 0 || s.LastError != nil {
			t.Errorf("%s: %v", u.name, s)
		}
		_ = l.sink.Close(giveUp(t.Context()))
	}
}

// Each shape is measured with each handler, once a round.
func TestBesideMeasuresEveryHandler(t *testing.T) {
	if testing.Short() {
		t.Skip("fills rings")
	}
	for _, shape := range records.Shapes()[:1] {
		bs, err := besideShape(t.Context(), Spec{Records: 100, Rounds: 3}, shape)
		if err != nil {
			t.Fatal(err)
		}
		seen := map[string]bool{}
		for _, b := range bs {
			seen[b.Handler] = true
			if len(b.NS) != 3 || b.NS[0] <= 0 || b.Shape != shape.Name {
				t.Errorf("%+v", b)
			}
		}
		for _, h := range []string{HandlerFull, HandlerIdle, HandlerSource, HandlerFresh, "phuslu", "slogjson", PhusluSource} {
			if !seen[h] {
				t.Errorf("%s is missing", h)
			}
		}
	}
}

// A gate that holds fills the ring; one that was released takes what is held.
func TestGateHoldsRequests(t *testing.T) {
	g := newGate("")
	g.hold()
	sink, err := slogshipTo(peers.Setup{Compression: peers.None, Queue: 1000}, g)
	if err != nil {
		t.Fatal(err)
	}
	h, ok := sink.Handler.(*slogship.Handler)
	if !ok {
		t.Fatalf("%T", sink.Handler)
	}
	log := slog.New(sink.Handler)
	for i := range 2000 {
		records.Log(t.Context(), log, i)
	}
	if s := h.Stats(); s.Delivered != 0 || s.Dropped.Overflow == 0 {
		t.Errorf("while it holds: %v", s)
	}
	g.release()
	if err := sink.Flush(t.Context()); err != nil {
		t.Error(err)
	}
	if s := h.Stats(); s.Pending != 0 || s.Delivered+s.Dropped.Overflow != 2000 {
		t.Errorf("afterwards: %v", s)
	}
	_ = sink.Close(t.Context())
}
