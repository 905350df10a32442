package report

import (
	"fmt"
	"image/color"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
)

// plots draws the tables that a picture tells better. All axes of figures are
// logarithmic: the peers lie up to three powers of ten apart.
func plots(dir string, r *Results) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	var enqueue, rates, cpus []bar
	for _, g := range groups(r.Throughput, rowOf) {
		ns := measure.Median(values(g.samples, measure.Throughput.EnqueueNS))
		rate := measure.Median(values(g.samples, measure.Throughput.Rate))
		cpu := measure.Median(values(g.samples, measure.Throughput.CPUPerMillion))
		if plain(g.key) {
			enqueue = append(enqueue, bar{plainTitle(g.key.peer), ns, g.key.peer})
		}
		label := plainTitle(g.key.peer) + ", " + string(g.key.compression)
		rates = append(rates, bar{label, rate, g.key.peer})
		cpus = append(cpus, bar{label, cpu, g.key.peer})
	}
	for _, g := range groups(r.Enqueue, func(e measure.Enqueue) enqueueKey { return enqueueKey{e.Peer, e.Variant} }) {
		if p, _ := peers.Find(g.key.peer); p.Proto == "" && g.key.variant == measure.Plain {
			enqueue = append(enqueue, bar{plainTitle(g.key.peer), measure.Median(values(g.samples, func(e measure.Enqueue) float64 { return e.NS })), g.key.peer})
		}
	}
	var outages []bar
	for _, o := range r.Outage {
		if o.Kind == "hanging" {
			v := o.Latency.P999
			if o.BlockedAt >= 0 {
				v = o.Blocked
			}
			outages = append(outages, bar{plainTitle(o.Peer), float64(v), o.Peer})
		}
	}
	for _, p := range []struct {
		file, title, axis string
		bars              []bar
		less              bool // is better
		tick              func(float64) string
	}{
		{"enqueue.svg", "What a call costs the caller, backend healthy", "ns a record, less is better", enqueue, true, thousands},
		{"throughput.svg", "Records delivered per second, Flush included", "records/s, more is better", rates, false, thousands},
		{"cpu.svg", "CPU per million delivered records", "CPU seconds, less is better", cpus, true, func(f float64) string { return fmt.Sprintf("%.3g", f) }},
		{
			"outage.svg", "Backend hanging: the caller's p99.9, or how long it was blocked", "less is better", outages, true,
			func(f float64) string { return short(time.Duration(f)) },
		},
	} {
		if err := bars(filepath.Join(dir, p.file), p.title, p.axis, p.bars, p.less, p.tick); err != nil {
			return err
		}
	}
	byWriters := map[string]map[float64][]float64{}
	for _, t := range r.Writers {
		point(byWriters, t.Peer, float64(t.Writers), t.Rate())
	}
	if err := lines(filepath.Join(dir, "writers.svg"), "Records delivered per second by goroutines that log", "goroutines", 0, byWriters); err != nil {
		return err
	}
	const shift = 1 // 0 ms has no logarithm
	byDelay := map[string]map[float64][]float64{}
	for _, d := range r.Distance {
		point(byDelay, d.Peer, float64(d.Delay.Milliseconds())+shift, d.Rate())
	}
	return lines(filepath.Join(dir, "distance.svg"), "Records delivered per second, without a loss, by the backend's latency", "milliseconds", shift, byDelay)
}

func plainTitle(name string) string {
	p, _ := peers.Find(name)
	return p.Title
}

// bar is one bar of a chart.
type bar struct {
	label string
	value float64
	peer  string
}

var (
	ours    = color.RGBA{0xd9, 0x48, 0x01, 0xff}
	theirs  = color.RGBA{0x4c, 0x78, 0xa8, 0xff}
	ceiling = color.RGBA{0x9a, 0xa5, 0xb1, 0xff}
)

func colorOf(peer string) color.Color {
	p, _ := peers.Find(peer)
	switch {
	case peer == "slogship":
		return ours
	case p.Proto == "":
		return ceiling
	}
	return theirs
}

// bars draws horizontal bars, the best on top. The axis is logarithmic, which
// gonum's bars, starting at zero, cannot be: what is drawn are logarithms.
func bars(file, title, axis string, bs []bar, less bool, tick func(float64) string) error {
	bs = slices.DeleteFunc(bs, func(b bar) bool { return !(b.value > 0) })
	if len(bs) == 0 {
		return nil
	}
	if less {
		descending(bs, func(b bar) float64 { return b.value }) // the last is on top
	} else {
		ascending(bs, func(b bar) float64 { return b.value })
	}
	lo := math.Inf(1)
	for _, b := range bs {
		lo = min(lo, math.Floor(math.Log10(b.value)-0.05))
	}
	p := newPlot(title)
	p.X.Label.Text = axis + ", logarithmic"
	p.X.Min = 0
	var names []string
	var ends plotter.XYLabels
	for i, b := range bs {
		c, err := plotter.NewBarChart(plotter.Values{math.Log10(b.value) - lo}, vg.Points(13))
		if err != nil {
			return err
		}
		c.Horizontal, c.XMin, c.Color, c.LineStyle.Width = true, float64(i), colorOf(b.peer), 0
		p.Add(c)
		names = append(names, b.label)
		ends.XYs = append(ends.XYs, plotter.XY{X: math.Log10(b.value) - lo, Y: float64(i)})
		ends.Labels = append(ends.Labels, tick(b.value))
	}
	p.NominalY(names...)
	values, err := plotter.NewLabels(ends)
	if err != nil {
		return err
	}
	values.Offset = vg.Point{X: vg.Points(4), Y: vg.Points(-4)}
	p.Add(values)
	p.X.Tick.Marker = decades{lo, tick}
	p.X.Max *= 1.12
	return save(p, vg.Points(70+float64(19*len(bs))), file)
}

// save leaves a margin, into which long labels reach.
func save(p *plot.Plot, height vg.Length, file string) error {
	const width = 22 * vg.Centimeter
	c, err := draw.NewFormattedCanvas(width, height, strings.TrimPrefix(filepath.Ext(file), "."))
	if err != nil {
		return err
	}
	p.Draw(draw.Crop(draw.New(c), vg.Points(16), vg.Points(-20), vg.Points(4), vg.Points(-6)))
	f, err := os.Create(file)
	if err != nil {
		return err
	}
	if _, err := c.WriteTo(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}

func point(m map[string]map[float64][]float64, peer string, x, y float64) {
	if m[peer] == nil {
		m[peer] = map[float64][]float64{}
	}
	m[peer][x] = append(m[peer][x], y)
}

// lines draws a line a peer, through the medians, on logarithmic axes.
// The axis shows x less shift.
func lines(file, title, x string, shift float64, byPeer map[string]map[float64][]float64) error {
	if len(byPeer) == 0 {
		return nil
	}
	p := newPlot(title)
	p.X.Label.Text = x
	p.Y.Label.Text = "records/s, logarithmic"
	lo := math.Inf(1)
	for _, pts := range byPeer {
		for _, ys := range pts {
			if m := measure.Median(ys); m > 0 {
				lo = min(lo, math.Floor(math.Log10(m)))
			}
		}
	}
	var xs []float64
	drawn := 0
	for _, peer := range append(peers.All(), peers.Ceilings()...) {
		var pts plotter.XYs
		for x, ys := range byPeer[peer.Name] {
			if m := measure.Median(ys); m > 0 {
				pts = append(pts, plotter.XY{X: math.Log2(x), Y: math.Log10(m) - lo})
				if !slices.Contains(xs, x) {
					xs = append(xs, x)
				}
			}
		}
		if len(pts) == 0 {
			continue
		}
		ascending(pts, func(p plotter.XY) float64 { return p.X })
		l, s, err := plotter.NewLinePoints(pts)
		if err != nil {
			return err
		}
		l.Color = palette[drawn%len(palette)]
		l.Width = vg.Points(1.2)
		if peer.Name == "slogship" {
			l.Width = vg.Points(2.4)
		}
		s.Shape, s.Color, s.Radius = draw.CircleGlyph{}, l.Color, vg.Points(2)
		p.Add(l, s)
		p.Legend.Add(peer.Title, l, s)
		drawn++
	}
	slices.Sort(xs)
	var ticks plot.ConstantTicks
	for _, x := range xs {
		ticks = append(ticks, plot.Tick{Value: math.Log2(x), Label: fmt.Sprintf("%g", x-shift)})
	}
	p.X.Tick.Marker = ticks
	p.Y.Min = 0
	p.Y.Tick.Marker = decades{lo, thousands}
	p.X.Max += 0.6 * (p.X.Max - p.X.Min) // room for the legend
	p.Legend.Top = true
	return save(p, 11*vg.Centimeter, file)
}

var palette = []color.Color{
	ours, theirs,
	color.RGBA{0x54, 0xa2, 0x4b, 0xff},
	color.RGBA{0xb2, 0x79, 0xa2, 0xff},
	color.RGBA{0x9d, 0x75, 0x5d, 0xff},
	color.RGBA{0xee, 0xca, 0x3b, 0xff},
	color.RGBA{0x72, 0xb7, 0xb2, 0xff},
	color.RGBA{0xff, 0x9d, 0xa6, 0xff},
	ceiling,
}

func newPlot(title string) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = color.White
	p.Title.Text = title
	p.Title.Padding = vg.Points(6)
	p.Title.TextStyle.Font.Size = vg.Points(12)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = color.Gray{0xdd}, color.Gray{0xdd}
	p.Add(grid)
	return p
}

// decades are ticks at 1, 2 and 5 times the powers of ten of an axis that
// shows log10 of its values, less lo; the powers are labelled.
type decades struct {
	lo    float64
	label func(float64) string
}

func (d decades) Ticks(lo, hi float64) []plot.Tick {
	var ts []plot.Tick
	for e := math.Floor(lo); e <= math.Ceil(hi); e++ {
		for _, m := range []float64{1, 2, 5} {
			if at := e + math.Log10(m); at >= lo && at <= hi {
				t := plot.Tick{Value: at}
				if m == 1 || hi-lo < 2.5 {
					t.Label = d.label(m * math.Pow(10, e+d.lo))
				}
				ts = append(ts, t)
			}
		}
	}
	return ts
}
