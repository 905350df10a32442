package loggers_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"
	"github.com/sirupsen/logrus"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	slogzap "github.com/slogship/slogship/adapters/zap"
	"github.com/slogship/slogship/lines"
)

var (
	lineCount = flag.Int("lines", 20_000, "how many lines go through each logger")
	logDir    = flag.String("logs", "", "a directory with *.log files, whose lines are logged; if empty, made up ones are")
)

// levels are those that are logged in turn.
var levels = [...]slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError}

func levelAt(n int) slog.Level { return levels[n%len(levels)] }

// began is when the first line is logged; line n is, n milliseconds and some
// nanoseconds later.
var began = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func timeAt(n int) time.Time { return began.Add(time.Duration(n) * 1_000_001) }

// messages returns what is logged, again and again.
func messages(tb testing.TB) []string {
	tb.Helper()
	if *logDir == "" {
		made := make([]string, 0, 4*500)
		for n := range 500 {
			made = append(made,
				fmt.Sprintf("[%s] [error] mod_jk child workerEnv in error state %d", timeAt(n).Format(time.ANSIC), n),
				fmt.Sprintf("%s door sshd[%d]: Invalid user \"\\guest\" from 192.0.2.%d", timeAt(n).Format(time.Stamp), n, n%256),
				fmt.Sprintf("%s - WARN  [Peer[id=%d]/0:0:0:0:0:0:0:0:2181:Election@774] - Notification: {\"a\": 1} out", timeAt(n).Format("2006-01-02 15:04:05,000"), n),
				fmt.Sprintf("nova-api.log %s %d INFO nova.wsgi [req-%d - -] 192.0.2.1 \"GET /v2/é HTTP/1.1\" status: 200 time: 0.%d", timeAt(n).Format("2006-01-02 15:04:05.000"), n, n, n),
			)
		}
		return made
	}
	files, err := filepath.Glob(filepath.Join(*logDir, "*.log"))
	if err != nil || len(files) == 0 {
		tb.Fatalf("no *.log in %s: %v", *logDir, err)
	}
	var all []string
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			tb.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if line = strings.TrimRight(line, "\r\n"); strings.TrimSpace(line) != "" {
				all = append(all, line)
			}
		}
	}
	return all
}

// checker is a handler that compares the records with what was logged.
type checker struct {
	slog.Handler
	tb       testing.TB
	messages []string
	next     int
	accuracy time.Duration // of times
	clock    bool          // the logger has a clock of its own: times only have to be in order
	last     time.Time
	wrong    int
}

func (*checker) Enabled(context.Context, slog.Level) bool { return true }

func (c *checker) Handle(_ context.Context, r slog.Record) error {
	n := c.next
	c.next++
	message := c.messages[n%len(c.messages)]
	var number int64 = -1
	r.Attrs(func(a slog.Attr) bool {
		if a.Key == "n" && a.Value.Kind() == slog.KindInt64 {
			number = a.Value.Int64()
		}
		return true
	})
	good := r.Message == message && r.Level == levelAt(n)
	if c.clock {
		good = good && !r.Time.Before(c.last) && time.Since(r.Time).Abs() < time.Hour
	} else {
		good = good && r.Time.Sub(timeAt(n)).Abs() <= c.accuracy && number == int64(n)
	}
	c.last = r.Time
	if !good {
		if c.wrong++; c.wrong <= 3 {
			c.tb.Errorf("line %d: %v %v %q n=%d\nwant %v %v %q", n, r.Time, r.Level, r.Message, number, timeAt(n), levelAt(n), message)
		}
	}
	return nil
}

// Every line that a logger logs arrives, in order, with its level, its time and
// its message, whatever is in it.
func TestLines(t *testing.T) {
	all := messages(t)
	for _, c := range []struct {
		name     string
		accuracy time.Duration
		clock    bool
		logger   func(w io.Writer) (log func(n int, message string))
	}{
		{"zerolog", 0, false, withZerolog},
		{"zap", time.Microsecond, false, withZap}, // which makes a float64 of the time
		{"logrus", 0, false, withLogrus},
		{"logrus text", 0, false, withLogrusText},
		{"log", 0, true, withLog},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := &checker{Handler: slog.DiscardHandler, tb: t, messages: all, accuracy: c.accuracy, clock: c.clock}
			w := lines.NewWriter(h, nil)
			logLine := c.logger(w)
			for n := range *lineCount {
				logLine(n, all[n%len(all)])
			}
			w.Close()
			if h.next != *lineCount || h.wrong > 0 {
				t.Errorf("%d of %d lines arrived, %d of them wrong", h.next, *lineCount, h.wrong)
			}
		})
	}
	t.Run("zap core", func(t *testing.T) {
		h := &checker{Handler: slog.DiscardHandler, tb: t, messages: all}
		logLine := logZap(func(clock zapcore.Clock) *zap.Logger {
			return zap.New(slogzap.NewCore(h), zap.WithClock(clock))
		})
		for n := range *lineCount {
			logLine(n, all[n%len(all)])
		}
		if h.next != *lineCount || h.wrong > 0 {
			t.Errorf("%d of %d lines arrived, %d of them wrong", h.next, *lineCount, h.wrong)
		}
	})
}

func withZerolog(w io.Writer) func(n int, message string) {
	logger := zerolog.New(w)
	zerolog.TimeFieldFormat = time.RFC3339Nano
	return func(n int, message string) {
		event := logger.WithLevel([...]zerolog.Level{zerolog.DebugLevel, zerolog.InfoLevel, zerolog.WarnLevel, zerolog.ErrorLevel}[n%4])
		event.Time(zerolog.TimestampFieldName, timeAt(n)).Int("n", n).Msg(message)
	}
}

// zapClock is the clock of a logger.
type zapClock struct{ n *int }

func (c zapClock) Now() time.Time                       { return timeAt(*c.n) }
func (zapClock) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

func logZap(with func(zapcore.Clock) *zap.Logger) func(n int, message string) {
	now := new(int)
	logger := with(zapClock{now})
	return func(n int, message string) {
		*now = n
		logger.Log([...]zapcore.Level{zap.DebugLevel, zap.InfoLevel, zap.WarnLevel, zap.ErrorLevel}[n%4], message, zap.Int("n", n))
	}
}

func withZap(w io.Writer) func(n int, message string) {
	return logZap(func(clock zapcore.Clock) *zap.Logger {
		encoder := zapcore.NewJSONEncoder(zap.NewProductionEncoderConfig())
		return zap.New(zapcore.NewCore(encoder, zapcore.AddSync(w), zap.DebugLevel), zap.WithClock(clock))
	})
}

func withLogrus(w io.Writer) func(n int, message string) {
	return logLogrus(w, &logrus.JSONFormatter{TimestampFormat: time.RFC3339Nano})
}

func withLogrusText(w io.Writer) func(n int, message string) {
	return logLogrus(w, &logrus.TextFormatter{TimestampFormat: time.RFC3339Nano})
}

func logLogrus(w io.Writer, f logrus.Formatter) func(n int, message string) {
	logger := logrus.New()
	logger.SetOutput(w)
	logger.SetLevel(logrus.DebugLevel)
	logger.SetFormatter(f)
	return func(n int, message string) {
		level := [...]logrus.Level{logrus.DebugLevel, logrus.InfoLevel, logrus.WarnLevel, logrus.ErrorLevel}[n%4]
		logger.WithTime(timeAt(n)).WithField("n", n).Log(level, message)
	}
}

func withLog(w io.Writer) func(n int, message string) {
	logger := log.New(w, "", log.LstdFlags|log.Lmicroseconds|log.Lmsgprefix)
	return func(n int, message string) {
		logger.SetPrefix(levelAt(n).String() + " ")
		logger.Print(message)
	}
}
