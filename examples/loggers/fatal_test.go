package loggers_test

import (
	"os"
	"testing"

	"github.com/rs/zerolog"
	"github.com/sirupsen/logrus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	slogzap "github.com/slogship/slogship/adapters/zap"
	"github.com/slogship/slogship/lines"
	"github.com/slogship/slogship/slogshiptest"
)

// exit stands for os.Exit: nothing deferred by the application runs.
type exit struct{ arrived int }

// When a logger ends the process, its last record has arrived.
func TestFatal(t *testing.T) {
	for name, fatal := range map[string]func(w *lines.Writer, core zapcore.Core, exits func()){
		"zerolog": func(w *lines.Writer, _ zapcore.Core, exits func()) {
			zerolog.FatalExitFunc = exits
			logger := zerolog.New(w)
			logger.Fatal().Msg("no key fits")
		},
		"zerolog, several writers": func(w *lines.Writer, _ zapcore.Core, exits func()) {
			zerolog.FatalExitFunc = exits
			null, err := os.OpenFile(os.DevNull, os.O_WRONLY, 0)
			if err != nil {
				t.Fatal(err)
			}
			logger := zerolog.New(zerolog.MultiLevelWriter(w, null))
			logger.Fatal().Msg("no key fits")
		},
		"zap": func(w *lines.Writer, _ zapcore.Core, exits func()) {
			core := zapcore.NewCore(zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig()), zapcore.AddSync(w), zap.InfoLevel)
			zap.New(core, zap.WithFatalHook(hook(exits))).Fatal("no key fits")
		},
		"zap core": func(_ *lines.Writer, core zapcore.Core, exits func()) {
			zap.New(core, zap.WithFatalHook(hook(exits))).Fatal("no key fits")
		},
		"logrus": func(w *lines.Writer, _ zapcore.Core, exits func()) {
			logger := logrus.New()
			logger.SetOutput(w)
			logger.ExitFunc = func(int) { exits() }
			logrus.RegisterExitHandler(func() { w.Close() })
			logger.Fatal("no key fits")
		},
	} {
		t.Run(name, func(t *testing.T) {
			backend := slogshiptest.NewReceiver()
			h := newHandler(backend)
			defer h.Close()
			defer func() {
				if e, ok := recover().(exit); !ok || e.arrived != 1 {
					t.Errorf("exit: %v, with %d records arrived", ok, e.arrived)
				}
				for _, r := range backend.Records() {
					if r.Message != "no key fits" || r.Level != "error+4" {
						t.Errorf("%s %q", r.Level, r.Message)
					}
				}
			}()
			fatal(lines.NewWriter(h, nil), slogzap.NewCore(h), func() { panic(exit{backend.Len()}) })
		})
	}
}

// hook is what zap calls instead of os.Exit.
type hook func()

func (h hook) OnWrite(*zapcore.CheckedEntry, []zapcore.Field) { h() }
