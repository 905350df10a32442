package formats

import (
	"bytes"
	"encoding/json"
	"testing"
)

// FuzzMembers holds the scanner against encoding/json: it finds the same
// members, and renames the one that it is to.
func FuzzMembers(f *testing.F) {
	for _, s := range []string{
		`{"a":1,"trace_id":"x","b":{"trace_id":[1,"]",{"}":"\\\""}]},"c":null}`, `{}`, `{"":""}`, `{"trace_id":1,"trace_id":2}`,
		`{"a\"b":"c\\","d":[],"e":-1.5e300,"f":true}`, `{"dd.trace_id":1,"trace_id":2}`, `{"0123456789":"0123456789\\\\\\\"0123456789"}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		var v map[string]json.RawMessage
		if json.Unmarshal([]byte(s), &v) != nil || v == nil {
			t.Skip()
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, []byte(s)); err != nil {
			t.Skip()
		}
		if bytes.Contains(compact.Bytes(), []byte(`\u`)) {
			t.Skip() // slogship's keys have one form only
		}
		const before = "{{"
		dst := append([]byte(before[:1]), compact.Bytes()...)
		dst = dst[:len(dst)-1] // members without the brace behind them
		found := map[string]json.RawMessage{}
		for i := len(before); ; {
			m, ok := nextMember(dst, i)
			if !ok {
				if i != len(dst) {
					t.Fatalf("stopped at %d of %s", i, dst)
				}
				break
			}
			i = m.end
			var key string
			if err := json.Unmarshal(dst[m.key:m.colon], &key); err != nil {
				t.Fatalf("%v in %s", err, dst[m.key:m.colon])
			}
			found[key] = bytes.Clone(dst[m.colon+1 : m.end])
		}
		if len(found) != len(v) {
			t.Fatalf("found %q, want %q", found, v)
		}
		for key, value := range v {
			compact.Reset()
			if err := json.Compact(&compact, value); err != nil || !bytes.Equal(found[key], compact.Bytes()) {
				t.Errorf("%q is %s, want %s", key, found[key], value)
			}
		}

		var names renamings
		names.add("trace_id", "dd.trace_id", nil)
		_, had := v["dd.trace_id"]
		want, has := found["trace_id"]
		out := append(names.apply(bytes.Clone(dst), len(before)), '}')
		var after map[string]json.RawMessage
		if err := json.Unmarshal(out[1:], &after); err != nil {
			t.Fatalf("%v in %s", err, out)
		}
		if has && !had && !bytes.Equal(after["dd.trace_id"], want) {
			t.Errorf("renamed is %s, want %s, in %s", after["dd.trace_id"], want, out)
		}
	})
}
