package slogship

import (
	"errors"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"

	"github.com/slogship/slogship/internal/redact"
)

// words is text without the secrets in it, for a text that did not come from slogship.
func (s *sender) words(text string) string { return s.known().Text(text) }

// known is the secrets in the options and, if a transport added others to a request, in
// the last such request.
func (s *sender) known() *redact.Secrets {
	if learned := s.learned.Load(); learned != nil {
		return learned
	}
	return s.secrets
}

// learn notes the secrets that a transport has put into a request, such as a token, and
// returns all that its answer may show. Requests at the same time may have others.
func (s *sender) learn(req *http.Request) *redact.Secrets {
	if req == nil {
		return s.known()
	}
	var added http.Header
	for name, values := range req.Header {
		if !slices.Equal(values, s.header[name]) {
			if added == nil {
				added = http.Header{}
			}
			added[name] = slices.Clone(values)
		}
	}
	u := req.URL
	if u != nil && u.User == nil && u.RawQuery == s.query {
		u = nil
	}
	if added.Get("Content-Encoding") != "" {
		delete(added, "Content-Encoding") // our own
	}
	if len(added) == 0 && u == nil {
		return s.known()
	}
	secrets := s.secrets.And(u, added)
	s.learned.Store(secrets)
	return secrets
}

// doError is the error of a request that got no answer. If a proxy refused it, err has
// the proxy's words, which may show the credentials that were sent to the proxy.
func (s *sender) doError(req *http.Request, err error, secrets *redact.Secrets) error {
	proxy, header, more := proxyOf(s.client.HTTPClient.Transport, req)
	var op *net.OpError
	if more && !errors.As(err, &op) {
		return s.transportError(errors.New(redact.Mark), secrets) // they may be in err, and cannot be found
	}
	if proxy != nil || header != nil {
		secrets = secrets.And(proxy, header)
		s.learned.Store(secrets)
	}
	return s.transportError(err, secrets)
}

// proxyOf is the proxy through which rt sends req, if that can be known, and the header
// that it sends to the proxy. more reports whether it also sends values that cannot be
// known.
func proxyOf(rt http.RoundTripper, req *http.Request) (proxy *url.URL, header http.Header, more bool) {
	ask := http.ProxyFromEnvironment // if rt wraps another transport, that most likely uses this
	if t, ok := rt.(*http.Transport); ok {
		if t.Proxy == nil {
			return nil, nil, false
		}
		ask = t.Proxy
		header = maps.Clone(t.ProxyConnectHeader)
		more = t.GetProxyConnectHeader != nil
	}
	proxy, err := ask(req)
	if err != nil || proxy == nil {
		return nil, nil, false
	}
	if info := proxy.User; info != nil { // as it is sent
		password, _ := info.Password()
		r := http.Request{Header: http.Header{}}
		r.SetBasicAuth(info.Username(), password)
		if header == nil {
			header = http.Header{}
		}
		header.Add("Proxy-Authorization", r.Header.Get("Authorization"))
	}
	return proxy, header, more
}
