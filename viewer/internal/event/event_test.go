package event

import (
	"slices"
	"testing"
)

// Messages of one kind have one template.
func TestTemplate(t *testing.T) {
	for _, c := range []struct{ message, want string }{
		{"request served", "request served"},
		{"user 42 logged in from 10.0.0.1:8080", "user <*> logged in from <*>"},
		{`cannot open "/tmp/x": no such file`, "cannot open <*>: no such file"},
		{"can't open it's file 7", "can't open it's file <*>"},
		{"id 4bf92f35-77b3-4da6-a3ce-929d0e0e4736.", "id <*>."},
		{"größe 3", "größe <*>"},
		{"", ""},
	} {
		if got := Template(c.message); got != c.want {
			t.Errorf("Template(%q) = %q, want %q", c.message, got, c.want)
		}
	}
}

// A level's name leads back to the level, between the named ones, too.
func TestLevelNames(t *testing.T) {
	for level := -12; level < 20; level++ {
		name := LevelName(level)
		if got, ok := ParseLevel(name); !ok || got != level {
			t.Errorf("level %d is %q, which is %d", level, name, got)
		}
	}
	for name, want := range map[string]int{"WARNING": 4, "critical": 12, "Info+2": 2, "8": 8} {
		if got, ok := ParseLevel(name); !ok || got != want {
			t.Errorf("ParseLevel(%s) = %d, %t", name, got, ok)
		}
	}
	if _, ok := ParseLevel("loud"); ok {
		t.Error("loud is a level")
	}
}

// What a query asks for has the token that the record has, in any case.
func TestTokens(t *testing.T) {
	tokens := AppendTokens(nil, "Größe geändert", []byte(`{"user":{"id":42,"name":"Ann Lee"},"ratio":0.5,"ok":true}`))
	has := func(what string, token uint32, want bool) {
		t.Helper()
		if slices.Contains(tokens, token) != want {
			t.Errorf("%s: has a token: %t", what, !want)
		}
	}
	has("word", AppendWords(nil, []byte("GRÖSSE größe"))[1], true)
	has("word of an attribute", AppendWords(nil, []byte("ann"))[0], true)
	has("pair", PairToken([]byte("user.id"), []byte("42")), true)
	has("pair of a text", PairToken([]byte("user.name"), []byte("ann lee")), true)
	has("pair of a bool", PairToken([]byte("ok"), []byte("true")), true)
	has("another value", PairToken([]byte("user.id"), []byte("43")), false)
	has("a fraction", PairToken([]byte("ratio"), []byte("0.5")), false)
}
