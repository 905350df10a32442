package record

import (
	"context"
	"encoding/base64"
	"log/slog"
	"runtime"
	"strconv"
	"testing"
	"time"

	"github.com/slogship/slogship/internal/jsontext"
)

// What the tests' Maker makes.
type (
	jsonText  struct{ text string }
	rawBytes  struct{ data []byte }
	errorLike struct {
		text, typ string
		stack     []slog.Source
	}
	maker struct{}
)

func (maker) JSON(text string) any  { return &jsonText{text} }
func (maker) Bytes(data []byte) any { return &rawBytes{data} }
func (maker) Error(text, typ string, stack []slog.Source) any {
	return &errorLike{text, typ, stack}
}

// capturing is the least of a handler that captures. What it captured last is in
// kept, unless that is nil.
type capturing struct {
	s    *State
	kept *[]byte
}

func (capturing) Enabled(context.Context, slog.Level) bool { return true }

func (h capturing) Handle(ctx context.Context, r slog.Record) error {
	c := h.s.Capture(ctx, &r)
	if h.kept != nil {
		*h.kept = append((*h.kept)[:0], c.Bytes...)
	}
	c.Free()
	return nil
}

func (h capturing) WithAttrs(attrs []slog.Attr) slog.Handler {
	return capturing{h.s.WithAttrs(attrs), h.kept}
}

func (h capturing) WithGroup(name string) slog.Handler { return capturing{h.s.WithGroup(name), h.kept} }

// captureBy is what h, a capturing, makes of r.
func captureBy(h slog.Handler, r slog.Record) (b []byte) {
	h = capturing{h.(capturing).s, &b}
	h.Handle(context.Background(), r)
	return b
}

func decode(tb testing.TB, b []byte) (r Record) {
	tb.Helper()
	if err := NewDecoder(maker{}).Decode(b, &r); err != nil {
		tb.Fatalf("%v: %q", err, b)
	}
	return r
}

// captured is r as s captures it and a Decoder decodes it.
func captured(tb testing.TB, s *State, r slog.Record) Record {
	tb.Helper()
	return decode(tb, captureBy(capturing{s: s}, r))
}

// options are those of tests, with nothing out of the ordinary.
func options() Options { return Options{MaxRecordBytes: 256 << 10} }

var recordTime = time.Date(2026, 1, 2, 3, 4, 5, 678901234, time.UTC)

func recordWith(attrs ...slog.Attr) slog.Record {
	r := slog.NewRecord(recordTime, slog.LevelInfo, "hello", 0)
	r.AddAttrs(attrs...)
	return r
}

// attrsWith are the attributes of a record with attrs, as a JSON object.
func attrsWith(tb testing.TB, s *State, attrs ...slog.Attr) string {
	tb.Helper()
	return string(objectOf(captured(tb, s, recordWith(attrs...)).Attrs))
}

// objectOf is attrs as a JSON object.
func objectOf(attrs []slog.Attr) []byte {
	b := []byte{'{'}
	for _, a := range attrs {
		b = appendValue(jsontext.AppendKey(b, a.Key), a.Value)
	}
	return append(b, '}')
}

// appendValue appends v as slog.JSONHandler would write it.
func appendValue(b []byte, v slog.Value) []byte {
	switch v.Kind() {
	case slog.KindString:
		return jsontext.AppendString(b, v.String())
	case slog.KindInt64:
		return jsontext.AppendInt(b, v.Int64())
	case slog.KindUint64:
		return jsontext.AppendUint(b, v.Uint64())
	case slog.KindFloat64:
		return jsontext.AppendFloat(b, v.Float64())
	case slog.KindBool:
		return strconv.AppendBool(b, v.Bool())
	case slog.KindDuration:
		return jsontext.AppendInt(b, int64(v.Duration()))
	case slog.KindTime:
		return jsontext.AppendTimeInZone(b, v.Time())
	case slog.KindGroup:
		if len(v.Group()) == 0 {
			panic("an empty group")
		}
		return append(b, objectOf(v.Group())...)
	}
	switch v := v.Any().(type) {
	case *jsonText:
		if v.text[0] == '"' {
			panic("a string as JSON text")
		}
		return append(b, v.text...)
	case *rawBytes:
		return jsontext.AppendString(b, base64.StdEncoding.EncodeToString(v.data))
	case *errorLike:
		return jsontext.AppendString(b, v.text)
	}
	panic(v)
}

// builtinsOf are the built-ins of r as slog.JSONHandler would write them.
func builtinsOf(r Record) []byte {
	var attrs []slog.Attr
	add := func(key string, own, replaced slog.Value, there bool) {
		switch {
		case !replaced.Equal(slog.Value{}):
			attrs = append(attrs, slog.Attr{Key: key, Value: replaced})
		case there:
			attrs = append(attrs, slog.Attr{Key: key, Value: own})
		}
	}
	add(slog.TimeKey, slog.TimeValue(r.Time), r.TimeValue, !r.Time.IsZero())
	add(slog.LevelKey, slog.StringValue(r.Level.String()), r.LevelValue, !r.NoLevel)
	add(slog.SourceKey, slog.GroupValue(r.Source...), r.SourceValue, len(r.Source) > 0)
	add(slog.MessageKey, slog.StringValue(r.Message), r.MessageValue, !r.NoMessage)
	return objectOf(attrs)
}

// callerPC is the program counter of its caller.
func callerPC() uintptr {
	var pcs [1]uintptr
	runtime.Callers(2, pcs[:])
	return pcs[0]
}
