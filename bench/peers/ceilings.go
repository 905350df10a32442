package peers

import (
	"context"
	"io"
	"log/slog"

	phuslu "github.com/phuslu/log"
	"github.com/rs/zerolog"
	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"go.uber.org/zap/zapcore"
)

// Ceilings are handlers that ship nothing: they format the record to
// io.Discard, or do not even that.
func Ceilings() []Peer {
	ceiling := func(name, title, settings string, h func(Setup) slog.Handler, modules ...string) Peer {
		return Peer{Name: name, Title: title, Settings: settings, Modules: modules, Open: func(s Setup) (*Sink, error) {
			nothing := func(context.Context) error { return nil }
			return &Sink{Handler: h(s), Flush: nothing, Close: nothing}, nil
		}}
	}
	return []Peer{
		ceiling("nothing", "a handler that does nothing", "Handle returns nil",
			func(Setup) slog.Handler { return nothing{} }),
		ceiling("phuslu", "phuslu/log to io.Discard", "phuslu SlogNewJSONHandler(io.Discard)",
			func(s Setup) slog.Handler {
				return phuslu.SlogNewJSONHandler(io.Discard, &slog.HandlerOptions{AddSource: s.Source})
			}, "github.com/phuslu/log"),
		ceiling("slogjson", "slog.JSONHandler to io.Discard", "slog.NewJSONHandler(io.Discard)",
			func(s Setup) slog.Handler {
				return slog.NewJSONHandler(io.Discard, &slog.HandlerOptions{AddSource: s.Source})
			}),
		ceiling("zerolog", "zerolog to io.Discard", "zerolog.NewSlogHandler(zerolog.New(io.Discard))",
			func(s Setup) slog.Handler {
				l := zerolog.New(io.Discard)
				if s.Source {
					l = l.With().Caller().Logger()
				}
				return zerolog.NewSlogHandler(l)
			}, "github.com/rs/zerolog"),
		ceiling("zap", "zap to io.Discard", "zapslog.NewHandler of a production JSON core to io.Discard",
			func(s Setup) slog.Handler {
				enc := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
				core := zapcore.NewCore(enc, zapcore.AddSync(io.Discard), zapcore.InfoLevel)
				return zapslog.NewHandler(core, zapslog.WithCaller(s.Source))
			}, "go.uber.org/zap", "go.uber.org/zap/exp"),
	}
}

type nothing struct{}

func (nothing) Enabled(context.Context, slog.Level) bool  { return true }
func (nothing) Handle(context.Context, slog.Record) error { return nil }
func (n nothing) WithAttrs([]slog.Attr) slog.Handler      { return n }
func (n nothing) WithGroup(string) slog.Handler           { return n }
