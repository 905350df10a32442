package peers

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"github.com/getsentry/sentry-go"
	sentryslog "github.com/getsentry/sentry-go/slog"

	"github.com/slogship/slogship/bench/receiver"
)

var sentryPeer = Peer{
	Name:     "sentry",
	Title:    "sentry-go slog",
	Modules:  []string{"github.com/getsentry/sentry-go", "github.com/getsentry/sentry-go/slog"},
	Proto:    receiver.Sentry,
	Plain:    None,
	Window:   900,
	Settings: "sentryslog.Option; ring of 1,000 records and batches of 100, which cannot be changed; it has no compression; Flush is Client.FlushWithContext. Where a table asks for delivery without loss, the harness flushes every 900 records",
	Defaults: "sentry client with a DSN (without the README's Debug: true, which prints every record), sentryslog.Option; end: Flush of 5 s, as in its README",
	Open:     openSentry,
}

func openSentry(s Setup) (*Sink, error) {
	client, err := sentry.NewClient(sentry.ClientOptions{
		Dsn: strings.Replace(s.URL, "http://", "http://public@", 1) + "/1",
	})
	if err != nil {
		return nil, err
	}
	ctx := sentry.SetHubOnContext(context.Background(), sentry.NewHub(client, sentry.NewScope()))
	h := sentryslog.Option{LogLevel: []slog.Level{slog.LevelInfo, slog.LevelWarn, slog.LevelError}}.NewSentryHandler(ctx)
	sink := &Sink{
		Handler: h,
		Flush: func(ctx context.Context) error {
			if !client.FlushWithContext(ctx) {
				return ctx.Err()
			}
			return nil
		},
		Close: func(ctx context.Context) error { return within(ctx, client.Close) },
	}
	if s.README {
		sink.Flush = nil
		sink.Close = func(context.Context) error { client.Flush(5 * time.Second); return nil }
	}
	return sink, nil
}
