package slogship

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"unicode"

	"github.com/goccy/go-json"
)

const (
	redacted = "[redacted]"

	// shortSecret is the length below which a secret cannot be cut out of a
	// text: too much else would match. Such a text is withheld whole.
	shortSecret = 4

	maxReason = 300 // characters of a server's own words in an error
)

// secrets are the texts that must not appear in an error: header values, URL
// user info and query values, in each form in which a server may echo them.
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

// addHeader adds a header's value, and the credentials behind its scheme.
func (s *secrets) addHeader(v string) {
	s.add(v)
	scheme, credentials, ok := strings.Cut(v, " ")
	if !ok {
		return
	}
	s.add(strings.TrimSpace(credentials))
	if strings.EqualFold(scheme, "Basic") {
		if plain, err := base64.StdEncoding.DecodeString(strings.TrimSpace(credentials)); err == nil {
			s.add(string(plain))
			user, password, _ := strings.Cut(string(plain), ":")
			s.add(user)
			s.add(password)
		}
	}
}

func (s *secrets) add(v string) {
	if v == "" {
		return
	}
	quoted := string(AppendString(nil, v))
	for _, form := range []string{
		v, url.QueryEscape(v), url.PathEscape(v), quoted[1 : len(quoted)-1],
		base64.StdEncoding.EncodeToString([]byte(v)),
	} {
		list := &s.long
		if len(form) < shortSecret {
			list = &s.short
		}
		if !slices.Contains(*list, form) {
			*list = append(*list, form)
		}
	}
}

// redact returns text, which comes from outside, without any secret.
func (s secrets) redact(text string) string {
	for _, v := range s.long {
		text = replaceFold(text, v, redacted)
	}
	for _, v := range s.short {
		if strings.Contains(strings.ReplaceAll(text, redacted, ""), v) {
			return redacted
		}
	}
	return text
}

// replaceFold is strings.ReplaceAll for ASCII of either case: a server may
// echo %2f for %2F, or a header in lower case.
func replaceFold(text, old, with string) string {
	lower, old := strings.ToLower(text), strings.ToLower(old)
	if len(lower) != len(text) {
		return strings.ReplaceAll(text, old, with) // folding moved the offsets
	}
	var b strings.Builder
	for {
		i := strings.Index(lower, old)
		if i < 0 {
			return b.String() + text
		}
		b.WriteString(text[:i])
		b.WriteString(with)
		text, lower = text[i+len(old):], lower[i+len(old):]
	}
}

// reasonText is a server's own words for an error: one line, bounded, without
// secrets. Of a JSON object only its message or error is used.
func (s secrets) reasonText(body string) string {
	if len(body) > maxAnswer {
		body = body[:maxAnswer]
	}
	var object map[string]any
	if json.Unmarshal([]byte(body), &object) == nil {
		for _, k := range []string{"message", "error", "reason", "text", "detail"} {
			if v, ok := object[k].(string); ok {
				body = v
				break
			}
		}
	}
	line := strings.Join(strings.FieldsFunc(s.redact(body), func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r)
	}), " ")
	if len(line) > maxReason {
		line = runePrefix(line, maxReason) + "…"
	}
	return strings.ToValidUTF8(line, "\ufffd")
}

// redactEndpoint is an endpoint, valid or not, without what may be secret in it.
func redactEndpoint(endpoint string) string {
	if i := strings.IndexAny(endpoint, "?#"); i >= 0 {
		endpoint = endpoint[:i]
	}
	if i := strings.LastIndexByte(endpoint, '@'); i >= 0 {
		scheme := ""
		if j := strings.Index(endpoint, "//"); j >= 0 && j < i {
			scheme = endpoint[:j+2]
		}
		endpoint = scheme + endpoint[i+1:]
	}
	return endpoint
}
