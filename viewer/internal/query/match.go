package query

import (
	"bytes"
	"encoding/hex"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/jsontext"
)

// Plan is what of a query an index can answer. What is left in Rest must be asked
// of each record.
type Plan struct {
	From, To   int64
	MinLevel   *int
	Sources    []string
	NotSources []string
	Trace      *[16]byte
	Tokens     []uint32
	Rest       []Term
}

// Plan divides the query.
func (q *Query) Plan() Plan {
	p := Plan{From: q.From, To: q.To}
	for _, t := range q.Terms {
		key := t.builtin()
		switch {
		case key == "level" && t.Op == GreaterEqual && !t.Not:
			level := int(t.number)
			if p.MinLevel == nil || *p.MinLevel < level {
				p.MinLevel = &level
			}
			continue
		case key == "source" && t.Op == Equal && t.Not:
			p.NotSources = append(p.NotSources, t.Values...)
			continue
		case key == "source" && t.Op == Equal && p.Sources == nil:
			p.Sources = t.Values
			continue
		case key == "trace" && !t.Not && len(t.Values) == 1 && p.Trace == nil:
			if id, ok := event.ParseTrace(t.Values[0]); ok {
				p.Trace = &id
				continue
			}
		case key == "level" && t.Op == Equal && !t.Not && p.MinLevel == nil:
			lowest := 1 << 30
			for _, v := range t.Values {
				n, _ := event.ParseLevel(v)
				lowest = min(lowest, n)
			}
			p.MinLevel = &lowest // and the term stays
		}
		p.Tokens = append(p.Tokens, t.tokens()...)
		p.Rest = append(p.Rest, t)
	}
	return p
}

// tokens returns what occurs in every record for which the term holds.
func (t *Term) tokens() []uint32 {
	if t.Not || len(t.Values) != 1 {
		return nil
	}
	v, key := t.Values[0], t.builtin()
	switch {
	case t.Op == Word:
		return event.AppendWords(nil, []byte(v))
	case t.Op != Equal || v == "":
		return nil
	case key == "msg":
		return event.AppendWords(nil, []byte(v))
	case key == "template":
		var words []uint32
		for part := range strings.SplitSeq(v, "<*>") {
			words = event.AppendWords(words, []byte(part))
		}
		return words
	case key == "level" || key == "source" || key == "span" || key == "trace":
		return nil
	case len(v) > event.MaxPair || v == "null" || fraction(v):
		return nil
	}
	return []uint32{event.PairToken([]byte(t.Key), []byte(v))}
}

// fraction reports whether the text may be a number without tokens.
func fraction(v string) bool {
	_, ok := number(v)
	return ok && (len(v) > 20 || strings.ContainsAny(v, ".eE"))
}

// Record is what terms are asked of.
type Record struct {
	*event.Log
	Template string
}

// All reports whether all terms hold for the record.
func All(terms []Term, r Record) bool {
	for i := range terms {
		if terms[i].holds(r) == terms[i].Not {
			return false
		}
	}
	return true
}

func (t *Term) holds(r Record) bool {
	switch t.Op {
	case Word:
		return t.anywhere(r, wordsIn)
	case Prefix:
		return t.anywhere(r, prefixIn)
	}
	switch t.builtin() {
	case "level":
		return t.level(r.Level)
	case "source":
		return t.text(r.Source)
	case "template":
		return t.text(r.Template)
	case "msg":
		return t.text(r.Message)
	case "trace":
		return slices.Contains(t.Values, hex.EncodeToString(r.Trace[:]))
	case "span":
		return slices.Contains(t.Values, hex.EncodeToString(r.Span[:]))
	}
	found := false
	if t.Op == Has {
		prefix := t.Key + "."
		jsontext.Scalars(r.Attrs, func(path, _ []byte) bool {
			found = string(path) == t.Key || bytes.HasPrefix(path, []byte(prefix))
			return !found
		})
		return found
	}
	jsontext.Scalars(r.Attrs, func(path, value []byte) bool {
		if string(path) != t.Key {
			return true
		}
		if ordered(t.Op) {
			n, ok := number(jsontext.Text(value))
			found = ok && t.compare(n)
		} else {
			found = t.text(jsontext.Text(value))
		}
		return !found
	})
	return found
}

func (t *Term) level(level int) bool {
	if t.Op != Equal {
		return t.compare(float64(level))
	}
	for _, v := range t.Values {
		n, _ := event.ParseLevel(v)
		// The name of a class is all of it: level:info finds info+2.
		if c := event.ClassOf(n); n == level || c.Base() == n && c == event.ClassOf(level) {
			return true
		}
	}
	return false
}

func (t *Term) compare(n float64) bool {
	switch t.Op {
	case Greater:
		return n > t.number
	case GreaterEqual:
		return n >= t.number
	case Less:
		return n < t.number
	}
	return n <= t.number
}

// text compares in any case.
func (t *Term) text(s string) bool {
	for _, v := range t.Values {
		if t.Op == Contains && strings.Contains(strings.ToLower(s), strings.ToLower(v)) || t.Op == Equal && strings.EqualFold(s, v) {
			return true
		}
	}
	return false
}

// anywhere asks the message and each attribute's value.
func (t *Term) anywhere(r Record, in func(text []byte, s string) bool) bool {
	for _, v := range t.Values {
		if in([]byte(r.Message), v) {
			return true
		}
		found := false
		var scratch []byte
		jsontext.Scalars(r.Attrs, func(_, value []byte) bool {
			if event.Searchable(value) {
				scratch = jsontext.Append(scratch[:0], value)
				found = in(scratch, v)
			}
			return !found
		})
		if found {
			return true
		}
	}
	return false
}

// wordsIn reports whether the phrase stands in the text, as whole words, in any
// case.
func wordsIn(text []byte, phrase string) bool {
	return stands(text, phrase, true)
}

func prefixIn(text []byte, prefix string) bool {
	return stands(text, prefix, false)
}

// stands looks for the phrase where a word begins; whole: and where one ends.
func stands(text []byte, phrase string, whole bool) bool {
	if len(text) < len(phrase)/2 { // lower case may be shorter
		return false
	}
	t, p := bytes.ToLower(text), bytes.ToLower([]byte(phrase))
	for from := 0; from <= len(t)-len(p); {
		i := bytes.Index(t[from:], p)
		if i < 0 {
			return false
		}
		i += from
		before, _ := utf8.DecodeLastRune(t[:i])
		first, size := utf8.DecodeRune(p)
		after, _ := utf8.DecodeRune(t[i+len(p):])
		last, _ := utf8.DecodeLastRune(p)
		begins := !event.WordRune(before) || !event.WordRune(first)
		ends := !whole || !event.WordRune(after) || !event.WordRune(last)
		if begins && ends {
			return true
		}
		from = i + max(size, 1)
	}
	return false
}
