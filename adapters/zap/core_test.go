package slogzap_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/netip"
	"os"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	slogzap "github.com/slogship/slogship/adapters/zap"
)

// user is an object and, as users, an array.
type user struct {
	name string
	age  int
}

func (u user) MarshalLogObject(enc zapcore.ObjectEncoder) error {
	enc.AddString("name", u.name)
	enc.OpenNamespace("more")
	enc.AddInt("age", u.age)
	if u.age < 0 {
		return errors.New("not born")
	}
	return nil
}

type users []user

func (us users) MarshalLogArray(enc zapcore.ArrayEncoder) error {
	for _, u := range us {
		if err := enc.AppendObject(u); err != nil {
			return err
		}
	}
	return nil
}

// mixed is an array of everything.
type mixed struct{}

func (mixed) MarshalLogArray(enc zapcore.ArrayEncoder) error {
	enc.AppendBool(true)
	enc.AppendByteString([]byte("b"))
	enc.AppendComplex128(1 + 2i)
	enc.AppendComplex64(-1.5i)
	enc.AppendDuration(time.Second)
	enc.AppendFloat64(0.5)
	enc.AppendFloat32(0.1)
	enc.AppendInt(-1)
	enc.AppendInt64(-2)
	enc.AppendInt32(-3)
	enc.AppendInt16(-4)
	enc.AppendInt8(-5)
	enc.AppendString("s")
	enc.AppendTime(time.Unix(1, 0).UTC())
	enc.AppendUint(1)
	enc.AppendUint64(2)
	enc.AppendUint32(3)
	enc.AppendUint16(4)
	enc.AppendUint8(5)
	enc.AppendUintptr(6)
	_ = enc.AppendArray(zapcore.ArrayMarshalerFunc(func(zapcore.ArrayEncoder) error { return nil }))
	return enc.AppendReflected(map[string]int{"a": 1})
}

// nilStringer panics if it is nil.
type nilStringer struct{ s string }

func (n *nilStringer) String() string { return n.s }

// allFields has each type of field.
func allFields() []zap.Field {
	return []zap.Field{
		zap.Array("array", mixed{}), zap.Array("none", users{}), zap.Object("object", user{"a", 1}),
		zap.Object("failing", user{"b", -1}), zap.Array("objects", users{{"a", 1}, {"b", 2}}),
		zap.Dict("dict", zap.Int("z", 1), zap.Int("a", 2)), zap.Inline(zapcore.ObjectMarshalerFunc(
			func(enc zapcore.ObjectEncoder) error { enc.AddInt("inline", 1); return nil })),
		zap.Binary("binary", []byte{0, 255}), zap.ByteString("bytes", []byte("b")), zap.Bool("bool", true),
		zap.Complex128("complex", 1-2i), zap.Complex64("complex64", 0.1i), zap.Duration("duration", 1500*time.Millisecond),
		zap.Float64("float", 0.1), zap.Float32("float32", 0.1), zap.Int64("int64", -1<<63), zap.Int32("int32", -1),
		zap.Int16("int16", -1), zap.Int8("int8", -1), zap.Int("int", 7), zap.String("string", "s"),
		zap.Time("time", time.Unix(0, 7).UTC()), zap.Time("oldtime", time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)),
		zap.Uint64("uint64", 1<<64-1), zap.Uint32("uint32", 1), zap.Uint16("uint16", 1), zap.Uint8("uint8", 1),
		zap.Uint("uint", 1), zap.Uintptr("uintptr", 1), zap.Reflect("reflect", map[string]any{"a": []int{1}}),
		zap.Reflect("nil", nil), zap.Stringer("stringer", netip.MustParseAddr("192.0.2.1")),
		zap.Stringer("nilstringer", (*nilStringer)(nil)), zap.Error(errors.New("no key")), zap.Skip(),
		zap.NamedError("noerror", nil), zap.Strings("strings", []string{"a"}), zap.Any("any", []float64{1}),
		zap.Namespace("outer"), zap.Int("a", 1), zap.Namespace("inner"), zap.Int("b", 2),
	}
}

// encoderConfig makes zap's JSON use the names and forms of slog's.
var encoderConfig = zapcore.EncoderConfig{
	TimeKey: "time", LevelKey: "level", MessageKey: "msg", NameKey: "logger", StacktraceKey: "stacktrace",
	EncodeTime: zapcore.RFC3339NanoTimeEncoder, EncodeDuration: zapcore.NanosDurationEncoder,
	EncodeLevel: zapcore.CapitalLevelEncoder, LineEnding: "\n",
}

// both returns a logger that writes as zap does, and one that writes through
// the core and slog.JSONHandler.
func both() (ofZap, ofSlog *zap.Logger, zapText, slogText *bytes.Buffer) {
	zapText, slogText = new(bytes.Buffer), new(bytes.Buffer)
	ofZap = zap.New(zapcore.NewCore(zapcore.NewJSONEncoder(encoderConfig), zapcore.AddSync(zapText), zap.DebugLevel))
	ofSlog = zap.New(slogzap.NewCore(slog.NewJSONHandler(slogText, &slog.HandlerOptions{Level: slog.LevelDebug})))
	return ofZap, ofSlog, zapText, slogText
}

func decoded(t *testing.T, text *bytes.Buffer) map[string]any {
	t.Helper()
	var m map[string]any
	d := json.NewDecoder(text)
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatalf("%v: %s", err, text)
	}
	delete(m, "time")
	return m
}

// A record through the core holds what zap's own JSON holds.
func TestSameAsZap(t *testing.T) {
	for name, log := range map[string]func(l *zap.Logger){
		"fields": func(l *zap.Logger) { l.Info("m", allFields()...) },
		"With":   func(l *zap.Logger) { l.With(allFields()...).Warn("m", zap.Int("c", 3)) },
		"With in between": func(l *zap.Logger) {
			l.With(zap.Int("x", 1)).With(allFields()...).With(zap.Int("d", 4)).Error("m", zap.Int("c", 3))
		},
		"WithLazy": func(l *zap.Logger) { l.WithLazy(allFields()...).Debug("m") },
		"name":     func(l *zap.Logger) { l.Named("a").Named("b").With(zap.Namespace("n")).Info("m", zap.Int("a", 1)) },
		"sugar":    func(l *zap.Logger) { l.Sugar().With("a", 1).Infow("m", "b", time.Second, "c", errors.New("no key")) },
		"two namespaces": func(l *zap.Logger) {
			l.With(zap.Namespace("n")).With(zap.Int("a", 1), zap.Namespace("o")).Info("m", zap.Int("b", 1))
		},
	} {
		t.Run(name, func(t *testing.T) {
			ofZap, ofSlog, zapText, slogText := both()
			log(ofZap)
			log(ofSlog)
			want, got := decoded(t, zapText), decoded(t, slogText)
			for key := range want {
				if !reflect.DeepEqual(got[key], want[key]) {
					t.Errorf("%s: got %#v, want %#v", key, got[key], want[key])
				}
			}
			if len(got) != len(want) {
				t.Errorf("got %v\nwant %v", got, want)
			}
		})
	}
}

// A core made with With is not changed by others that are made of it.
func TestWithIsACopy(t *testing.T) {
	var text bytes.Buffer
	base := zap.New(slogzap.NewCore(slog.NewJSONHandler(&text, nil))).With(zap.Namespace("n"), zap.Int("a", 1))
	base = base.With(zap.Int("b", 2)).With(zap.Int("c", 3)) // what appends has room left now
	one, two := base.With(zap.Int("d", 4)), base.With(zap.Int("e", 5))
	for _, l := range []*zap.Logger{base, one, two} {
		l.Info("m", zap.Int("f", 6))
	}
	for i, want := range []string{
		`{"a":1,"b":2,"c":3,"f":6}`, `{"a":1,"b":2,"c":3,"d":4,"f":6}`, `{"a":1,"b":2,"c":3,"e":5,"f":6}`,
	} {
		if line := strings.Split(text.String(), "\n")[i]; !strings.Contains(line, `"n":`+want+"}") {
			t.Errorf("%s, want %s", line, want)
		}
	}
}

// records keeps the records that it is handed.
type records struct {
	slog.Handler
	all   []slog.Record
	err   error // of Handle
	flush func(context.Context) error
}

func (h *records) Handle(_ context.Context, r slog.Record) error {
	h.all = append(h.all, r)
	return h.err
}

func (h *records) Flush(ctx context.Context) error { return h.flush(ctx) }

func newRecords() *records {
	return &records{
		Handler: slog.NewTextHandler(nil, &slog.HandlerOptions{Level: slog.LevelDebug}),
		flush:   func(context.Context) error { return nil },
	}
}

// The handler is handed the kinds of the fields, the error itself, the time of
// the entry and the place of the call.
func TestKinds(t *testing.T) {
	h := newRecords()
	err := errors.New("no key")
	clock := time.Date(2026, 1, 2, 15, 4, 5, 6, time.UTC)
	l := zap.New(slogzap.NewCore(h), zap.AddCaller(), zap.AddStacktrace(zap.ErrorLevel), zap.WithClock(fixed(clock)))
	l.Info("m", zap.Int8("int", 1), zap.Duration("duration", time.Second), zap.Time("time", clock), zap.Error(err))
	r := h.all[0]
	var kinds []slog.Kind
	r.Attrs(func(a slog.Attr) bool {
		kinds = append(kinds, a.Value.Kind())
		if a.Key == "error" && a.Value.Any() != err {
			t.Errorf("error is %#v", a.Value)
		}
		return true
	})
	if want := []slog.Kind{slog.KindInt64, slog.KindDuration, slog.KindTime, slog.KindAny}; !reflect.DeepEqual(kinds, want) {
		t.Errorf("kinds %v, want %v", kinds, want)
	}
	if !r.Time.Equal(clock) || r.Message != "m" || r.Level != slog.LevelInfo {
		t.Errorf("%v", r)
	}
	if s := r.Source(); !strings.HasSuffix(s.File, "core_test.go") || !strings.HasSuffix(s.Function, "TestKinds") {
		t.Errorf("source %v", s)
	}
	l.Error("m")
	h.all[1].Attrs(func(a slog.Attr) bool {
		if a.Key != "stacktrace" || !strings.Contains(a.Value.String(), "TestKinds") {
			t.Errorf("%v, want the stack", a)
		}
		return true
	})
	if h.all[1].NumAttrs() != 1 {
		t.Errorf("%d attributes, want the stack", h.all[1].NumAttrs())
	}
}

type fixed time.Time

func (f fixed) Now() time.Time                       { return time.Time(f) }
func (fixed) NewTicker(d time.Duration) *time.Ticker { return time.NewTicker(d) }

// The source is the line of the call, whatever comes right after it.
func TestSourceLine(t *testing.T) {
	h := newRecords()
	l := zap.New(slogzap.NewCore(h), zap.AddCaller())
	var wantFile string
	var wantLine int
	var pc uintptr
	l = l.WithOptions(zap.Hooks(func(e zapcore.Entry) error {
		wantFile, wantLine, pc = e.Caller.File, e.Caller.Line, e.Caller.PC
		return nil
	}))
	inlined(l)
	for range 2 {
		l.Info("c")
		r := h.all[len(h.all)-1]
		if s := r.Source(); s.File != wantFile || s.Line != wantLine {
			t.Errorf("%s:%d, want %s:%d", s.File, s.Line, wantFile, wantLine)
		}
		if r.PC != pc+1 {
			t.Errorf("PC is zap's %+d, want +1, the address after the call", int(r.PC-pc))
		}
	}
	if s := h.all[0].Source(); !strings.HasSuffix(s.Function, "inlined") {
		t.Errorf("the source of an inlined call is %s", s.Function)
	}
}

func inlined(l *zap.Logger) { l.Info("inlined") }

// A caller without an address is an attribute.
func TestCallerByName(t *testing.T) {
	h := newRecords()
	e := zapcore.Entry{Caller: zapcore.EntryCaller{Defined: true, File: "/src/a/b.go", Line: 7}}
	slogzap.NewCore(h).Write(e, nil)
	h.all[0].Attrs(func(a slog.Attr) bool {
		if a.String() != "caller=/src/a/b.go:7" {
			t.Error(a)
		}
		return true
	})
	if h.all[0].NumAttrs() != 1 || h.all[0].PC != 0 {
		t.Error(h.all[0])
	}
}

func TestLevels(t *testing.T) {
	h := newRecords()
	for level, want := range map[zapcore.Level]slog.Level{
		zap.DebugLevel: -4, zap.InfoLevel: 0, zap.WarnLevel: 4, zap.ErrorLevel: 8, zap.DPanicLevel: 12, zap.PanicLevel: 12, zap.FatalLevel: 12,
	} {
		slogzap.NewCore(h).Write(zapcore.Entry{Level: level}, nil)
		if got := h.all[len(h.all)-1].Level; got != want {
			t.Errorf("%v: %v, want %v", level, got, want)
		}
	}
	core := slogzap.NewCore(slog.NewTextHandler(nil, &slog.HandlerOptions{Level: slog.LevelWarn}))
	if core.Enabled(zap.InfoLevel) || !core.Enabled(zap.WarnLevel) {
		t.Error("Enabled is not the handler's")
	}
	if core.Check(zapcore.Entry{Level: zap.InfoLevel}, nil) != nil || core.Check(zapcore.Entry{Level: zap.WarnLevel}, nil) == nil {
		t.Error("Check does not ask Enabled")
	}
}

// Sync flushes the handler, for 5 s at most; so does an entry after which the process
// may end.
func TestSync(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := newRecords()
		h.err = errors.New("no room")
		flushed := 0
		h.flush = func(ctx context.Context) error {
			flushed++
			<-ctx.Done()
			return ctx.Err()
		}
		core := slogzap.NewCore(h)
		began := time.Now()
		if err := core.Sync(); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != 5*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		for _, level := range []zapcore.Level{zap.ErrorLevel, zap.DPanicLevel, zap.PanicLevel, zap.FatalLevel} {
			if err := core.Write(zapcore.Entry{Level: level}, nil); err != h.err {
				t.Errorf("%v: %v, want the handler's error", level, err)
			}
		}
		if flushed != 3 {
			t.Errorf("flushed %d times, want 3", flushed)
		}
		if err := slogzap.NewCore(slog.DiscardHandler).Sync(); err != nil {
			t.Errorf("without Flush: %v", err)
		}
	})
}

// Any handler of log/slog will do: slogship.New returns one.
func ExampleNewCore() {
	h := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})
	logger := zap.New(slogzap.NewCore(h)).Named("door").With(zap.Namespace("request"))
	defer logger.Sync()
	logger.Warn("no key fits", zap.Int("attempt", 3), zap.Duration("took", time.Second))
	// Output: level=WARN msg="no key fits" logger=door request.attempt=3 request.took=1s
}

func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
