package peers

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"tailscale.com/logtail"
	"tailscale.com/types/logid"

	"github.com/slogship/slogship/bench/receiver"
)

var logtailPeer = Peer{
	Name:     "logtail",
	Title:    "tailscale logtail",
	Modules:  []string{"tailscale.com"},
	Proto:    receiver.Logtail,
	Plain:    None,
	Others:   []Compression{Zstd},
	Settings: "logtail.Logger behind slog.JSONHandler; NewMemoryBuffer of the queue's bound, MaxUploadSize 1 MiB (table 3: 256 KiB, its default; table 5: 4 MiB), flush delay 1 s, no copy to standard error; its own Flush does nothing, so the harness wakes it (StartFlush) and watches its buffer until it asks for more",
	Defaults: "NewLogger with Collection and PrivateID, as in its example program (256 lines of memory, 2 s), behind slog.JSONHandler; end: Logger.Shutdown",
	Open:     openLogtail,
}

func openLogtail(s Setup) (*Sink, error) {
	id, err := logid.NewPrivateID()
	if err != nil {
		return nil, err
	}
	cfg := logtail.Config{
		Collection: "bench.example",
		PrivateID:  id,
		BaseURL:    s.URL,
	}
	if s.README {
		l := logtail.NewLogger(cfg, func(string, ...any) {})
		return &Sink{Handler: slog.NewJSONHandler(l, nil), Close: l.Shutdown}, nil
	}
	buf := &watched{Buffer: logtail.NewMemoryBuffer(s.Queue)}
	cfg.Buffer = buf
	cfg.Stderr = io.Discard
	cfg.HTTPC = &http.Client{}
	cfg.MaxUploadSize = s.Batch.of(256<<10, 1<<20, 4<<20)
	cfg.FlushDelayFn = func() time.Duration { return time.Second }
	cfg.CompressLogs = s.Compression == Zstd
	l := logtail.NewLogger(cfg, func(string, ...any) {})
	return &Sink{
		Handler: slog.NewJSONHandler(l, nil),
		Flush: func(ctx context.Context) error {
			buf.empty.Store(0)
			for buf.empty.Load() < 2 {
				l.StartFlush()
				select {
				case <-time.After(time.Millisecond):
				case <-ctx.Done():
					return ctx.Err()
				}
			}
			return nil
		},
		Close: l.Shutdown,
	}, nil
}

// watched is a Buffer that knows when all that was read from it is uploaded:
// the uploader asks for lines until there are none, uploads, and only then
// asks again. Found empty twice in a row, nothing is in flight.
type watched struct {
	logtail.Buffer
	empty atomic.Int32
}

func (w *watched) TryReadLine() ([]byte, error) {
	b, err := w.Buffer.TryReadLine()
	if b == nil && err == nil {
		w.empty.Add(1)
	} else {
		w.empty.Store(0)
	}
	return b, err
}
