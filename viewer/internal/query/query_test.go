package query

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

var noon = time.Date(2026, 5, 4, 12, 0, 0, 0, time.UTC)

var record = Record{
	Log: &event.Log{
		Time: noon.UnixNano(), Level: 6, Source: "api", Message: "Connection reset by peer, größe 7",
		Attrs: []byte(`{"user":{"id":42,"name":"Ann Lee"},"status":503,"took":25000000,"ratio":0.5,"path":"/a/b","empty":"","tags":["x","y"],"on":true,"a.b":"dotted","level":"gold"}`),
		Trace: [16]byte{0xab}, Span: [8]byte{0xcd},
	},
	Template: "Connection reset by peer, größe <*>",
}

// What a query means: which records it finds. The tokens of a query that finds the
// record are the record's: else the filter would hide it.
func TestMatch(t *testing.T) {
	tokens := map[uint32]bool{}
	for _, token := range event.AppendTokens(nil, record.Message, record.Attrs) {
		tokens[token] = true
	}
	for text, want := range map[string]bool{
		"":                    true,
		"connection":          true,
		"connect":             false,
		"connect*":            true,
		"onnection*":          false,
		`"RESET by"`:          true,
		`"reset  by"`:         false,
		`"set by"`:            false,
		"GRÖSSE":              false,
		"GRÖßE":               true,
		"lee":                 true,
		"42":                  true,
		"-42":                 false,
		"-nothing":            true,
		"user.id=42":          true,
		"user.id:41,42":       true,
		"user.id!=42":         false,
		"user.id!=43":         true,
		"-user.id:43":         true,
		"missing!=1":          true,
		"missing:1":           false,
		`user.name:"ann lee"`: true,
		"user.name~LEE":       true,
		"status>=500":         true,
		"status<500":          false,
		"status>503":          false,
		"status<=503":         true,
		"took>20ms took<30ms": true,
		"ratio=0.5":           true,
		"ratio>0.4":           true,
		"on:true":             true,
		"tags:y":              true,
		"tags!=y":             false,
		"a.b:dotted":          true,
		"attrs.level:gold":    true,
		"attrs.level:warn":    false,
		"attrs.user.id=42":    true,
		"has:attrs.level":     true,
		"has:user":            true,
		"has:user.id":         true,
		"has:use":             false,
		"-has:nothing":        true,
		`empty:""`:            true,
		"level:warn":          true,
		"level:warn+2":        true,
		"level:warn+1":        false,
		"level>=warn":         true,
		"level>=error":        false,
		"level<error":         true,
		"level:debug,warn":    true,
		"level!=warn":         false,
		"source:api":          true,
		"source:web,api":      true,
		"source!=api":         false,
		"source~AP":           true,
		`msg:"connection reset by peer, größe 7"`: true,
		"msg~PEER": true,
		`template:"Connection reset by peer, größe <*>"`: true,
		"trace:ab" + strings.Repeat("0", 30):             true,
		"trace:AC" + strings.Repeat("0", 30):             false,
		"span:cd" + strings.Repeat("0", 14):              true,
		"path:/a/b":                                      true,
		"last:1h":                                        true,
		"since:11:00 until:2026-05-04T12:00:01Z":         true,
		"until:2026-05-04":                               false,
	} {
		q, err := Parse(text, noon)
		if err != nil {
			t.Errorf("%s: %v", text, err)
			continue
		}
		p := q.Plan()
		got := (p.From == 0 || noon.UnixMilli() >= p.From) && (p.To == 0 || noon.UnixMilli() < p.To) && All(q.Terms, record)
		if got != want {
			t.Errorf("%s: finds the record: %t", text, got)
		}
		for _, token := range p.Tokens {
			if want && !tokens[token] {
				t.Errorf("%s: has a token that the record has not", text)
			}
		}
	}
}

// A query that is not understood says why, and points at the place.
func TestErrors(t *testing.T) {
	for text, want := range map[string]string{
		`level:loud`:                        `      ^^^^ "loud" is not a level`,
		`a "open`:                           `  ^^^^^ the quotation mark is not closed`,
		`a -`:                               `  ^ - is followed by`,
		`a status>=x`:                       `          ^ "x" is neither a number`,
		`status>`:                           `       ^ a value is missing after status>`,
		`a OR b`:                            `  ^^ there is no OR`,
		`trace:12`:                          `      ^^ a trace id has 32`,
		`last:soon`:                         `     ^^^^ "soon" is not a span of time`,
		`since:never`:                       `      ^^^^^ "never" is not a time`,
		`since:2026-05-04 until:2026-05-03`: `                 ^^^^^^^^^^^^^^^^ nothing is after since`,
		`ü :x`:                              `  ^ a key is missing`,
		`...`:                               `^^^ there is no letter`,
		`source>a`:                          `^^^^^^^^ source is a text`,
		`-last:5m`:                          `^^^^^^^^ write last:value`,
		`a>1,2`:                             `  ^^^ one value`,
		strings.Repeat("x ", 51):            strings.Repeat(" ", 100) + "^ more than 50",
	} {
		_, err := Parse(text, noon)
		var e *Error
		if !errors.As(err, &e) {
			t.Errorf("%s: %v", text, err)
			continue
		}
		if _, caret, _ := strings.Cut(e.Caret(text), "\n"); !strings.HasPrefix(caret, want) {
			t.Errorf("%s:\ngot  %s\nwant %s", text, caret, want)
		}
	}
}

// What an index answers is not asked of each record.
func TestPlan(t *testing.T) {
	q, err := Parse("level>=warn source:a,b source!=c trace:"+strings.Repeat("1", 32)+" user.id=42 word -no x>1", noon)
	if err != nil {
		t.Fatal(err)
	}
	p := q.Plan()
	if *p.MinLevel != 4 || len(p.Sources) != 2 || len(p.NotSources) != 1 || p.Trace == nil || len(p.Tokens) != 2 || len(p.Rest) != 4 {
		t.Errorf("the plan is %+v", p)
	}
}

// Nothing panics, whatever is written.
func FuzzParse(f *testing.F) {
	f.Add(`level>=warn "x\"y" -a:b,"c" took>20ms last:15m`)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text, noon)
		if e, ok := errors.AsType[*Error](err); ok {
			e.Caret(text)
			return
		}
		All(q.Terms, record)
		p := q.Plan()
		_ = p
	})
}
