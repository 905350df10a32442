package expslog_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"runtime"
	"strings"
	"testing"
	"time"

	xslog "golang.org/x/exp/slog"

	"github.com/slogship/slogship/expslog"
)

// The LogValuers of the two packages. Their names differ in the first letter
// alone, so that texts that name them can be compared.
type (
	stdValuer  struct{ v slog.Value }
	expValuer  struct{ v xslog.Value }
	stdPanics  struct{}
	expPanics  struct{}
	stdEndless struct{}
	expEndless struct{}
)

func (l stdValuer) LogValue() slog.Value   { return l.v }
func (l expValuer) LogValue() xslog.Value  { return l.v }
func (stdPanics) LogValue() slog.Value     { panic("no") }
func (expPanics) LogValue() xslog.Value    { panic("no") }
func (l stdEndless) LogValue() slog.Value  { return slog.AnyValue(l) }
func (l expEndless) LogValue() xslog.Value { return xslog.AnyValue(l) }

// twins makes the same attributes for both packages.
type twins struct{ *rand.Rand }

func (r twins) attrs(depth int) (std []slog.Attr, exp []xslog.Attr) {
	for i := range r.IntN(8) {
		key := fmt.Sprintf("k%d", i)
		if r.IntN(10) == 0 {
			key = ""
		}
		s, x := r.value(depth)
		std = append(std, slog.Attr{Key: key, Value: s})
		exp = append(exp, xslog.Attr{Key: key, Value: x})
	}
	return std, exp
}

// value makes a value that has no more groups and LogValuers in it below depth 4.
func (r twins) value(depth int) (slog.Value, xslog.Value) {
	same := func(v any) (slog.Value, xslog.Value) { return slog.AnyValue(v), xslog.AnyValue(v) }
	kinds := 20
	if depth > 3 {
		kinds = 17
	}
	switch r.IntN(kinds) {
	case 0:
		return same("text \"\\\n é \xff")
	case 1:
		return same(r.Int64() - r.Int64())
	case 2:
		return same(r.Uint64())
	case 3:
		return same(r.NormFloat64())
	case 4:
		return same(math.Inf(1))
	case 5:
		return same(r.IntN(2) == 0)
	case 6:
		return same(time.Duration(r.Int64()))
	case 7:
		return same(time.Unix(r.Int64N(1<<33), r.Int64N(1e9)))
	case 8:
		return same(time.Time{})
	case 9:
		return same(nil)
	case 10:
		return same(errors.New("broken"))
	case 11:
		return same(map[string]any{"m": []int{1, 2}, "l": xslog.LevelWarn})
	case 12:
		return same(make(chan int))
	case 13:
		l := r.IntN(20) - 8
		return slog.AnyValue(slog.Level(l)), xslog.AnyValue(xslog.Level(l))
	case 14:
		return slog.AnyValue(&slog.Source{File: "f.go", Line: 1}), xslog.AnyValue(&xslog.Source{File: "f.go", Line: 1})
	case 15:
		return slog.AnyValue(stdPanics{}), xslog.AnyValue(expPanics{})
	case 16:
		return slog.AnyValue(stdEndless{}), xslog.AnyValue(expEndless{})
	case 17:
		s, _ := r.value(depth + 1)
		return s, xslog.AnyValue(s) // a value of log/slog in a call of x/exp
	case 18:
		s, x := r.value(depth + 1)
		return slog.AnyValue(stdValuer{s}), xslog.AnyValue(expValuer{x})
	default:
		s, x := r.attrs(depth + 1)
		return slog.GroupValue(s...), xslog.GroupValue(x...)
	}
}

// normalize returns output as far as it is bound to be the same: the stack below a
// panic is the package's own, and a test's types have names of their own.
func normalize(text string) string {
	text = strings.ReplaceAll(text, "expslog_test.exp", "expslog_test.std")
	for {
		before, after, found := strings.Cut(text, `LogValue panicked\n`)
		if !found {
			return text
		}
		_, rest, _ := strings.Cut(after, `"`)
		text = before + `LogValue panicked"` + rest
	}
}

// A record logged through x/exp and the bridge reads as one logged through
// log/slog: time, level, source, message and every kind of attribute.
func TestOutputIsThatOfLogSlog(t *testing.T) {
	seeds := uint64(2000)
	if testing.Short() {
		seeds = 200
	}
	for seed := range seeds {
		r := twins{rand.New(rand.NewPCG(seed, 0))}
		options := &slog.HandlerOptions{AddSource: true}
		if seed%2 == 1 {
			options.ReplaceAttr = byType
		}
		want, got := r.outputs(options)
		if want, got := normalize(want), normalize(got); want != got {
			t.Fatalf("seed %d\nthrough x/exp    %sthrough log/slog %s", seed, got, want)
		}
	}
}

// byType is a ReplaceAttr that knows the types of log/slog alone.
func byType(groups []string, a slog.Attr) slog.Attr {
	switch v := a.Value.Any().(type) {
	case slog.Level:
		a.Value = slog.IntValue(int(v))
	case *slog.Source:
		a.Key += "_source"
	}
	a.Key = strings.Join(append(groups, a.Key), ".")
	return a
}

// outputs logs the same record, with the same attributes and groups before it,
// through both packages.
func (r twins) outputs(options *slog.HandlerOptions) (std, exp string) {
	var stdOut, expOut bytes.Buffer
	var sh slog.Handler = slog.NewJSONHandler(&stdOut, options)
	xh := expslog.New(slog.NewJSONHandler(&expOut, options))
	for range r.IntN(4) {
		if r.IntN(2) == 0 {
			sh, xh = sh.WithGroup("g"), xh.WithGroup("g")
		} else if s, x := r.attrs(0); len(s) > 0 {
			sh, xh = sh.WithAttrs(s), xh.WithAttrs(x)
		}
	}
	level := r.IntN(20) - 8
	var now time.Time
	if r.IntN(10) > 0 {
		now = time.Now()
	}
	var pc [1]uintptr
	if r.IntN(10) > 0 {
		runtime.Callers(1, pc[:])
	}
	s, x := r.attrs(0)
	sr := slog.NewRecord(now, slog.Level(level), "msg", pc[0])
	sr.AddAttrs(s...)
	sh.Handle(context.Background(), sr)
	xr := xslog.NewRecord(now, xslog.Level(level), "msg", pc[0])
	xr.AddAttrs(x...)
	xh.Handle(context.Background(), xr)
	return stdOut.String(), expOut.String()
}

// The source is the line of the application that logs, not one of the bridge.
func TestSourceIsTheCallers(t *testing.T) {
	var buf bytes.Buffer
	h := expslog.New(slog.NewJSONHandler(&buf, &slog.HandlerOptions{AddSource: true}))
	_, file, line, _ := runtime.Caller(0)
	xslog.New(h).Info("m") // the line after
	source := lines(t, buf.Bytes())[0][slog.SourceKey].(map[string]any)
	if source["file"] != file || source["line"] != float64(line+1) {
		t.Errorf("source is %v, want %s:%d", source, file, line+1)
	}
}
