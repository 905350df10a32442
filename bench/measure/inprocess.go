package measure

import (
	"context"
	"io"
	"net/http"
	"strings"
	"sync"

	"github.com/slogship/slogship"
)

// gate is a backend inside the process: it reads a request whole and takes it,
// or holds all requests until it is told to go on.
type gate struct {
	answer string

	mu   sync.Mutex    // guards open
	open chan struct{} // cap 0, closed while requests pass
}

func newGate(answer string) *gate {
	g := &gate{answer: answer, open: make(chan struct{})}
	close(g.open)
	return g
}

func (g *gate) hold() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.open = make(chan struct{})
}

func (g *gate) release() {
	g.mu.Lock()
	defer g.mu.Unlock()
	close(g.open)
}

func (g *gate) RoundTrip(r *http.Request) (*http.Response, error) {
	g.mu.Lock()
	open := g.open
	g.mu.Unlock()
	select {
	case <-open:
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
	if _, err := io.Copy(io.Discard, r.Body); err != nil {
		return nil, err
	}
	if err := r.Body.Close(); err != nil {
		return nil, err
	}
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{}, Body: io.NopCloser(strings.NewReader(g.answer)), Request: r,
	}, nil
}

// through makes slogship send to g instead of the network.
func (g *gate) through(o *slogship.Options) { o.Client = &http.Client{Transport: g} }

// giveUp is a context that is done: closing with it waits for nothing.
func giveUp(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	cancel()
	return ctx
}
