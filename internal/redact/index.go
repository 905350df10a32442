package redact

import (
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// A needle shorter than run is searched for as a whole, a longer one by any run of
	// its characters: that many reveal too much of the secret.
	run   = 15
	block = (run + 1) / 2 // any run of that length has a block of it, from a multiple of that length on

	// minNeedle is the length of the shortest needle: fewer letters and digits are
	// found in words that are no secret.
	minNeedle = 6
)

// index is how secrets are found.
type index struct {
	whole  bool
	forms  []string // what is replaced: folded secrets, in the forms in which they are echoed
	plain  []string // folded secrets
	dense  []string // the same without white space, in which a text may be broken
	short  []string // of those, what is too short to be replaced
	needle []string // letters and digits of a form, where these are few

	// blocks has, for the letters and digits of each longer form, every block-th
	// block of them, and where it stands.
	blocks map[string][]place

	nonASCII bool // a secret is not ASCII: no text is that shows anything else
}

type place struct {
	of string
	at int
}

// newIndex returns the index of secrets. If whole is true, only a whole secret matches,
// and not a run of its characters.
func newIndex(secrets []string, whole bool) *index {
	x := &index{whole: whole, blocks: map[string][]place{}}
	seen := map[string]bool{}
	add := func(form string) {
		folded, _ := fold(form)
		if len(folded) >= short && !seen[folded] {
			seen[folded] = true
			x.forms = append(x.forms, folded)
		}
		x.addNeedle(bare(folded))
	}
	for _, v := range secrets {
		folded, _ := fold(v)
		x.nonASCII = x.nonASCII || !isASCII(v)
		if len(folded) < short {
			x.short = append(x.short, folded)
		} else {
			x.plain = append(x.plain, folded)
			if v := dense(folded); len(v) >= short {
				x.dense = append(x.dense, v)
			}
		}
		add(v)
		quoted, _ := json.Marshal(v) // strings are always good
		add(string(quoted[1 : len(quoted)-1]))
		add(url.QueryEscape(v))
		add(url.PathEscape(v))
		for _, form := range inBase64(v) {
			add(form)
		}
		if len(v) < short { // too few digits
			continue
		}
		add(hex.EncodeToString([]byte(v)))
		var decimal []byte // as fmt prints a []byte
		for i := range len(v) {
			decimal = append(strconv.AppendUint(decimal, uint64(v[i]), 10), ' ')
		}
		add(string(decimal[:len(decimal)-1]))
	}
	return x
}

func (x *index) addNeedle(n string) {
	switch {
	case len(n) < minNeedle:
	case x.whole || len(n) <= run:
		if !slices.Contains(x.needle, n) {
			x.needle = append(x.needle, n)
		}
	default:
		for at := 0; at+block <= len(n); at += block {
			b := n[at : at+block]
			if !slices.ContainsFunc(x.blocks[b], func(p place) bool { return p.of == n && p.at == at }) {
				x.blocks[b] = append(x.blocks[b], place{n, at})
			}
		}
	}
}

// inBase64 returns what v becomes in the base64 of a text that has v in it, for
// each place in a group of three bytes where v can begin.
func inBase64(v string) (forms []string) {
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString([]byte("\x00\x00"[:before] + v))
		from, to := (8*before+5)/6, 8*(before+len(v))/6 // the digits of v alone
		if from < to {
			form := encoded[from:to]
			forms = append(forms, form, strings.NewReplacer("+", "-", "/", "_").Replace(form))
		}
	}
	return forms
}

// cover reports, for each byte of text, whether it belongs to a form of a
// secret.
func (x *index) cover(text string) []bool {
	hidden := make([]bool, len(text))
	folded, origin := fold(text)
	for _, form := range x.forms {
		for from := 0; ; {
			i := strings.Index(folded[from:], form)
			if i < 0 {
				break
			}
			i += from
			for k := origin[i]; k < origin[i+len(form)]; k++ {
				hidden[k] = true
			}
			from = i + 1
		}
	}
	return hidden
}

// shows reports whether text contains a secret, with any other characters between its
// letters and digits. binary says that text is decoded on a guess, and mostly noise.
func (x *index) shows(text string, binary bool) bool {
	folded, _ := fold(text)
	if containsAny(folded, x.plain) || containsAny(dense(folded), x.dense) || !binary && (containsAny(folded, x.short) || x.nonASCII && !isASCII(text)) {
		return true
	}
	letters := bare(folded)
	if containsAny(letters, x.needle) {
		return true
	}
	for i := 0; i+block <= len(letters); i++ {
		for _, p := range x.blocks[letters[i:i+block]] {
			if common(letters, i, p.of, p.at) >= run {
				return true
			}
		}
	}
	return false
}

// common is the length of what a and b have in common around a[i] and b[j].
func common(a string, i int, b string, j int) int {
	from, to := 0, 0
	for from < i && from < j && a[i-from-1] == b[j-from-1] {
		from++
	}
	for i+to < len(a) && j+to < len(b) && a[i+to] == b[j+to] {
		to++
	}
	return from + to
}

func containsAny(text string, list []string) bool {
	return slices.ContainsFunc(list, func(v string) bool { return strings.Contains(text, v) })
}

// fold is text with all cases of a letter made one. origin is, for each byte of
// it, where the letter begins in text, and at its end the length of text.
func fold(text string) (folded string, origin []int) {
	b := make([]byte, 0, len(text))
	origin = make([]int, 0, len(text)+1)
	for i := 0; i < len(text); {
		r, size := rune(text[i]), 1
		switch {
		case 'A' <= r && r <= 'Z':
			r += 'a' - 'A'
		case r >= utf8.RuneSelf:
			r, size = utf8.DecodeRuneInString(text[i:])
			r = unicode.ToLower(unicode.ToUpper(r))
		}
		from := len(b)
		if size == 1 && text[i] >= utf8.RuneSelf {
			b = append(b, text[i]) // no UTF-8
		} else {
			b = utf8.AppendRune(b, r)
		}
		for range len(b) - from {
			origin = append(origin, i)
		}
		i += size
	}
	return string(b), append(origin, len(text))
}

// dense is text without white space.
func dense(text string) string { return strings.Join(strings.Fields(text), "") }

// bare is the letters and digits of text.
func bare(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return r
		}
		return -1
	}, text)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
