package tools

import (
	"fmt"
	"strings"

	"github.com/slogship/slogship/viewer/internal/plain"
)

// Bounds of an answer, in bytes: what a model reads without drowning in it.
const (
	maxPage  = 24 << 10
	maxNotes = 1 << 10 // what is said after the page is full
	maxText  = 500     // of a message or a name
	maxAttrs = 800     // of a record's attributes in a list
	maxWhole = 12 << 10
)

// page is an answer of bounded length.
type page struct{ b strings.Builder }

func (p *page) String() string { return p.b.String() }

// line adds a line, or reports false if it does not fit.
func (p *page) line(format string, args ...any) bool {
	s := fmt.Sprintf(format, args...)
	if p.b.Len()+len(s)+1 > maxPage-maxNotes {
		return false
	}
	p.b.WriteString(s)
	p.b.WriteByte('\n')
	return true
}

// note adds a line of our own, which always fits: there are few, and they are
// short.
func (p *page) note(format string, args ...any) {
	s, _ := plain.Clip(fmt.Sprintf(format, args...), maxNotes/2)
	if p.b.Len()+len(s)+1 <= maxPage {
		p.b.WriteString(s)
		p.b.WriteByte('\n')
	}
}

// shown is text of somebody else in one line, at most n bytes of it.
func shown(s string, n int) string {
	s, cut := plain.Clip(s, n)
	s, more := plain.Clip(plain.Text(s), 2*n) // escapes are longer than what they stand for
	if cut || more {
		s += "…"
	}
	return s
}
