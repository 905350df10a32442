package slogship_test

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
)

// A plainFormat writes lines without any JSON:
//
//	message a=1 g(b=2 h(c=3))
type plainFormat struct {
	attrs *slogship.AttrEncoding
	event func(dst []byte, e *slogship.Event) []byte // if not nil, instead of AppendEvent
}

func (f plainFormat) Layout() slogship.Layout {
	attrs := f.attrs
	if attrs == nil {
		attrs = &slogship.AttrEncoding{
			Separator:  " ",
			AppendAttr: appendPlain,
			AppendJSON: func(dst []byte, _ []string, key string, text []byte) []byte {
				return append(append(append(appendSpace(dst), key...), '='), text...)
			},
			BeginGroup: func(dst []byte, _ []string, name string) []byte {
				return append(append(appendSpace(dst), name...), '(')
			},
			EndGroup: func(dst []byte, _ []string, name string, begin int) []byte {
				if name == "upper" {
					copy(dst[begin:], strings.ToUpper(string(dst[begin:])))
				}
				return append(dst, ')')
			},
		}
	}
	return slogship.Layout{ContentType: "text/plain", Separator: "\n", Attrs: attrs}
}

func appendPlain(dst []byte, _ []string, key string, v slog.Value) []byte {
	return fmt.Append(append(append(appendSpace(dst), key...), '='), v)
}

// appendSpace appends a space, unless the first one comes.
func appendSpace(dst []byte) []byte {
	if n := len(dst); n > 0 && dst[n-1] != '(' {
		return append(dst, ' ')
	}
	return dst
}

func (f plainFormat) AppendEvent(dst []byte, e *slogship.Event) []byte {
	if f.event != nil {
		return f.event(dst, e)
	}
	return e.AppendAttrs(append(dst, e.Message...))
}

func (plainFormat) ReadAnswer(slogship.Answer) slogship.Verdict { return slogship.Verdict{} }

// shipPlain returns the lines that arrive of what log logs, and the books.
func shipPlain(t *testing.T, f plainFormat, o slogship.Options, log func(h slog.Handler)) ([]string, slogship.Stats) {
	t.Helper()
	var body []byte
	o.Format, o.Compression = f, slogship.None
	o.OnError = func(err error) { t.Error(err) }
	o.Client = &http.Client{Transport: takesAll(func(b []byte) { body = append(body, b...) })}
	h, err := slogship.New("http://backend.test/", &o)
	if err != nil {
		t.Fatal(err)
	}
	log(h)
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if len(body) == 0 {
		return nil, h.Stats()
	}
	return strings.Split(string(body), "\n"), h.Stats()
}

// takesAll is a backend that takes everything, and hands it on.
type takesAll func(body []byte)

func (f takesAll) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	f(body)
	return &http.Response{StatusCode: http.StatusOK, Header: http.Header{}, Body: http.NoBody, Request: r}, nil
}

func handle(h slog.Handler, message string, attrs ...slog.Attr) {
	r := slog.NewRecord(time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), slog.LevelInfo, message, 0)
	r.AddAttrs(attrs...)
	h.Handle(context.Background(), r)
}

// An AttrEncoding gets what is an attribute, in order, inside the groups that it
// stands in: the rules are those of slog.JSONHandler.
func TestAttrEncodingGetsWhatIsAnAttribute(t *testing.T) {
	lines, _ := shipPlain(t, plainFormat{}, slogship.Options{
		ContextAttrs: func(context.Context) []slog.Attr { return []slog.Attr{slog.Int("ctx", 0)} },
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == "where" {
				return slog.String(a.Key, strings.Join(groups, "/"))
			}
			if a.Key == "hide" {
				return slog.Attr{}
			}
			return a
		},
	}, func(h slog.Handler) {
		handle(h, "none")
		handle(h, "scalars", slog.Int("a", 1), slog.String("b", "x"), slog.Any("c", nil))
		g := h.WithAttrs([]slog.Attr{slog.Int("w", 1)}).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("x", 2), slog.Int("where", 0)}).WithGroup("h")
		handle(g, "nothing in h")
		handle(g, "something in h", slog.Int("y", 3), slog.Int("where", 0))
		handle(g, "hidden in h", slog.Int("hide", 3))
		handle(h.WithGroup("g").WithGroup("h"), "nothing in g and h")
		handle(h, "groups", slog.Group("g", slog.Int("a", 1), slog.Group("", slog.Int("inline", 2)), slog.Group("none", slog.Int("hide", 1)), slog.Group("h", slog.Int("where", 0))), slog.Int("z", 9))
		handle(h, "patched", slog.Group("upper", slog.String("a", "x"), slog.Group("upper", slog.String("b", "y"))))
		handle(h, "no scalars", slog.Any("m", map[string]int{"k": 1}), slog.Any("v", lazy{slog.GroupValue(slog.Int("n", 1))}))
	})
	want := []string{
		"none ctx=0",
		"scalars ctx=0 a=1 b=x c=null",
		"nothing in h ctx=0 w=1 g(x=2 where=g)",
		"something in h ctx=0 w=1 g(x=2 where=g h(y=3 where=g/h))",
		"hidden in h ctx=0 w=1 g(x=2 where=g)",
		"nothing in g and h ctx=0",
		"groups ctx=0 g(a=1 inline=2 h(where=g/h)) z=9",
		"patched ctx=0 upper(A=X UPPER(B=Y))",
		`no scalars ctx=0 m={"k":1} v(n=1)`,
	}
	if !slices.Equal(lines, want) {
		t.Errorf("%s\nwant\n%s", strings.Join(lines, "\n"), strings.Join(want, "\n"))
	}
}

type lazy struct{ v slog.Value }

func (l lazy) LogValue() slog.Value { return l.v }

// A record that is too long is cut by writing it again: with shorter strings, or
// with fewer attributes, those of WithAttrs among them.
func TestAttrEncodingCut(t *testing.T) {
	long := strings.Repeat("0123456789", 100)
	many := make([]slog.Attr, 50)
	for i := range many {
		many[i] = slog.Int(fmt.Sprintf("number%02d", i), i)
	}
	for _, c := range []struct {
		name string
		log  func(h slog.Handler)
		want func(line string) bool
	}{
		{"message", func(h slog.Handler) { handle(h, long, slog.Int("a", 1)) }, func(line string) bool {
			return strings.HasPrefix(line, long[:150]) && strings.HasSuffix(line, "…[cut] a=1 _cut=true")
		}},
		{"WithAttrs", func(h slog.Handler) {
			h = h.WithAttrs([]slog.Attr{slog.String("w", long)}).WithGroup("g").WithAttrs([]slog.Attr{slog.Int("x", 1)})
			handle(h, "m", slog.Int("y", 2))
		}, func(line string) bool {
			return strings.HasPrefix(line, "m w="+long[:150]) && strings.HasSuffix(line, "…[cut] g(x=1 y=2) _cut=true")
		}},
		{"an object", func(h slog.Handler) { handle(h, "m", slog.Any("o", []string{long}), slog.Int("z", 1)) }, func(line string) bool {
			return strings.HasPrefix(line, `m o=["`+long[:150]) && strings.HasSuffix(line, `…[cut]"] z=1 _cut=true`)
		}},
		{"many", func(h slog.Handler) { handle(h.WithGroup("g"), "m", many...) }, func(line string) bool {
			return strings.HasPrefix(line, "m g(number00=0 number01=1 ") && strings.HasSuffix(line, ") _cut=true") && len(line) > 150
		}},
		{"the user's own mark", func(h slog.Handler) { handle(h, long, slog.Bool("_cut", false)) }, func(line string) bool {
			return strings.HasSuffix(line, "…[cut] _cut_=false _cut=true")
		}},
	} {
		lines, s := shipPlain(t, plainFormat{}, slogship.Options{MaxRecordBytes: 300}, c.log)
		if len(lines) != 1 || len(lines[0]) >= 300 || !c.want(lines[0]) || s.Cut != 1 {
			t.Errorf("%s: %q, cut %d", c.name, lines, s.Cut)
		}
	}
}

// What a cut record had from WithAttrs is what it was then.
func TestAttrEncodingCutKeepsNothing(t *testing.T) {
	mine := map[string]int{"n": 1}
	lines, _ := shipPlain(t, plainFormat{}, slogship.Options{MaxRecordBytes: 100}, func(h slog.Handler) {
		h = h.WithAttrs([]slog.Attr{slog.Any("mine", mine)})
		mine["n"] = 2
		handle(h, strings.Repeat("x", 1000))
	})
	if len(lines) != 1 || !strings.Contains(lines[0], `mine={"n":1}`) {
		t.Errorf("%q", lines)
	}
}

// A panic in an AttrEncoding loses the record, or the attributes of WithAttrs,
// and nothing else.
func TestAttrEncodingThatPanics(t *testing.T) {
	f := plainFormat{}
	attrs := f.Layout().Attrs
	f.attrs = &slogship.AttrEncoding{
		Separator: " ", AppendJSON: attrs.AppendJSON, BeginGroup: attrs.BeginGroup, EndGroup: attrs.EndGroup,
		AppendAttr: func(dst []byte, groups []string, key string, v slog.Value) []byte {
			if key == "bad" {
				panic("bad")
			}
			return attrs.AppendAttr(dst, groups, key, v)
		},
	}
	lines, s := shipPlain(t, f, slogship.Options{}, func(h slog.Handler) {
		handle(h, "before")
		handle(h, "bad", slog.Int("bad", 1))
		handle(h.WithAttrs([]slog.Attr{slog.Int("good", 1)}).WithAttrs([]slog.Attr{slog.Int("bad", 1)}), "after", slog.Int("a", 1))
	})
	if want := []string{"before", "after good=1 a=1"}; !slices.Equal(lines, want) || s.Dropped.Rejected != 1 || s.Delivered != 2 {
		t.Errorf("%q, want %q; %+v", lines, want, s)
	}
}

// A Format is told that two keys may be equal, and can say that it cut an event.
func TestEventForEncodings(t *testing.T) {
	var repeats []bool
	f := plainFormat{event: func(dst []byte, e *slogship.Event) []byte {
		repeats = append(repeats, e.Repeats())
		if e.Message == "long" {
			e.NoteCut()
		}
		return append(dst, e.Message...)
	}}
	_, s := shipPlain(t, f, slogship.Options{}, func(h slog.Handler) {
		handle(h, "different", slog.Int("a", 1), slog.Int("b", 2))
		handle(h.WithAttrs([]slog.Attr{slog.Int("a", 1)}), "long", slog.Int("a", 2))
		handle(h, "twice", slog.Int("a", 1), slog.Int("b", 1), slog.Int("a", 2))
		handle(h, "group", slog.Int("a", 1), slog.Group("a", slog.Int("b", 1)))
	})
	if !slices.Equal(repeats, []bool{false, true, true, true}) || s.Cut != 1 {
		t.Errorf("repeats %v, cut %d", repeats, s.Cut)
	}
}
