package jsontext

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

// stdJSON is v as slog.JSONHandler would have it encoded.
func stdJSON(t testing.TB, v any) []byte {
	t.Helper()
	var buf bytes.Buffer
	enc := json.NewEncoder(&buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}

// Any string becomes valid JSON in valid UTF-8 that decodes to what
// encoding/json makes of it.
func FuzzAppendString(f *testing.F) {
	for _, s := range []string{
		"", "plain", "exactly8", "exactly8+", `q"uote`, `back\slash`, "tab\tnewline\nreturn\r", "\x00\x1f\x7f",
		"é", "世界", "\u2028\u2029", "bad\xff", "\xff\xfe\xfd", "abcdefg\xc3", "日本語 with ascii after it", "\xed\xa0\x80",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := AppendString(nil, s)
		if !utf8.Valid(got) {
			t.Fatalf("%q is not UTF-8", got)
		}
		var back, want string
		if err := json.Unmarshal(got, &back); err != nil {
			t.Fatalf("%q: %v", got, err)
		}
		if err := json.Unmarshal(stdJSON(t, s), &want); err != nil {
			t.Fatal(err)
		}
		if back != want {
			t.Fatalf("%q decodes to %q, want %q", got, back, want)
		}
	})
}

// Every byte that needs an escape gets one wherever it stands in a word.
func TestAppendStringAtEveryOffset(t *testing.T) {
	for c := range 256 {
		for at := range 20 {
			b := bytes.Repeat([]byte{'x'}, 24)
			b[at] = byte(c)
			got := AppendString(nil, string(b))
			var back, want string
			if err := json.Unmarshal(got, &back); err != nil {
				t.Fatalf("byte %#x at %d: %v in %q", c, at, err, got)
			}
			if err := json.Unmarshal(stdJSON(t, string(b)), &want); err != nil {
				t.Fatal(err)
			}
			if back != want {
				t.Fatalf("byte %#x at %d: %q, want %q", c, at, back, want)
			}
		}
	}
}

func TestIsValid(t *testing.T) {
	for n := range 20 {
		for at := range n {
			for _, c := range []string{"a", "\x7f", "\x80", "\xff", "é", "\ufffd"} {
				s := strings.Repeat("x", at) + c + strings.Repeat("x", n-at-1)
				if got, want := IsValid(s), utf8.ValidString(s); got != want {
					t.Errorf("%q: %v, want %v", s, got, want)
				}
			}
		}
	}
	if !IsValid("") {
		t.Error("the empty string is not valid")
	}
}

// A front ends between two characters.
func TestRunePrefix(t *testing.T) {
	for _, tt := range []struct {
		s    string
		n    int
		want string
	}{
		{"abc", 3, "abc"},
		{"abc", 2, "ab"},
		{"aé", 2, "a"},
		{"aé", 3, "aé"},
		{"😀", 3, ""},
		{"x😀", 4, "x"},
		{"\x80\x80\x80\x80\x80", 4, "\x80\x80\x80\x80"},
		{"", 0, ""},
		{"a", 0, ""},
	} {
		if got := RunePrefix(tt.s, tt.n); got != tt.want {
			t.Errorf("%q to %d is %q, want %q", tt.s, tt.n, got, tt.want)
		}
	}
}

// A key has a comma before it unless it is the first.
func TestAppendKey(t *testing.T) {
	for _, tt := range []struct{ dst, name, want string }{
		{"", "a", `"a":`},
		{"{", "a", `{"a":`},
		{`{"a":1`, "b", `{"a":1,"b":`},
		{`"{"`, `q"`, `"{","q\"":`},
		{"", "", `"":`},
		{"{", "a name of more than sixteen bytes", `{"a name of more than sixteen bytes":`},
		{"1", "\xff", "1,\"\ufffd\":"},
	} {
		if got := string(AppendKey([]byte(tt.dst), tt.name)); got != tt.want {
			t.Errorf("%q after %q is %q, want %q", tt.name, tt.dst, got, tt.want)
		}
	}
}
