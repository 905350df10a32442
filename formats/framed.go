package formats

import "github.com/slogship/slogship"

// framed is a Format whose events are objects and whose answers are judged by their
// status code. Most formats embed it, and override what is different.
type framed struct {
	layout slogship.Layout
	event  *object
}

func newFramed(l slogship.Layout, event *object) framed {
	event.plain = event.plainSteps()
	l.Reserved = append(l.Reserved, event.reserved...)
	return framed{layout: l, event: event}
}

func (f *framed) Layout() slogship.Layout { return f.layout }

func (f *framed) AppendEvent(dst []byte, e *slogship.Event) []byte { return f.event.append(dst, e) }

func (*framed) ReadAnswer(slogship.Answer) slogship.Verdict { return slogship.Verdict{} }

// arrayLayout is a body that is a JSON array, inside head and tail.
func arrayLayout(head, tail string) slogship.Layout {
	return slogship.Layout{
		ContentType: "application/json",
		Head:        head + "[",
		Separator:   ",",
		Tail:        "]" + tail,
	}
}

// linesLayout is a body of lines, each of which ends in a newline.
func linesLayout(contentType string) slogship.Layout {
	return slogship.Layout{ContentType: contentType, Separator: "\n", Tail: "\n"}
}
