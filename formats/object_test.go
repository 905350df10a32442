package formats

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzEscape holds a JSON text in a JSON string against encoding/json.
func FuzzEscape(f *testing.F) {
	for _, s := range []string{"", "x", `a"b`, `back\slash`, "\n\t\x00", "é 日本 🚢 \u2028", `{"a":"b"}`, `""""""""""`, `\\\\\\\\"`, "1234567", "12345678", "123456789"} {
		f.Add(s, "before")
	}
	f.Fuzz(func(t *testing.T, s, before string) {
		text, err := json.Marshal(map[string]string{"k": s})
		if err != nil {
			t.Skip()
		}
		got := escape(append([]byte(before), text...), len(before))
		if !bytes.HasPrefix(got, []byte(before)) {
			t.Fatalf("%q was in front, is %q", before, got)
		}
		var back string
		if err := json.Unmarshal([]byte(`"`+string(got[len(before):])+`"`), &back); err != nil || back != string(text) {
			t.Errorf("%s became %s (%v), which is %s", text, got[len(before):], err, back)
		}
	})
}
