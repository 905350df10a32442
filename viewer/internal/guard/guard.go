// Package guard keeps strangers out of a server on somebody's own machine.
//
// A browser runs pages of strangers, and lets them send requests to localhost. So
// every request must name a host that is ours (a page whose name was made to
// resolve to 127.0.0.1 names its own), a request that changes something must not
// come from another origin, and what is sent may run no script but ours.
package guard

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// Guard checks requests before next sees them.
type Guard struct {
	Hosts []string // names under which the server is reached; loopback's are always allowed
	Token string   // "": none is needed

	next    http.Handler
	origins *http.CrossOriginProtection
}

// New returns the guard of a handler.
func New(next http.Handler, hosts []string, token string) *Guard {
	return &Guard{Hosts: hosts, Token: token, next: next, origins: http.NewCrossOriginProtection()}
}

// Cookie holds the token after it was given once.
const Cookie = "slogship_viewer"

const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

func (g *Guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer") // an address may hold what was searched for
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if !g.hostAllowed(r.Host) {
		http.Error(w, "this host is not served here; name it with -host", http.StatusMisdirectedRequest)
		return
	}
	if err := g.origins.Check(r); err != nil {
		http.Error(w, err.Error(), http.StatusForbidden)
		return
	}
	if g.Token != "" && !g.admit(w, r) {
		return
	}
	g.next.ServeHTTP(w, r)
}

func (g *Guard) hostAllowed(host string) bool {
	name := host
	if h, _, err := net.SplitHostPort(host); err == nil {
		name = h
	}
	name = strings.ToLower(strings.Trim(name, "[]"))
	if name == "localhost" {
		return true
	}
	if ip := net.ParseIP(name); ip != nil && (ip.IsLoopback() || g.Token != "") {
		return true // an address is nobody's name: there is nothing to rebind
	}
	for _, allowed := range g.Hosts {
		if strings.EqualFold(allowed, name) {
			return true
		}
	}
	return false
}

// admit asks for the token. A browser gives it once, in the address, and gets a
// cookie; a program sends a header.
func (g *Guard) admit(w http.ResponseWriter, r *http.Request) bool {
	if token := r.URL.Query().Get("token"); token != "" && g.same(token) {
		if r.Method == http.MethodGet {
			http.SetCookie(w, &http.Cookie{
				Name: Cookie, Value: g.Token, Path: "/", HttpOnly: true, SameSite: http.SameSiteStrictMode,
				Secure: r.TLS != nil, MaxAge: 30 * 24 * 3600,
			})
			// Off the address again: it stands in histories and on screens.
			http.Redirect(w, r, withoutToken(r.URL), http.StatusSeeOther)
			return false
		}
		return true
	}
	if token, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer "); ok && g.same(token) || g.same(r.Header.Get("X-Api-Key")) {
		return true
	}
	if c, err := r.Cookie(Cookie); err == nil && g.same(c.Value) {
		return true
	}
	w.Header().Set("WWW-Authenticate", "Bearer")
	http.Error(w, "a token is needed: open the address that the viewer printed at its start, or send it as Authorization: Bearer", http.StatusUnauthorized)
	return false
}

// same compares in a time that does not tell how much is right.
func (g *Guard) same(token string) bool {
	a, b := sha256.Sum256([]byte(token)), sha256.Sum256([]byte(g.Token))
	return token != "" && subtle.ConstantTimeCompare(a[:], b[:]) == 1
}

// withoutToken returns the address without the token: a path of this server, and
// never one that begins with two slashes, which would be another one's.
func withoutToken(u *url.URL) string {
	q := u.Query()
	q.Del("token")
	path := "/" + strings.TrimLeft(u.EscapedPath(), "/\\")
	if len(q) > 0 {
		path += "?" + q.Encode()
	}
	return path
}
