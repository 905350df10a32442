package report

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/slogship/slogship/bench/measure"
)

// curve is one line of a chart: the values measured at each x.
type curve struct {
	label string
	ours  bool
	at    map[float64][]float64
}

// point adds y, measured at x, to the curve of that label.
func point(cs []curve, label string, ours bool, x, y float64) []curve {
	i := slices.IndexFunc(cs, func(c curve) bool { return c.label == label })
	if i < 0 {
		cs, i = append(cs, curve{label, ours, map[float64][]float64{}}), len(cs)
	}
	cs[i].at[x] = append(cs[i].at[x], y)
	return cs
}

var dashes = []string{"", "7 3", "2 3"}

// lines draws the medians of each curve over evenly spaced x, on a logarithmic
// axis, with a legend on the right.
func lines(name, title, axis string, cs []curve) error {
	s := scale{min: math.Inf(1), max: math.Inf(-1)}
	var xs []float64
	legend := 0.0
	for _, c := range cs {
		for x, ys := range c.at {
			if m := measure.Median(ys); m > 0 {
				s.min, s.max = min(s.min, math.Floor(math.Log10(m))), max(s.max, math.Log10(m)+0.05)
				xs = append(xs, x)
			}
		}
		legend = max(legend, width(c.label)+44)
	}
	if len(xs) == 0 {
		return nil
	}
	slices.Sort(xs)
	xs = slices.Compact(xs)
	const height = 430
	left, right := float64(edge+90), chartWidth-edge-legend-20
	bottom := float64(height - axisSpace)
	s.from, s.to = bottom, titleSpace+4
	column := func(x float64) float64 {
		i, _ := slices.BinarySearch(xs, x)
		return left + 24 + float64(i)*(right-left-48)/float64(max(1, len(xs)-1))
	}
	return save(name, func(t theme) *drawing {
		d := newDrawing(t, height, title)
		for _, at := range s.ticks(thousands) {
			d.line(left, at.at, right, at.at, t.grid)
			d.label(left-8, at.at+4, "end", t.dim, at.label)
		}
		for _, x := range xs {
			d.line(column(x), titleSpace+4, column(x), bottom, t.grid)
			d.label(column(x), bottom+18, "middle", t.dim, fmt.Sprintf("%g", x))
		}
		d.label(left, bottom+38, "start", t.dim, axis+"; records/s, logarithmic")
		for i, c := range cs {
			colour, dash, thick := t.lines[i%len(t.lines)], dashes[i%len(dashes)], 1.6
			if c.ours {
				thick = 3
			}
			var path []string
			var dots strings.Builder
			for _, x := range slices.Sorted(maps.Keys(c.at)) {
				if m := measure.Median(c.at[x]); m > 0 {
					path = append(path, fmt.Sprintf("%.1f,%.1f", column(x), s.at(m)))
					fmt.Fprintf(&dots, `<circle cx="%.1f" cy="%.1f" r="3.5" fill="%s"/>`+"\n", column(x), s.at(m), colour)
				}
			}
			d.put(`<polyline points="%s" fill="none" stroke="%s" stroke-width="%g" stroke-dasharray="%s"/>`,
				strings.Join(path, " "), colour, thick, dash)
			d.WriteString(dots.String())
			y := float64(titleSpace + 14 + i*rowHeight)
			d.put(`<line x1="%.1f" y1="%.1f" x2="%.1f" y2="%.1f" stroke="%s" stroke-width="%g" stroke-dasharray="%s"/>`,
				right+20, y-4, right+50, y-4, colour, thick, dash)
			d.label(right+58, y, "start", t.text, c.label)
		}
		return d
	})
}
