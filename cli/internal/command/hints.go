package command

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"time"
)

// clockTolerance is how far apart two clocks may be before it is worth a word: some
// backends drop what is an hour ahead, or a few minutes old, without one.
const clockTolerance = time.Minute

func (t *trial) clockHints() []string {
	if !t.clocked || t.clock.Abs() < clockTolerance {
		return nil
	}
	which := "ahead of"
	if t.clock < 0 {
		which = "behind"
	}
	return []string{fmt.Sprintf("the server's clock is %v %s this one: records may be dropped as too old, or as from the future",
		t.clock.Abs().Round(time.Second), which)}
}

// hints say what to change.
func (t *trial) hints(c *config) []string {
	if t.cause != nil {
		return append(connectionHints(t.cause), proxyHint(c.url)...)
	}
	if t.response == nil {
		return nil
	}
	return t.answerHints(c)
}

func connectionHints(err error) []string {
	var dns *net.DNSError
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var op *net.OpError
	switch {
	case errors.As(err, &dns):
		if dns.IsNotFound {
			return []string{fmt.Sprintf("DNS: there is no host %s: is the name right, and is this machine in its network?", dns.Name)}
		}
		return []string{"DNS: the name server does not answer: " + dns.Err}
	case errors.As(err, &unknown):
		return []string{"TLS: the certificate is signed by an authority that this system does not know: " +
			"set SSL_CERT_FILE to a file with its certificate"}
	case errors.As(err, &host):
		return []string{"TLS: the certificate is for another host: " + host.Error()}
	case errors.As(err, &invalid):
		return []string{"TLS: the certificate is not valid: " + invalid.Error() + "; is this machine's clock right?"}
	case errors.As(err, &record), strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return []string{"TLS: the server does not speak TLS at that port: is it http:// or another port?"}
	case errors.As(err, &op) && op.Op == "proxyconnect":
		return []string{"proxy: it cannot be reached, or it refused"}
	case errors.Is(err, syscall.ECONNREFUSED):
		return []string{"nothing listens at that host and port"}
	case errors.Is(err, syscall.ENETUNREACH), errors.Is(err, syscall.EHOSTUNREACH):
		return []string{"there is no network route to that host"}
	}
	var timeout net.Error
	if errors.As(err, &timeout) && timeout.Timeout() {
		return []string{"there was no answer in time: is there a firewall in between? -timeout gives the server more time"}
	}
	return nil
}

// proxyHint says that a proxy is used, if one is.
func proxyHint(endpoint string) []string {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil
	}
	proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u})
	if err != nil || proxy == nil {
		return nil
	}
	return []string{"proxy: the request goes through " + proxy.Host + " (HTTPS_PROXY, HTTP_PROXY; NO_PROXY makes an exception)"}
}

func (t *trial) answerHints(c *config) (hints []string) {
	status, b := t.response.StatusCode, c.backend
	page := strings.HasPrefix(t.response.Header.Get("Content-Type"), "text/html")
	credentials := fmt.Sprintf("credentials: %s takes them as %s: %s...", b.Name, b.Header, b.Scheme)
	if c.header.Get(b.Header) == "" {
		credentials += "; none are set: use SLOGSHIP_TOKEN, -token-file or -H"
	} else {
		credentials += "; it does not take those that are set, or they do not have the right to write"
	}
	path := fmt.Sprintf("path: %s takes records at %s", b.Name, b.Path)
	switch {
	case status/100 == 3:
		hints = append(hints, "path: the server redirects to "+redirect(t.response)+": use that URL, if it is the API's")
	case status == http.StatusUnauthorized, status == http.StatusForbidden:
		hints = append(hints, credentials)
	case status == http.StatusProxyAuthRequired:
		hints = append(hints, "proxy: it requires credentials of its own: HTTPS_PROXY=http://user:password@host:port")
	case status == http.StatusNotFound, status == http.StatusMethodNotAllowed, status == http.StatusGone:
		hints = append(hints, path)
	case status == http.StatusUnsupportedMediaType, status == http.StatusBadRequest, status == http.StatusUnprocessableEntity:
		hints = append(hints, fmt.Sprintf("format: the server does not read what %s reads: is -to right?", b.Name), path)
	case status == http.StatusTooManyRequests:
		hints = append(hints, "the server asks for fewer requests: slogship would retry")
	case status/100 == 5:
		hints = append(hints, "the server, or a proxy in front of it, fails: slogship would retry")
	}
	if page {
		hints = append(hints, "a web page answered, not an API: the URL is that of a user interface or of a sign-in page", path)
	}
	return append(hints, proxyHint(c.url)...)
}

// redirect is where an answer points, without secrets.
func redirect(r *http.Response) string {
	u, err := r.Location()
	if err != nil {
		return "nowhere"
	}
	return (&url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}).String()
}
