package pages

import (
	"net/url"
	"testing"
)

// Parameters have the order that dom.js gives them, whatever that of the map is.
func TestKeysAreSorted(t *testing.T) {
	params := url.Values{"e": {"5"}, "b": {"2"}, "d": {"4"}, "a": {"1"}, "c": {"3"}, "f": {"6"}, "h": {"8"}, "g": {"7"}}
	for range 20 {
		if got, want := key("/p", params), "/p\na=1\nb=2\nc=3\nd=4\ne=5\nf=6\ng=7\nh=8"; got != want {
			t.Fatalf("the key is %q, want %q", got, want)
		}
	}
}
