// Picture draws what a program prints as a terminal window, twice: as
// NAME-dark.svg and NAME-light.svg.
//
//	go run ./examples/quickstart | go run ./docs/picture docs/quickstart
package main

import (
	"bufio"
	"encoding/xml"
	"fmt"
	"os"
	"strings"
	"unicode/utf8"
)

// Sizes in pixels, of a font in which each character is as wide.
const (
	fontSize  = 13
	charWidth = 7.8
	lineStep  = 19
	margin    = 20
	bar       = 34 // of the window, with its three dots
)

// A theme is the colours of a terminal; each is readable on its background
// (a contrast of 4.5 or more, WCAG 2.2).
type theme struct{ name, back, frame, text, dim, bad, good string }

var themes = []theme{
	{"dark", "#0d1117", "#30363d", "#e6edf3", "#8b949e", "#ff7b72", "#56d364"},
	{"light", "#ffffff", "#d0d7de", "#1f2328", "#59636e", "#b42318", "#116329"},
}

// colour is that of a line: failures, successes and what goes on in between.
func (t theme) colour(line string) string {
	switch {
	case strings.Contains(line, "goes away"), strings.Contains(line, ": 503"), strings.HasPrefix(line, "FAILED"):
		return t.bad
	case strings.Contains(line, "is back"), strings.Contains(line, "recovered"), strings.HasPrefix(line, "ok "):
		return t.good
	case strings.Contains(line, "accepted ") && strings.Contains(line, ", delivered "):
		return t.dim
	}
	return t.text
}

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: PROGRAM | picture NAME")
		os.Exit(2)
	}
	lines := []string{"$ go run ./examples/quickstart"}
	for in := bufio.NewScanner(os.Stdin); in.Scan(); {
		lines = append(lines, strings.TrimRight(in.Text(), " "))
	}
	for _, t := range themes {
		if err := os.WriteFile(os.Args[1]+"-"+t.name+".svg", []byte(t.draw(lines)), 0o644); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
	}
}

func (t theme) draw(lines []string) string {
	columns := 0
	for _, l := range lines {
		columns = max(columns, utf8.RuneCountInString(l))
	}
	width, height := float64(columns)*charWidth+2*margin, bar+len(lines)*lineStep+margin
	var b strings.Builder
	fmt.Fprintf(&b, `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 %.0f %d" width="%.0f" height="%d" role="img">`+"\n", width, height, width, height)
	fmt.Fprintf(&b, `<rect x="0.5" y="0.5" width="%.0f" height="%d" rx="8" fill="%s" stroke="%s"/>`+"\n", width-1, height-1, t.back, t.frame)
	for i := range 3 {
		fmt.Fprintf(&b, `<circle cx="%d" cy="%d" r="5" fill="%s"/>`+"\n", margin+i*18, bar/2, t.frame)
	}
	fmt.Fprintf(&b, `<g font-family="ui-monospace,SFMono-Regular,Menlo,Consolas,'DejaVu Sans Mono',monospace" font-size="%d">`+"\n", fontSize)
	for i, l := range lines {
		if l == "" {
			continue
		}
		// textLength keeps the columns, whatever font there is.
		fmt.Fprintf(&b, `<text x="%d" y="%d" fill="%s" textLength="%.1f">`, margin, bar+(i+1)*lineStep-5, t.colour(l), float64(utf8.RuneCountInString(l))*charWidth)
		l = strings.ReplaceAll(l, " ", "\u00a0") // of others, SVG keeps one
		_ = xml.EscapeText(&b, []byte(l))        // a Builder takes everything
		b.WriteString("</text>\n")
	}
	b.WriteString("</g>\n</svg>\n")
	return b.String()
}
