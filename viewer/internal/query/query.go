// Package query is the language in which one asks for records.
//
//	level>=warn source:api user.id=42 status>=500 "connection reset" -healthz last:15m
//
// Terms are joined by AND; a term with - before it must not hold.
//
//	word  "a phrase"       words of the message or of an attribute's value, in any case
//	wor*                   a word that begins so
//	key:value  key=value   an attribute; a key of a group within a group is written a.b
//	key:a,b                one of them
//	attrs.level:gold       an attribute whose name means something else here
//	key!=value             no such attribute with this value
//	key>1  >=  <  <=       numbers, or durations (took>20ms compares nanoseconds)
//	key~text               the value contains the text, in any case
//	has:key                there is such an attribute
//	level:warn level>=warn slogs's names, with fatal above error; level:warn is all of warn
//	source:api             the application
//	msg:"..."  msg~text    the message, whole, or a part of it
//	template:"..."         all messages of a kind: what varies is written <*>
//	trace:4bf9...  span:.. ids, in hexadecimal
//	last:15m               the last 15 minutes: s, m, h, d
//	since:T  until:T       from, and up to: 2026-05-04, 2026-05-04T12:00, 12:00 (UTC), or RFC 3339
package query

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/slogship/slogship/viewer/internal/event"
)

// Query is a question that was understood.
type Query struct {
	From, To int64 // ms; From is in it, To is not; 0: no bound
	Terms    []Term
}

// Op is how a term compares.
type Op int

// The comparisons. Word looks for words anywhere in a record.
const (
	Word Op = iota
	Prefix
	Equal
	NotEqual
	Greater
	GreaterEqual
	Less
	LessEqual
	Contains
	Has
)

// Term is one condition.
type Term struct {
	Not    bool
	Op     Op
	Key    string   // "": anything in the record
	Attr   bool     // the key is an attribute's, whatever its name
	Values []string // one of them
	number float64  // of the order comparisons
}

// Error says what is wrong with a query, and where.
type Error struct {
	Pos, End int // in the query's text: bytes
	Text     string
}

func (e *Error) Error() string { return fmt.Sprintf("query: at %d: %s", e.Pos+1, e.Text) }

// Caret writes the query with a mark below the place.
func (e *Error) Caret(query string) string {
	at := utf8.RuneCountInString(query[:min(e.Pos, len(query))])
	n := max(1, utf8.RuneCountInString(query[min(e.Pos, len(query)):min(e.End, len(query))]))
	return query + "\n" + strings.Repeat(" ", at) + strings.Repeat("^", n) + " " + e.Text
}

const attrPrefix = "attrs."

// builtin returns the key if it is not an attribute's by force.
func (t *Term) builtin() string {
	if t.Attr {
		return ""
	}
	return t.Key
}

// maxTerms bounds a query.
const maxTerms = 50

// Parse reads a query. The time is what last: and clock times count from.
func Parse(text string, now time.Time) (*Query, error) {
	q := &Query{}
	p := parser{text: text, now: now}
	for {
		p.space()
		if p.pos == len(text) {
			return q, nil
		}
		start := p.pos
		if err := p.term(q); err != nil {
			return nil, err
		}
		if len(q.Terms) > maxTerms {
			return nil, p.errorAt(start, "more than %d terms", maxTerms)
		}
		if q.To > 0 && q.From >= q.To {
			return nil, p.errorAt(start, "nothing is after since and before until")
		}
	}
}

type parser struct {
	text string
	pos  int
	now  time.Time
}

func (p *parser) errorAt(start int, format string, args ...any) *Error {
	return &Error{start, max(p.pos, start+1), fmt.Sprintf(format, args...)}
}

func (p *parser) space() {
	for p.pos < len(p.text) && strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

// term reads one term.
func (p *parser) term(q *Query) error {
	start := p.pos
	t := Term{}
	if p.text[p.pos] == '-' {
		t.Not = true
		p.pos++
		if p.pos == len(p.text) || p.text[p.pos] == ' ' {
			return p.errorAt(start, "- is followed by what must not be there")
		}
	}
	wordStart := p.pos
	first, quoted, err := p.value(":=<>!~ \t\r\n")
	if err != nil {
		return err
	}
	op, ok := p.operator()
	if !ok {
		switch {
		case first == "" && !quoted:
			p.pos = min(p.pos+1, len(p.text))
			return p.errorAt(wordStart, "a word, a phrase or a key is missing here")
		case first == "OR" && !quoted, first == "AND" && !quoted, first == "NOT" && !quoted:
			return p.errorAt(wordStart, "there is no %s: terms are joined by AND, -term negates, key:a,b is one of them", first)
		}
		t.Op, t.Values = Word, []string{first}
		if prefix, ok := strings.CutSuffix(first, "*"); ok && !quoted {
			t.Op, t.Values = Prefix, []string{prefix}
		}
		if !hasWord(t.Values[0]) {
			return p.errorAt(wordStart, "there is no letter and no digit in this: a search is for words")
		}
		q.Terms = append(q.Terms, t)
		return nil
	}
	if first == "" {
		return p.errorAt(wordStart, "a key is missing before the operator")
	}
	t.Op, t.Key = op, first
	if name, ok := strings.CutPrefix(first, attrPrefix); ok && name != "" {
		t.Key, t.Attr = name, true
	}
	valueStart := p.pos
	for {
		v, _, err := p.value(", \t\r\n")
		if err != nil {
			return err
		}
		t.Values = append(t.Values, v)
		if p.pos == len(p.text) || p.text[p.pos] != ',' {
			break
		}
		p.pos++
	}
	return p.finish(q, t, start, wordStart, valueStart)
}

func hasWord(s string) bool {
	found := false
	event.Words([]byte(s), func([]byte) { found = true })
	return found
}

// value reads a quoted text, or up to one of the bytes of stop.
func (p *parser) value(stop string) (s string, quoted bool, err error) {
	start := p.pos
	if p.pos < len(p.text) && p.text[p.pos] == '"' {
		var b strings.Builder
		for p.pos++; p.pos < len(p.text); p.pos++ {
			switch c := p.text[p.pos]; c {
			case '"':
				p.pos++
				return b.String(), true, nil
			case '\\':
				if p.pos+1 < len(p.text) {
					p.pos++
					b.WriteByte(p.text[p.pos])
				}
			default:
				b.WriteByte(c)
			}
		}
		return "", true, p.errorAt(start, "the quotation mark is not closed")
	}
	for p.pos < len(p.text) && strings.IndexByte(stop, p.text[p.pos]) < 0 {
		p.pos++
	}
	return p.text[start:p.pos], false, nil
}

var operators = []struct {
	text string
	op   Op
}{
	{">=", GreaterEqual}, {"<=", LessEqual}, {"!=", NotEqual}, {">", Greater}, {"<", Less}, {":", Equal}, {"=", Equal}, {"~", Contains},
}

func (p *parser) operator() (Op, bool) {
	for _, o := range operators {
		if strings.HasPrefix(p.text[p.pos:], o.text) {
			p.pos += len(o.text)
			return o.op, true
		}
	}
	return 0, false
}

func ordered(op Op) bool { return op >= Greater && op <= LessEqual }

// finish checks a term with a key, and adds it.
func (p *parser) finish(q *Query, t Term, start, keyStart, valueStart int) error {
	if t.Values[0] == "" && (ordered(t.Op) || t.Op == Contains || reserved(t.builtin())) {
		return p.errorAt(valueStart, "a value is missing after %s", p.text[keyStart:valueStart])
	}
	if ordered(t.Op) && len(t.Values) > 1 {
		return p.errorAt(valueStart, "one value can be compared with, not %d", len(t.Values))
	}
	if t.Op == NotEqual {
		t.Op, t.Not = Equal, !t.Not
	}
	switch t.builtin() {
	case "last", "since", "until":
		if t.Op != Equal || t.Not || len(t.Values) > 1 {
			return p.errorAt(start, "write %s:value", t.Key)
		}
		return p.time(q, t, valueStart)
	case "has":
		t.Op, t.Key, t.Attr, t.Values = Has, strings.TrimPrefix(t.Values[0], attrPrefix), true, nil
	case "level":
		for _, v := range t.Values {
			n, ok := event.ParseLevel(v)
			if !ok {
				return p.errorAt(valueStart, "%q is not a level: trace, debug, info, warn, error, fatal, info+2, or a number", v)
			}
			t.number = float64(n)
		}
		if t.Op == Contains {
			return p.errorAt(keyStart, "a level is compared by : >= <= > <")
		}
	case "source", "template", "msg":
		if ordered(t.Op) {
			return p.errorAt(keyStart, "%s is a text: it is compared by : != ~", t.Key)
		}
	case "trace", "span":
		if t.Op != Equal {
			return p.errorAt(keyStart, "%s is compared by : and !=", t.Key)
		}
		for i, v := range t.Values {
			v = strings.ToLower(v)
			_, isTrace := event.ParseTrace(v)
			_, isSpan := event.ParseSpan(v)
			if t.Key == "trace" && !isTrace {
				return p.errorAt(valueStart, "a trace id has 32 hexadecimal digits")
			}
			if t.Key == "span" && !isSpan {
				return p.errorAt(valueStart, "a span id has 16 hexadecimal digits")
			}
			t.Values[i] = v
		}
	default:
		if ordered(t.Op) {
			n, ok := number(t.Values[0])
			if !ok {
				return p.errorAt(valueStart, "%q is neither a number nor a duration such as 20ms", t.Values[0])
			}
			t.number = n
		}
	}
	q.Terms = append(q.Terms, t)
	return nil
}

func reserved(key string) bool {
	switch key {
	case "last", "since", "until", "has", "level", "source", "template", "trace", "span":
		return true
	}
	return false
}

// number reads a number, or a duration in nanoseconds.
func number(s string) (float64, bool) {
	if n, err := strconv.ParseFloat(s, 64); err == nil {
		return n, n == n
	}
	d, err := time.ParseDuration(s)
	return float64(d), err == nil
}

// time reads last:, since: and until:.
func (p *parser) time(q *Query, t Term, at int) error {
	v := t.Values[0]
	if t.Key == "last" {
		d, ok := duration(v)
		if !ok {
			return p.errorAt(at, "%q is not a span of time: write 30s, 15m, 2h or 7d", v)
		}
		q.From = max(p.now.Add(-d).UnixMilli(), 1)
		return nil
	}
	when, ok := p.clock(v)
	if !ok {
		return p.errorAt(at, "%q is not a time: write 2026-05-04, 2026-05-04T12:00:00Z, 12:00 or milliseconds", v)
	}
	if t.Key == "since" {
		q.From = max(when, 1)
	} else {
		q.To = max(when, 1)
	}
	return nil
}

func duration(s string) (time.Duration, bool) {
	if days, ok := strings.CutSuffix(s, "d"); ok {
		n, err := strconv.ParseFloat(days, 64)
		return time.Duration(n * 24 * float64(time.Hour)), err == nil && n > 0 && n < 36500
	}
	d, err := time.ParseDuration(s)
	return d, err == nil && d > 0
}

func (p *parser) clock(s string) (ms int64, ok bool) {
	if n, err := strconv.ParseInt(s, 10, 64); err == nil && n > 1e11 && n < 1e14 {
		return n, true
	}
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02T15:04:05", "2006-01-02T15:04", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UnixMilli(), true
		}
	}
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			day := p.now.UTC().Truncate(24 * time.Hour)
			when := day.Add(time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second)
			if when.After(p.now) {
				when = when.Add(-24 * time.Hour) // the last time that it was so late
			}
			return when.UnixMilli(), true
		}
	}
	return 0, false
}
