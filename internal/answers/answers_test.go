package answers

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/iotest"
)

// A web page is known by its media type, or by how it begins; nothing is none.
func TestIsPage(t *testing.T) {
	for _, c := range []struct {
		contentType, body string
		want              bool
	}{
		{"", "<html>", true},
		{"application/json", "\ufeff \r\n<!DOCTYPE html>", true},
		{"text/html", "Sign in", true},
		{"Text/HTML; charset=x", "Sign in", true},
		{"application/xhtml+xml", "Sign in", true},
		{"text/html", " ", false},
		{"text/plain", "a < b", false},
		{"text/html5", "ok", false},
		{"", "", false},
	} {
		if got := IsPage(http.Header{"Content-Type": {c.contentType}}, []byte(c.body)); got != c.want {
			t.Errorf("%q %q: %v", c.contentType, c.body, got)
		}
	}
}

// A body is read up to its bound, which is no allocation where it is shorter, and
// whatever length is announced.
func TestRead(t *testing.T) {
	for _, size := range []int64{-1, 0, 5, 10, 1 << 40} {
		for n := range 13 {
			text := "0123456789abc"[:n]
			for _, body := range []io.Reader{strings.NewReader(text), iotest.OneByteReader(strings.NewReader(text)), iotest.DataErrReader(strings.NewReader(text))} {
				b, more, err := Read(body, size, 10)
				if string(b) != text[:min(n, 10)] || more != (n > 10) || err != nil {
					t.Errorf("%d bytes, %d announced: %q, %v, %v", n, size, b, more, err)
				}
				if cap(b) > 4<<10+64 {
					t.Errorf("%d bytes allocated", cap(b))
				}
			}
		}
	}
	broken := errors.New("broken")
	if b, more, err := Read(io.MultiReader(strings.NewReader("abc"), iotest.ErrReader(broken)), -1, 10); string(b) != "abc" || more || !errors.Is(err, broken) {
		t.Errorf("%q, %v, %v", b, more, err)
	}
	long := strings.Repeat("x", 1<<20)
	if b, more, _ := Read(strings.NewReader(long), -1, 1<<19); len(b) != 1<<19 || !more || cap(b) > 1<<20 {
		t.Errorf("%d of %d bytes, %v", len(b), cap(b), more)
	}
}

// An object is read member by member, as far as its text goes.
func TestReader(t *testing.T) {
	for text, want := range map[string]string{
		`{"n":1,"l":["a",2,null],"x":{"y":[1]}}`: "n=1 l:a,,, x nil",
		`{"n":"one","l":null}`:                   "n=0 nil",
		`{"l":{}}`:                               "not a JSON object",
		`{"l":[],"n":2`:                          "l: n=2 EOF",
		`[1]`:                                    "not a JSON object",
		`{"n":1,"l":["a"`:                        "n=1 EOF",
		``:                                       "EOF",
	} {
		var got []string
		r := NewReader([]byte(text))
		err := r.Object(func(name string) error {
			switch name {
			case "n":
				n := 0
				err := r.Value(&n)
				got = append(got, "n="+string(rune('0'+n)))
				return err
			case "l":
				all := ""
				listed, err := r.List(func() error {
					s := ""
					err := r.Value(&s)
					all += s + ","
					return err
				})
				if listed && err == nil {
					got = append(got, "l:"+all)
				}
				return err
			}
			got = append(got, name)
			return r.Skip()
		})
		text := strings.Join(append(got, ""), " ")
		if err == nil {
			text += "nil"
		} else {
			text += err.Error()
		}
		if !strings.HasSuffix(text, want) && !strings.Contains(text, want) {
			t.Errorf("%q, want %q", text, want)
		}
	}
}

// An object of more members than any answer has is not read to its end.
func TestObjectIsBounded(t *testing.T) {
	n := 0
	r := NewReader([]byte("{" + strings.Repeat(`"a":1,`, 5000) + `"b":1}`))
	if err := r.Object(func(string) error { n++; return r.Skip() }); !errors.Is(err, ErrShape) || n != maxMembers {
		t.Errorf("%d members, %v", n, err)
	}
}
