package jsontext

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// Scalars finds each scalar with the path that leads there.
func TestScalars(t *testing.T) {
	const object = ` {"a": 1, "b" :{"c":"x,\"}]","d":[true,{"e":null},[2]]} , "f.g":"\u00e9", "":{"":3}} `
	var got []string
	Scalars([]byte(strings.TrimSpace(object)), func(path, value []byte) bool {
		got = append(got, fmt.Sprintf("%s=%s", path, Text(value)))
		return true
	})
	want := `a=1 b.c=x,"}] b.d=true b.d.e=null b.d=2 f.g=é =3`
	if s := strings.Join(got, " "); s != want {
		t.Errorf("got  %s\nwant %s", s, want)
	}
}

// Get returns the last of equal members, and nil where there is none or no object.
func TestGet(t *testing.T) {
	for _, c := range []struct{ object, key, want string }{
		{`{"a":1,"b":[1,{"a":2}],"a":3}`, "a", "3"},
		{`{"a":1}`, "b", ""},
		{`[]`, "a", ""},
		{``, "a", ""},
		{`{ "a" : { "b" : "}" } }`, "a", `{ "b" : "}" }`},
	} {
		if got := string(Get([]byte(c.object), c.key)); got != c.want {
			t.Errorf("Get(%s, %s) = %s, want %s", c.object, c.key, got, c.want)
		}
	}
}

// On whatever is valid JSON, every member is found and is valid JSON itself;
// nothing panics on what is not.
func FuzzEach(f *testing.F) {
	for _, s := range []string{`{"a":[1,2,{"b":"\\"}]}`, `{`, `{"`, `{"a`, `{"a":`, `[[[`, `{"a":1,}`, `{"\ud800":1}`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		n := 0
		Each(b, func(_, value []byte) bool {
			n++
			if json.Valid(b) && !json.Valid(value) {
				t.Errorf("member of %q is %q", b, value)
			}
			return true
		})
		Scalars(b, func(_, value []byte) bool { Text(value); return true })
		var members map[string]json.RawMessage
		if json.Unmarshal(b, &members) == nil && n < len(members) {
			t.Errorf("%q has %d members, found %d", b, len(members), n)
		}
	})
}

// AppendQuoted writes what encoding/json reads back.
func TestAppendQuoted(t *testing.T) {
	for _, s := range []string{"", "plain", `a"b\c`, "é\n\x00", "<script>"} {
		var got string
		if err := json.Unmarshal(AppendQuoted(nil, s), &got); err != nil || got != s {
			t.Errorf("%q became %q (%v)", s, got, err)
		}
	}
}
