package report

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

type element struct {
	name, text string
	attrs      map[string]string
}

func (e element) number(t *testing.T, name string) float64 {
	t.Helper()
	f, err := strconv.ParseFloat(e.attrs[name], 64)
	if err != nil {
		t.Fatalf("%s of %v: %v", name, e, err)
	}
	return f
}

func elements(t *testing.T, file string) (es []element) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(strings.NewReader(string(b))); ; {
		tok, err := d.Token()
		switch {
		case errors.Is(err, io.EOF):
			return es
		case err != nil:
			t.Fatalf("%s: %v", file, err)
		}
		switch tok := tok.(type) {
		case xml.StartElement:
			e := element{name: tok.Name.Local, attrs: map[string]string{}}
			for _, a := range tok.Attr {
				e.attrs[a.Name.Local] = a.Value
			}
			es = append(es, e)
		case xml.CharData:
			if len(es) > 0 {
				es[len(es)-1].text += strings.TrimSpace(string(tok))
			}
		}
	}
}

// No label of a bar lies on the bar or beyond the edge, however long it is.
func TestLabelsStandBesideBars(t *testing.T) {
	name := filepath.Join(t.TempDir(), "chart")
	bs := []bar{
		{"slogship", 1_195_202, "slogship"},
		{"slog-loki, attributes as labels, <snappy>", 61_905, "loki-labels"},
		{"one POST per record, none", 5_038, "naive"},
	}
	if err := bars(name, "Records & more", "records/s", bs, false, thousands); err != nil {
		t.Fatal(err)
	}
	for _, th := range themes {
		start, longest, found := -1.0, 0.0, 0
		for _, e := range elements(t, name+th.suffix+".svg") {
			switch {
			case e.name == "rect" && e.attrs["height"] == strconv.Itoa(rowHeight-6):
				start = e.number(t, "x")
				longest = e.number(t, "x") + e.number(t, "width")
			case e.name == "text" && start > 0 && e.attrs["text-anchor"] == "end":
				found++
				x := e.number(t, "x")
				if x >= start || x-float64(utf8.RuneCountInString(e.text))*charWidth < 0 {
					t.Errorf("%q ends at %v, the bar starts at %v", e.text, x, start)
				}
			case e.name == "text" && start > 0 && e.number(t, "x") > longest:
				if x := e.number(t, "x"); x+width(e.text) > chartWidth {
					t.Errorf("%q begins at %v", e.text, x)
				}
			}
		}
		if found != len(bs) {
			t.Errorf("%d labels for %d bars", found, len(bs))
		}
	}
}

// Text can be read on the chart's own background: a contrast of 4.5 (WCAG 2.2).
// What is drawn has one of 3.
func TestContrast(t *testing.T) {
	for _, th := range themes {
		for _, c := range []string{th.text, th.dim} {
			if got := contrast(t, c, th.back); got < 4.5 {
				t.Errorf("text %s on %s: %.1f", c, th.back, got)
			}
		}
		for _, c := range append([]string{th.ours, th.theirs, th.nobodys}, th.lines...) {
			if got := contrast(t, c, th.back); got < 3 {
				t.Errorf("%s on %s: %.1f", c, th.back, got)
			}
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	t.Helper()
	luminance := func(colour string) float64 {
		n, err := strconv.ParseUint(strings.TrimPrefix(colour, "#"), 16, 32)
		if err != nil {
			t.Fatal(err)
		}
		l := 0.0
		for i, weight := range []float64{0.2126, 0.7152, 0.0722} {
			c := float64(n>>(16-8*i)&0xff) / 255
			if c <= 0.04045 {
				l += weight * c / 12.92
			} else {
				l += weight * math.Pow((c+0.055)/1.055, 2.4)
			}
		}
		return l
	}
	la, lb := luminance(a), luminance(b)
	return (max(la, lb) + 0.05) / (min(la, lb) + 0.05)
}
