package export

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// stuck is a Format that writes nothing until it is let go.
type stuck struct {
	slogship.Format
	letGo <-chan struct{}
}

func (f stuck) AppendEvent(dst []byte, e *slogship.Event) []byte {
	<-f.letGo
	return f.Format.AppendEvent(dst, e)
}

// A request that does not end in time keeps its records from OnDrop. The cursor is
// before them nevertheless, though later records of other sources have arrived.
func TestStuck(t *testing.T) {
	const n = 300
	v := newViewer(t, n)
	backend := slogshiptest.NewServer(t)
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var s said
	ship := to(ctx, t, "logflare", backend, &s)
	letGo := make(chan struct{})
	defer close(letGo)
	of := *ship.target.backend
	format := of.format
	of.format = func(source string) slogship.Format {
		if source == "web" {
			return stuck{format(source), letGo}
		}
		return format(source)
	}
	ship.target.backend = &of

	e := &Export{Get: v.get, Progress: func(p Progress) {
		if p.Records == n {
			if err := backend.Wait(t.Context(), n*2/3); err != nil {
				t.Error(err)
			}
			stop()
		}
	}}
	p, err := e.Run(ctx, ship)
	if err == nil || !p.Broken {
		t.Fatalf("it was not broken off: %+v, %v", p, err)
	}
	var rest collect
	if _, err := (&Export{Get: v.get, Query: p.Query, Cursor: p.Cursor}).Run(t.Context(), &rest); err != nil {
		t.Fatal(err)
	}
	// 0 has arrived, but perhaps not yet its answer; 1 is the first that is stuck.
	if got := rest.messages; !slices.Equal(got, messages(1, n)) && !slices.Equal(got, messages(0, n)) {
		t.Errorf("%d records from the cursor on, want %d", len(got), n-1)
	}
}

// What is settled is forgotten, however much goes through.
func TestWayForgets(t *testing.T) {
	backend := slogshiptest.NewServer(t)
	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header(), OnFull: slogship.Block})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	w := newWay(h)
	key := int64(0)
	for range 8 {
		for range leastSweep / 2 {
			key++
			if err := w.take(t.Context(), key, slog.NewRecord(time.Now(), 0, fmt.Sprint(key), 0)); err != nil {
				t.Fatal(err)
			}
		}
		if err := h.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if len(w.open) > leastSweep {
			t.Fatalf("%d records are open after %d", len(w.open), key)
		}
	}
	if first, ok := w.unsent(); ok {
		t.Errorf("the record %d is unsent after Flush", first)
	}
}
