package command

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/slogship/slogship"
)

// check sends one record, and says what became of it.
func check(c *config, stop <-chan os.Signal) (status int) {
	ctx, cancel := stopped(context.Background(), stop)
	defer cancel()
	c.env.say("slogship: %s at %s\n", c.backend.Name, shown(c))
	first, err := c.try(ctx, c.compression)
	if err != nil {
		c.env.say("%v\n", err)
		return exitUsage
	}
	for _, hint := range first.clockHints() {
		c.env.say("  clock: %s\n", hint)
	}
	if first.stats.Delivered == 1 {
		c.env.say("slogship: taken (%s, %v)\n", first.status, first.took.Round(time.Millisecond))
		return exitDelivered
	}
	c.env.say("slogship: not taken: %v\n", first.err)
	if first.response != nil && c.compression != slogship.None && ctx.Err() == nil {
		if plain, err := c.try(ctx, slogship.None); err == nil && plain.stats.Delivered == 1 {
			c.env.say("  gzip: the same record was taken without compression: use -compression none\n")
			return exitRefused
		}
	}
	for _, hint := range first.hints(c) {
		c.env.say("  %s\n", hint)
	}
	if first.stats.Dropped.Rejected+first.stats.Dropped.TooLarge > 0 {
		return exitRefused
	}
	return exitUnsent
}

// shown is the endpoint without secrets.
func shown(c *config) string {
	h, err := slogship.New(c.url, &slogship.Options{Format: c.backend.Format(nil, false)})
	if err != nil {
		return "an endpoint that cannot be used"
	}
	defer h.Close()
	return h.String()
}

// trial is what became of one record.
type trial struct {
	mu sync.Mutex // guards what the transport and OnError write

	err      error // why it was not taken
	cause    error // of that, as net/http has it; nil if there was an answer
	response *http.Response
	status   string
	took     time.Duration
	clock    time.Duration // by how much the server's clock is ahead
	clocked  bool
	stats    slogship.Stats
}

// try ships one record, and waits until it is taken or fails.
func (c *config) try(ctx context.Context, compression slogship.Compression) (*trial, error) {
	t := &trial{}
	failed := make(chan struct{})
	var once sync.Once
	h, err := slogship.New(c.url, &slogship.Options{
		Format:         c.backend.Format(c.attrs, false),
		Header:         c.header,
		Compression:    compression,
		RequestTimeout: c.timeout,
		FlushLevel:     slog.LevelInfo,
		Client:         &http.Client{Transport: t},
		OnError: func(err error) {
			t.mu.Lock()
			defer t.mu.Unlock()
			if t.err == nil {
				t.err = err
			}
			once.Do(func() { close(failed) })
		},
	})
	if err != nil {
		return nil, err
	}
	began := time.Now()
	var out slog.Handler = h
	if !c.backend.Described {
		out = h.WithAttrs(c.attrs)
	}
	slog.New(out).Info("slogship check: this record is a test", "check", true)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() {
		select {
		case <-failed:
			cancel()
		case <-ctx.Done():
		}
	}()
	flushed := h.Flush(ctx)
	t.took = time.Since(began)
	ended, end := context.WithCancel(context.Background())
	end()
	_ = h.Shutdown(ended) // what it leaves is in Stats
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stats = h.Stats()
	if t.err == nil && flushed != nil {
		t.err = flushed
	}
	if t.err == nil && t.stats.Delivered == 0 {
		t.err = errors.New("there was no answer")
	}
	return t, nil
}

// RoundTrip keeps what the answer, or the error, tells beside its text.
func (t *trial) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := http.DefaultTransport.RoundTrip(r)
	t.mu.Lock()
	defer t.mu.Unlock()
	t.cause = err
	if err != nil {
		return nil, err
	}
	t.response, t.status = response, response.Status
	if date, err := http.ParseTime(response.Header.Get("Date")); err == nil {
		t.clock, t.clocked = time.Until(date), true
	}
	return response, nil
}
