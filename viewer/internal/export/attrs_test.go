package export

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"testing"
)

// An attribute has slog's kind where there is one, and the same JSON in any case.
func TestAttrs(t *testing.T) {
	for object, kind := range map[string]slog.Kind{
		`{"a":"text \"q\" \u00e9\n"}`:              slog.KindString,
		`{"a":42}`:                                 slog.KindInt64,
		`{"a":-9223372036854775808}`:               slog.KindInt64,
		`{"a":18446744073709551615}`:               slog.KindUint64,
		`{"a":18446744073709551616}`:               slog.KindAny,
		`{"a":-9007199254740993000000}`:            slog.KindAny,
		`{"a":0.1}`:                                slog.KindFloat64,
		`{"a":true}`:                               slog.KindBool,
		`{"a":false}`:                              slog.KindBool,
		`{"a":null}`:                               slog.KindAny,
		`{"a":[1,{"b":2}]}`:                        slog.KindAny,
		`{"a":{}}`:                                 slog.KindAny,
		`{"a":{"b":{"c":1.5,"d":null},"e":"x"}}`:   slog.KindGroup,
		`{"a":1,"b":{"a":2},"c.d":3,"":"no name"}`: slog.KindInt64,
	} {
		attrs := attrsOf([]byte(object))
		if got := attrs[0].Value.Kind(); got != kind {
			t.Errorf("%s: a %v, want %v", object, got, kind)
		}
		var line bytes.Buffer
		slog.New(slog.NewJSONHandler(&line, &slog.HandlerOptions{ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 && (a.Key == slog.TimeKey || a.Key == slog.LevelKey || a.Key == slog.MessageKey) {
				return slog.Attr{}
			}
			return a
		}})).LogAttrs(t.Context(), slog.LevelInfo, "", attrs...)
		if got := bytes.TrimSpace(line.Bytes()); !equalJSON(t, got, []byte(object)) {
			t.Errorf("%s became %s", object, got)
		}
	}
	if attrs := attrsOf(nil); attrs != nil {
		t.Errorf("nothing became %v", attrs)
	}
}

// equalJSON compares JSON, with all digits of numbers.
func equalJSON(t *testing.T, a, b []byte) bool {
	t.Helper()
	var texts [2]string
	for i, text := range [][]byte{a, b} {
		d := json.NewDecoder(bytes.NewReader(text))
		d.UseNumber()
		var v any
		if err := d.Decode(&v); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		out, _ := json.Marshal(v)
		texts[i] = string(out)
	}
	return texts[0] == texts[1]
}
