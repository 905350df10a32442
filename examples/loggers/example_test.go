package loggers_test

import (
	"fmt"
	"log"
	"os"

	"github.com/rs/zerolog"
	"github.com/sirupsen/logrus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/slogship/slogship"
	slogzap "github.com/slogship/slogship/adapters/zap"
	"github.com/slogship/slogship/lines"
	"github.com/slogship/slogship/slogshiptest"
)

// zerolog's Fatal closes its writer, which then flushes the handler: the last
// record leaves, too.
func Example_zerolog() {
	backend := slogshiptest.NewReceiver()
	h := newHandler(backend) // slogship.New(url, nil)
	defer h.Close()
	w := lines.NewWriter(h, nil)

	logger := zerolog.New(w).With().Timestamp().Str("service", "door").Logger()
	logger.Warn().Int("attempt", 3).Dict("key", zerolog.Dict().Str("kind", "brass")).Msg("no key fits")

	w.Close()
	show(backend)
	// Output: warn "no key fits" map[attempt:3 key:map[kind:brass] service:door]
}

// zap writes lines to whatever is a WriteSyncer, and a Writer is one.
func Example_zap() {
	backend := slogshiptest.NewReceiver()
	h := newHandler(backend)
	defer h.Close()
	w := lines.NewWriter(h, nil)

	encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
	logger := zap.New(zapcore.NewCore(encoder, zapcore.AddSync(w), zap.InfoLevel))
	logger.Warn("no key fits", zap.Int("attempt", 3))

	_ = logger.Sync() // flushes h
	show(backend)
	// Output: warn "no key fits" map[attempt:3]
}

// With zap's core there are no lines: fields are attributes at once.
func Example_zapCore() {
	backend := slogshiptest.NewReceiver()
	h := newHandler(backend)
	defer h.Close()

	logger := zap.New(slogzap.NewCore(h))
	logger.Named("front").Warn("no key fits", zap.Int("attempt", 3), zap.Namespace("key"), zap.String("kind", "brass"))

	_ = logger.Sync()
	show(backend)
	// Output: warn "no key fits" map[attempt:3 key:map[kind:brass] logger:front]
}

// logrus may keep its text, which is logfmt; its JSON says which values are
// strings. Its Fatal runs exit handlers before the process ends.
func Example_logrus() {
	backend := slogshiptest.NewReceiver()
	h := newHandler(backend)
	defer h.Close()
	w := lines.NewWriter(h, nil)

	logger := logrus.New()
	logger.SetOutput(w)
	logger.SetFormatter(&logrus.JSONFormatter{})
	logrus.RegisterExitHandler(func() { w.Close() })
	logger.WithField("attempt", 3).Warn("no key fits")

	w.Close()
	show(backend)
	// Output: warn "no key fits" map[attempt:3]
}

// Package log writes text. A level in front of the message, in capitals, is
// recognised.
func Example_log() {
	backend := slogshiptest.NewReceiver()
	h := newHandler(backend)
	defer h.Close()
	w := lines.NewWriter(h, nil)

	log.SetOutput(w) // those of log.New, too
	defer log.SetOutput(os.Stderr)
	log.Print("a stranger knocks")
	log.Print("WARN no key fits")

	w.Close()
	show(backend)
	// Output:
	// info "a stranger knocks" map[]
	// warn "no key fits" map[]
}

// newHandler returns a handler that ships to backend.
func newHandler(backend *slogshiptest.Receiver) *slogship.Handler {
	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header(), Client: backend.Client()})
	if err != nil {
		panic(err)
	}
	return h
}

// show prints what has arrived.
func show(backend *slogshiptest.Receiver) {
	for _, r := range backend.Records() {
		fmt.Printf("%s %q %v\n", r.Level, r.Message, r.Attrs)
	}
}
