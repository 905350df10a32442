// Package redact removes secrets from texts of servers, proxies and transports, which
// may contain credentials.
//
//	text -> its first KiB -> known forms are replaced -> decoded, in every way -> shown, or withheld
//
// Secrets are the values of headers, URL user info, and URL query values. Each is
// looked for in the forms in which it is mostly echoed (as it is, in JSON, in a URL, in
// base64, in hexadecimal), in either case, and is replaced by [redacted]. Then the rest
// is decoded, layer by layer. If that shows a secret, or fifteen of its characters in a
// row, the whole text is withheld.
//
// Not found is a secret that is encrypted, hashed, compressed, reversed, or has other
// characters between its own.
//
// The package knows nothing of formats, requests or delivery.
package redact

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

const (
	// Mark replaces a secret in a text.
	Mark = "[redacted]"

	// short is the least length of a secret that is replaced. A shorter one would match
	// too much; a text with one is withheld.
	short = 4

	// long is the length from which on a part of a header's value is taken for
	// a secret of its own.
	long = 8

	maxRead = 1 << 10 // bytes of a text that are looked at
	maxText = 300     // bytes of it that are shown

	// margin is how many bytes are not shown at the end of a text that is longer than
	// maxRead: a secret may begin there, with too few characters to be recognised.
	margin = 256
)

// Secrets are texts that must not be shown. The zero value has none. They are safe for
// concurrent use.
type Secrets struct {
	plain []string // sorted, each once

	once  sync.Once // guards what follows, which is made of plain for the first text
	index *index
	outer *index // of those that are no part of another one
}

// Of returns the secrets of an endpoint, which may be nil, and of headers.
func Of(endpoint *url.URL, headers ...http.Header) *Secrets {
	var c collector
	c.addURL(endpoint)
	for _, h := range headers {
		for _, values := range h {
			for _, v := range values {
				c.addHeader(v)
			}
		}
	}
	return c.secrets(nil)
}

// harmless are headers that a transport adds and that contain no credentials.
var harmless = []string{
	"Accept", "Accept-Encoding", "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Host",
	"Traceparent", "User-Agent",
}

// And returns s and the secrets of requests that a transport has changed: those
// of u, which may be nil, and of h. Values of less than four bytes are not
// secrets here, because a text with one of them would be withheld: a transport
// counts its attempts in a header.
func (s *Secrets) And(u *url.URL, h http.Header) *Secrets {
	var c collector
	c.addURL(u)
	for name, values := range h {
		if slices.Contains(harmless, name) {
			continue
		}
		for _, v := range values {
			c.addHeader(v)
		}
	}
	c.plain = slices.DeleteFunc(c.plain, func(v string) bool { return len(v) < short })
	return c.secrets(s)
}

// collector gathers the secrets in what has some.
type collector struct{ plain []string }

func (c *collector) add(v string) {
	if v != "" {
		c.plain = append(c.plain, v)
	}
}

func (c *collector) addURL(u *url.URL) {
	if u == nil {
		return
	}
	if info := u.User; info != nil {
		c.add(info.Username())
		if p, ok := info.Password(); ok {
			c.add(p)
			c.add(info.Username() + ":" + p)
		}
	}
	for _, values := range u.Query() {
		for _, v := range values {
			c.add(v)
		}
	}
	// Pairs that Query cannot parse are not in its map, but are in the URL.
	for _, pair := range strings.FieldsFunc(u.RawQuery, func(r rune) bool { return r == '&' || r == ';' }) {
		if _, v, ok := strings.Cut(pair, "="); ok {
			c.add(v)
		} else {
			c.add(pair)
		}
	}
}

// addHeader adds a header's value, and the credentials in it.
func (c *collector) addHeader(v string) {
	c.add(v)
	if scheme, credentials, ok := strings.Cut(v, " "); ok {
		credentials = strings.TrimSpace(credentials)
		c.add(credentials)
		if plain, err := base64.StdEncoding.DecodeString(credentials); err == nil && strings.EqualFold(scheme, "Basic") {
			c.add(string(plain))
			user, password, _ := strings.Cut(string(plain), ":")
			c.add(user)
			c.add(password)
		}
	}
	// The parts of a Cookie, or of "Token token=...".
	for _, part := range strings.FieldsFunc(v, func(r rune) bool { return strings.ContainsRune(` ,;"=`, r) }) {
		if len(part) >= long {
			c.add(part)
		}
	}
}

func (c *collector) secrets(more *Secrets) *Secrets {
	plain := c.plain
	if more != nil {
		plain = append(plain, more.plain...)
	}
	slices.Sort(plain)
	return &Secrets{plain: slices.Compact(plain)}
}

// Text returns what may be shown of a text from outside: one line of at most 300
// bytes, without any secret. Of a JSON object only its message or error is used.
func (s *Secrets) Text(text string) string {
	cut := len(text) > maxRead
	if cut {
		text = text[:maxRead]
	}
	if message, ok := messageOf(text); ok {
		text, cut = message, false
	}
	shown := s.clean(text)
	if cut && shown != Mark {
		shown = runePrefix(shown, len(shown)-margin)
	}
	line := strings.ToValidUTF8(strings.Join(strings.FieldsFunc(shown, func(r rune) bool {
		return unicode.IsSpace(r) || unicode.IsControl(r) || unicode.Is(unicode.Cf, r)
	}), " "), "\ufffd")
	if cut && shown != Mark || len(line) > maxText {
		line = runePrefix(line, maxText) + "…"
	}
	return line
}

// runePrefix is s, or the front of it of at most n bytes that ends with a rune.
func runePrefix(s string, n int) string {
	if len(s) <= n {
		return s
	}
	n = max(n, 0)
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// clean returns text without any secret.
func (s *Secrets) clean(text string) string {
	if len(s.plain) == 0 {
		return text
	}
	s.once.Do(func() {
		s.index = newIndex(s.plain, false)
		s.outer = newIndex(slices.DeleteFunc(slices.Clone(s.plain), func(v string) bool {
			return slices.ContainsFunc(s.plain, func(w string) bool { return w != v && strings.Contains(w, v) })
		}), true)
	})
	shown, rest := replace(text, s.index.cover(text))
	if s.index.decodes(rest) {
		return Mark
	}
	// If a part of a secret was replaced because it is a secret, too, the rest of it
	// may be left, in a form that is recognised only as a whole.
	if _, all := replace(text, s.outer.cover(text)); all != rest && s.outer.decodes(all) {
		return Mark
	}
	return shown
}

// replace returns text with a mark in place of what is hidden; and with a gap in
// its place, which cannot be taken for a secret.
func replace(text string, hidden []bool) (marked, gapped string) {
	var m, g strings.Builder
	for i := range len(text) {
		switch {
		case !hidden[i]:
			m.WriteByte(text[i])
			g.WriteByte(text[i])
		case i == 0 || !hidden[i-1]:
			m.WriteString(Mark)
			g.WriteByte(0)
		}
	}
	return m.String(), g.String()
}
