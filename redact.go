package slogship

import (
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/goccy/go-json"

	"github.com/slogship/slogship/internal/jsontext"
)

const (
	redacted = "[redacted]"

	// shortSecret is the length below which a secret cannot be cut out of a
	// text: too much else would match. Such a text is withheld whole.
	shortSecret = 4

	// longPart is the length from which on a part of a header's value is taken
	// for a secret of its own.
	longPart = 8

	maxEscapes = 3        // layers of escapes in which a secret is looked for
	maxReason  = 300      // bytes of a server's own words in an error
	maxRead    = 64 << 10 // bytes in which they are looked for
)

// secrets are the texts that must not appear in an error: header values, URL
// user info and query values, and each form in which a server mostly echoes
// them. All are in lower case, for a server may change that too.
type secrets struct {
	long  []string // longest first, so that no part of one is left
	short []string
}

func newSecrets(endpoint *url.URL, headers ...http.Header) secrets {
	var s secrets
	if u := endpoint.User; u != nil {
		s.add(u.Username())
		if p, ok := u.Password(); ok {
			s.add(p)
			s.add(u.Username() + ":" + p)
		}
	}
	for _, values := range endpoint.Query() {
		for _, v := range values {
			s.add(v)
		}
	}
	// What Query cannot parse is in nobody's map, but in the URL all the same.
	for _, pair := range strings.FieldsFunc(endpoint.RawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
		if _, v, ok := strings.Cut(pair, "="); ok {
			s.add(v)
		} else {
			s.add(pair)
		}
	}
	for _, h := range headers {
		for _, values := range h {
			for _, v := range values {
				s.addHeader(v)
			}
		}
	}
	slices.SortFunc(s.long, func(a, b string) int { return len(b) - len(a) })
	return s
}

// addHeader adds a header's value, and the credentials in it.
func (s *secrets) addHeader(v string) {
	s.add(v)
	if scheme, credentials, ok := strings.Cut(v, " "); ok {
		s.add(strings.TrimSpace(credentials))
		if strings.EqualFold(scheme, "Basic") {
			s.addBasic(strings.TrimSpace(credentials))
		}
	}
	// The parts of a Cookie, or of "Token token=...".
	for _, part := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(` ,;"=`, r) }) {
		if len(part) >= longPart {
			s.add(part)
		}
	}
}

func (s *secrets) addBasic(credentials string) {
	plain, err := base64.StdEncoding.DecodeString(credentials)
	if err != nil {
		return
	}
	s.add(string(plain))
	user, password, _ := strings.Cut(string(plain), ":")
	s.add(user)
	s.add(password)
}

func (s *secrets) add(v string) {
	if v == "" {
		return
	}
	s.addForm(v)
	quoted := string(AppendString(nil, v))
	for _, form := range append(inBase64(v), url.QueryEscape(v), url.PathEscape(v), quoted[1:len(quoted)-1]) {
		if len(form) >= shortSecret {
			s.addForm(form)
		}
	}
}

func (s *secrets) addForm(form string) {
	list := &s.long
	if len(form) < shortSecret {
		list = &s.short
	}
	if form = lowerASCII(form); !slices.Contains(*list, form) {
		*list = append(*list, form)
	}
}

// inBase64 returns what v becomes in the base64 of a text that has v in it,
// for each place in a group of three bytes where v can begin.
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

// redact returns text, which comes from outside, without any secret. What
// cannot be cut out, for it is too short or escaped in an unusual way, has the
// whole text withheld.
func (s secrets) redact(text string) string {
	for _, v := range s.long {
		text = replaceFold(text, v, redacted)
	}
	rest := strings.ReplaceAll(text, redacted, "\x00")
	if s.short != nil && containsAny(rest, s.short) {
		return redacted
	}
	for range maxEscapes {
		plain := unescape(rest)
		if plain == rest {
			break
		}
		if rest = plain; containsAny(rest, s.long) {
			return redacted
		}
	}
	return text
}

func containsAny(text string, lower []string) bool {
	text = lowerASCII(text)
	return slices.ContainsFunc(lower, func(v string) bool { return strings.Contains(text, v) })
}

// replaceFold is strings.ReplaceAll for ASCII letters of either case; old is
// in lower case.
func replaceFold(text, old, with string) string {
	lower := lowerASCII(text)
	var b strings.Builder
	for {
		i := strings.Index(lower, old)
		if i < 0 {
			b.WriteString(text)
			return b.String()
		}
		b.WriteString(text[:i])
		b.WriteString(with)
		text, lower = text[i+len(old):], lower[i+len(old):]
	}
}

// lowerASCII is strings.ToLower for ASCII; the text keeps its length.
func lowerASCII(text string) string {
	lower := []byte(text)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}

// unescape undoes one layer of percent-encoding, of backslashes and of HTML's
// entities, wherever text seems to have one.
func unescape(text string) string {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		c, rest := text[i], text[i+1:]
		if c == '%' && len(rest) >= 2 {
			if v, err := strconv.ParseUint(rest[:2], 16, 8); err == nil {
				b.WriteByte(byte(v))
				i += 2
				continue
			}
		}
		if c == '\\' && len(rest) >= 5 && rest[0] == 'u' {
			if v, err := strconv.ParseUint(rest[1:5], 16, 16); err == nil {
				b.WriteRune(rune(v))
				i += 5
				continue
			}
		}
		if c == '\\' && rest != "" {
			c = rest[0]
			i++
		}
		b.WriteByte(c)
	}
	return html.UnescapeString(b.String())
}

// reasonText is a server's own words for an error: one line, bounded, without
// secrets. Of a JSON object only its message or error is used.
func (s secrets) reasonText(body string) string {
	var object map[string]any
	if json.Unmarshal([]byte(body), &object) == nil {
		for _, k := range []string{"message", "error", "reason", "text", "detail"} {
			if v, ok := object[k].(string); ok {
				body = v
				break
			}
		}
	}
	line := strings.Join(strings.FieldsFunc(s.redact(body[:min(len(body), maxRead)]), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(line) > maxReason {
		line = jsontext.RunePrefix(line, maxReason) + "…"
	}
	return strings.ToValidUTF8(line, "\ufffd")
}

// redactEndpoint is an endpoint, valid or not, without what may be secret in it.
func redactEndpoint(endpoint string) string {
	address, query := endpoint, ""
	if i := strings.IndexAny(endpoint, "?#"); i >= 0 {
		address, query = endpoint[:i], endpoint[i:]
	}
	scheme, rest, ok := strings.Cut(address, "//")
	switch {
	case !ok:
		scheme, rest = "", address
	case strings.Contains(scheme, "@"):
		scheme = ""
	default:
		scheme += "//"
	}
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		return scheme + rest[i+1:]
	}
	if strings.Contains(query, "@") { // a password with a ? or # in it, perhaps
		return scheme + redacted
	}
	return scheme + rest
}
