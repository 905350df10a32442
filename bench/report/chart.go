package report

import (
	"encoding/xml"
	"fmt"
	"math"
	"os"
	"slices"
	"strings"
	"unicode/utf8"
)

// Sizes in pixels. A character is taken to be as wide as the widest usual font
// has it, for nobody knows which one will be used.
const (
	chartWidth = 880
	fontSize   = 13
	charWidth  = 8
	rowHeight  = 22
	edge       = 16
	titleSpace = 44
	axisSpace  = 52
)

const fonts = `system-ui,-apple-system,'Segoe UI','DejaVu Sans',Helvetica,Arial,sans-serif`

// A theme is the colours of a chart, which has a background of its own: text
// has a contrast to it of 4.5 or more, bars and lines one of 3 (WCAG 2.2).
type theme struct {
	suffix                 string // of the file's name
	back, frame, text, dim string
	grid                   string
	ours, theirs, nobodys  string   // bars: slogship, its peers, what ships nothing
	lines                  []string // the first is ours
}

var themes = []theme{
	{
		"", "#ffffff", "#d0d7de", "#1f2328", "#59636e", "#e4e8ec", "#c2410c", "#4c78a8", "#8a949e",
		[]string{"#c2410c", "#1d4ed8", "#15803d", "#7e22ce", "#854d0e", "#0f766e", "#be185d", "#57606a", "#1f2328"},
	},
	{
		"-dark", "#0d1117", "#30363d", "#e6edf3", "#9aa5b1", "#22272e", "#ff8c42", "#6ea0d6", "#7d8792",
		[]string{"#ff8c42", "#79b8ff", "#56d364", "#d2a8ff", "#e3b341", "#39c5cf", "#ff8fc7", "#9aa5b1", "#e6edf3"},
	},
}

// drawing is a chart while it is drawn.
type drawing struct {
	strings.Builder
	theme
}

func newDrawing(t theme, height int, title string) *drawing {
	d := &drawing{theme: t}
	d.put(`<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %d %d" width="%d" height="%d" role="img" font-family="%s" font-size="%d">`,
		chartWidth, height, chartWidth, height, fonts, fontSize)
	d.put(`<title>%s</title>`, escaped(title))
	d.put(`<rect x="0.5" y="0.5" width="%d" height="%d" rx="8" fill="%s" stroke="%s"/>`, chartWidth-1, height-1, t.back, t.frame)
	d.put(`<text x="%d" y="27" fill="%s" font-size="15" font-weight="600">%s</text>`, edge, t.text, escaped(title))
	return d
}

func (d *drawing) put(format string, args ...any) { fmt.Fprintf(d, format+"\n", args...) }

// label writes s at x, y; anchor is start, middle or end.
func (d *drawing) label(x, y float64, anchor, colour, s string) {
	d.put(`<text x="%.1f" y="%.1f" text-anchor="%s" fill="%s">%s</text>`, x, y, anchor, colour, escaped(s))
}

func (d *drawing) line(x1, y1, x2, y2 float64, colour string) {
	d.put(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s"/>`, x1, y1, x2, y2, colour)
}

// save writes the chart as name.svg and name-dark.svg.
func save(name string, draw func(theme) *drawing) error {
	for _, t := range themes {
		d := draw(t)
		d.WriteString("</svg>\n")
		if err := os.WriteFile(name+t.suffix+".svg", []byte(d.String()), 0o644); err != nil {
			return err
		}
	}
	return nil
}

func escaped(s string) string {
	var b strings.Builder
	_ = xml.EscapeText(&b, []byte(s)) // a Builder takes everything
	return b.String()
}

func width(s string) float64 { return float64(utf8.RuneCountInString(s)) * charWidth }

// bar is one bar of a chart.
type bar struct {
	label string
	value float64
	peer  string
}

func (t theme) colour(peer string) string {
	switch {
	case peer == "slogship":
		return t.ours
	case ships(peer):
		return t.theirs
	}
	return t.nobodys
}

// bars draws horizontal bars on a logarithmic axis, the best on top: a label on
// the left of each, its value after its end.
func bars(name, title, axis string, bs []bar, less bool, tick func(float64) string) error {
	bs = slices.DeleteFunc(bs, func(b bar) bool { return !(b.value > 0) })
	if len(bs) == 0 {
		return nil
	}
	if less {
		ascending(bs, func(b bar) float64 { return b.value })
	} else {
		descending(bs, func(b bar) float64 { return b.value })
	}
	s := scale{min: math.Inf(1), max: math.Inf(-1)}
	var labels, values float64
	for _, b := range bs {
		s.min = min(s.min, math.Floor(math.Log10(b.value)-0.05))
		s.max = max(s.max, math.Log10(b.value)+0.02)
		labels = max(labels, width(b.label))
		values = max(values, width(tick(b.value)))
	}
	s.from, s.to = edge+labels+10, chartWidth-edge-values-8
	bottom := float64(titleSpace + len(bs)*rowHeight)
	return save(name, func(t theme) *drawing {
		d := newDrawing(t, int(bottom)+axisSpace, title)
		for _, at := range s.ticks(tick) {
			d.line(at.at, titleSpace-4, at.at, bottom, t.grid)
			d.label(at.at, bottom+18, "middle", t.dim, at.label)
		}
		for i, b := range bs {
			y := float64(titleSpace + i*rowHeight)
			end := s.at(b.value)
			d.put(`<rect x="%.1f" y="%.1f" width="%.1f" height="%d" fill="%s"/>`, s.from, y+3, end-s.from, rowHeight-6, t.colour(b.peer))
			d.label(s.from-8, y+16, "end", t.text, b.label)
			d.label(end+6, y+16, "start", t.text, tick(b.value))
		}
		d.label(s.from, bottom+38, "start", t.dim, axis+", logarithmic")
		return d
	})
}

// scale maps values to pixels by their logarithm.
type scale struct {
	min, max float64 // log10 of values
	from, to float64 // pixels
}

func (s scale) at(v float64) float64 {
	return s.from + (math.Log10(v)-s.min)/(s.max-s.min)*(s.to-s.from)
}

type mark struct {
	at    float64
	label string
}

// ticks are the powers of ten and, where there are few of them, 2 and 5 times
// these; a label that would touch the one before it is left out.
func (s scale) ticks(label func(float64) string) []mark {
	factors := []float64{1}
	if s.max-s.min < 2.5 {
		factors = []float64{1, 2, 5}
	}
	var marks []mark
	free := math.Inf(-1)
	for e := math.Floor(s.min); e <= s.max; e++ {
		for _, f := range factors {
			v := f * math.Pow(10, e)
			if l := math.Log10(v); l < s.min-1e-9 || l > s.max {
				continue
			}
			m := mark{s.at(v), label(v)}
			forwards := math.Copysign(1, s.to-s.from)
			half := width(m.label) / 2
			if s.from > s.to { // a vertical axis: lines of text, not letters, may touch
				half = fontSize
			}
			if forwards*m.at-half < free {
				m.label = ""
			} else {
				free = forwards*m.at + half + 6
			}
			marks = append(marks, m)
		}
	}
	return marks
}
