package lines

import (
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"
)

// Any bytes give the same records however they are split into writes, all in
// valid UTF-8; and the same as the Decoder makes of the lines.
func FuzzWrite(f *testing.F) {
	f.Add([]byte("a\r\n{\"msg\":\"m\",\"a\":[1]}\n b\nlevel=warn a=1\n\xff€"), []byte{1, 2, 3}, uint8(0))
	f.Add([]byte("12345678\r\n1234567€€\n \n x\r\r\n"), []byte{9, 1}, uint8(8))
	f.Add([]byte("1234567\r89\r\n\n\n\t1\n2"), []byte{1}, uint8(8|1<<7))
	for _, l := range benchLines {
		f.Add([]byte(l.line+"\n"), []byte{10}, uint8(127))
	}
	f.Fuzz(func(t *testing.T, data, splits []byte, options uint8) {
		o := Options{Location: time.UTC, Wait: time.Hour, MaxLine: int(options & 127)}
		if options&(1<<7) != 0 {
			o.Begins = Unindented
		}
		whole, parts := recorder{least: -1000}, recorder{least: -1000}
		w := NewWriter(&whole, &o)
		w.Write(data)
		w.Close()

		w = NewWriter(&parts, &o)
		for rest, i := data, 0; len(rest) > 0; i++ {
			n := len(rest)
			if len(splits) > 0 {
				n = min(n, int(splits[i%len(splits)]))
			}
			w.Write(rest[:n])
			rest = rest[n:]
			if n == 0 && i > len(splits) {
				splits = nil
			}
		}
		w.Close()

		// A record without a time of its own has that of its Write.
		same := func(h *recorder) (texts []string) {
			for _, r := range h.records {
				if time.Since(r.Time).Abs() < time.Minute {
					r.Time = testNow
				}
				texts = append(texts, rendered(t, r))
			}
			return texts
		}
		got, want := same(&parts), same(&whole)
		if !slices.Equal(got, want) {
			t.Errorf("%q in parts: %q\nat once: %q", data, got, want)
		}
		for _, r := range whole.records {
			r.Attrs(func(a slog.Attr) bool {
				if !utf8.ValidString(a.String()) {
					t.Errorf("%q: attribute %q", data, a)
				}
				return true
			})
			if !utf8.ValidString(r.Message) {
				t.Errorf("%q: message %q", data, r.Message)
			}
		}
		if o.Begins != nil || o.MaxLine > 0 {
			return
		}
		var decoded []string
		d := NewDecoder(&o)
		for line := range bytes.SplitSeq(data, []byte("\n")) {
			if line = bytes.TrimSuffix(line, []byte("\r")); len(bytes.TrimSpace(line)) > 0 {
				decoded = append(decoded, rendered(t, d.Decode(line, testNow)))
			}
		}
		if !slices.Equal(decoded, want) {
			t.Errorf("%q: %q\nby the Decoder: %q", data, want, decoded)
		}
	})
}

// The message of text is what the line ends with, if not all of it.
func FuzzDecodeText(f *testing.F) {
	for _, line := range []string{
		"2026-01-02 15:04:05,999 +0100 - INFO  [main] m", "[Sun Dec 04 04:47:44.1 2005] [proxy:error] m",
		"<165>1 2026-01-02T15:04:05.003Z door", "Feb 29 06:55:46 m", "E0102 15:04:05.9 7 m", "f 2017-05-16 00:00:00 7 ERROR m",
		"[WARN ] 2026/01/02 15:04:05\n m", "ERROR+2: m", "(info) | m", "error: m", "\ufeff- m", " \t",
	} {
		f.Add(line)
	}
	f.Fuzz(func(t *testing.T, line string) {
		line = strings.TrimPrefix(string(appendValid(nil, []byte(line))), "\ufeff")
		r := NewDecoder(&Options{Format: Text}).Decode([]byte(line), testNow)
		if !strings.HasSuffix(line, r.Message) || r.Message == "" && line != "" {
			t.Errorf("%q: message %q", line, r.Message)
		}
		if y := r.Time.Year(); y < -1 || y > 10000 {
			t.Errorf("%q: time %v", line, r.Time)
		}
		if r.NumAttrs() > 0 {
			t.Errorf("%q: %v", line, r)
		}
	})
}

// What encoding/json takes for an object the Decoder does, with the same
// members and the same digits; what it does not, the Decoder takes only if all
// that is wrong are control characters in a string.
func FuzzDecodeJSON(f *testing.F) {
	for _, l := range benchLines {
		f.Add([]byte(l.line))
	}
	for _, text := range []string{
		`{"a":1e5,"b":-0,"c":[1,{"d":"\ud800"}],"e":{"f":{},"g":null}}`, `{"a":"\u00e9\ud83d\ude00\"","\n":true}`,
		`{"a":01}`, `{"a":1,}`, `{"a":[1,]}`, "{\"a\":\"\x01\"}", `{"a":1.}`, "{\"\xff\":\"\xff\"}", `{}`, ` {"a" : {"b" : 2 } } `,
		`{"a":12345678901234567890,"b":0.1,"c":1.10,"d":1e-7,"e":123456789.123456789}`,
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, line []byte) {
		line = bytes.Trim(line, " \t\r\n") // as Decode does
		if len(line) == 0 || line[0] != '{' {
			return
		}
		if !utf8.Valid(line) { // as Decode does, and encoding/json in another way between strings
			line = appendValid(nil, line)
		}
		// Nothing is taken out of the attributes.
		d := NewDecoder(&Options{TimeKey: "\x00t", LevelKey: "\x00l", MessageKey: "\x00m"})
		ok := d.document(string(line))
		if !json.Valid(line) {
			if ok && !bytes.ContainsFunc(line, func(r rune) bool { return r < ' ' }) {
				t.Fatalf("%q is taken for JSON", line)
			}
			return
		}
		if !ok {
			t.Fatalf("%q is not taken for JSON", line)
		}
		if bytes.Contains(line, []byte(`\u0000`)) || nested(line) > maxGroups || hasEqualKeys(line) {
			return
		}
		want := object(t, line)
		got := plain(t, d.attrs)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%q\n got %#v\nwant %#v", line, got, want)
		}
	})
}

// object decodes a JSON object, without empty objects outside of arrays.
func object(t *testing.T, text []byte) map[string]any {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	var m map[string]any
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	prune(m)
	return m
}

func prune(m map[string]any) {
	maps.DeleteFunc(m, func(_ string, v any) bool {
		inner, ok := v.(map[string]any)
		if ok {
			prune(inner)
		}
		return ok && len(inner) == 0
	})
}

// plain is what object returns, of attributes.
func plain(t *testing.T, attrs []slog.Attr) map[string]any {
	t.Helper()
	m := map[string]any{}
	for _, a := range attrs {
		switch a.Value.Kind() {
		case slog.KindGroup:
			if group := plain(t, a.Value.Group()); len(group) > 0 {
				m[a.Key] = group
			}
		case slog.KindString:
			m[a.Key] = a.Value.String()
		case slog.KindBool:
			m[a.Key] = a.Value.Bool()
		case slog.KindAny:
			if a.Value.Any() == nil {
				m[a.Key] = nil
				continue
			}
			if n, ok := a.Value.Any().(json.Number); ok {
				m[a.Key] = n
				continue
			}
			wrapped := slices.Concat([]byte(`{"v":`), a.Value.Any().(json.RawMessage), []byte(`}`))
			m[a.Key] = object(t, wrapped)["v"]
		default: // as encoding/json writes it
			text, err := json.Marshal(a.Value.Any())
			if err != nil {
				t.Fatal(err)
			}
			m[a.Key] = json.Number(text)
		}
	}
	return m
}

// nested is how deep a JSON text nests.
func nested(text []byte) (deepest int) {
	depth := 0
	for d := json.NewDecoder(bytes.NewReader(text)); ; {
		token, err := d.Token()
		if err != nil {
			return deepest
		}
		switch token {
		case json.Delim('{'), json.Delim('['):
			depth++
			deepest = max(deepest, depth)
		case json.Delim('}'), json.Delim(']'):
			depth--
		}
	}
}

// hasEqualKeys reports whether an object in text has a key twice. encoding/json
// keeps one of them.
func hasEqualKeys(text []byte) bool {
	type open struct {
		keys map[string]bool
		key  bool // a key comes next
	}
	var stack []*open
	d := json.NewDecoder(bytes.NewReader(text))
	for {
		token, err := d.Token()
		if err == io.EOF {
			return false
		}
		if err != nil {
			return true
		}
		top := &open{}
		if len(stack) > 0 {
			top = stack[len(stack)-1]
		}
		switch token {
		case json.Delim('}'), json.Delim(']'):
			stack = stack[:len(stack)-1]
			continue
		}
		if top.keys != nil && top.key {
			key := strings.Clone(token.(string))
			if top.keys[key] {
				return true
			}
			top.keys[key], top.key = true, false
			continue
		}
		top.key = top.keys != nil
		switch token {
		case json.Delim('{'):
			stack = append(stack, &open{keys: map[string]bool{}, key: true})
		case json.Delim('['):
			stack = append(stack, &open{})
		}
	}
}
