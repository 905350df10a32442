package plain

import "testing"

// What steers, hides or turns is seen; all else stays as it is.
func TestText(t *testing.T) {
	for in, want := range map[string]string{
		"":                             "",
		"grüße, 世界 🙂":                  "grüße, 世界 🙂",
		"a\x1b[31mb\x07":               `a\x1b[31mb\x07`,
		"one\ntwo\tthree\r":            `one\ntwo\tthree\r`,
		"\x9b1m \u0085 \x7f":           `\x9b1m \x85 \x7f`,
		"user\u202egpj.exe":            `user\u202egpj.exe`,
		"a\u200bb\u2066c\ufeff":        `a\u200bb\u2066c\ufeff`,
		"\u2028\u2029":                 `\u2028\u2029`,
		"\U000e0041":                   `\U000e0041`,
		"\xff\xfe ok \ufffd":           `\xff\xfe ok ` + "\ufffd",
		"backslash \\n stays as it is": `backslash \n stays as it is`,
	} {
		if got := Text(in); got != want {
			t.Errorf("%q: %q, want %q", in, got, want)
		}
	}
}

// A character is kept whole or left out.
func TestClip(t *testing.T) {
	for n, want := range map[int]string{0: "", 1: "a", 2: "a", 3: "aü", 4: "aüb", 9: "aüb"} {
		if got, cut := Clip("aüb", n); got != want || cut != (n < 4) {
			t.Errorf("%d: %q, %t", n, got, cut)
		}
	}
}
