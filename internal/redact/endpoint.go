package redact

import (
	"regexp"
	"strings"
)

// A plainHost is a host and perhaps a port, in which no credentials can be.
var plainHost = regexp.MustCompile(`^([0-9A-Za-z_.-]*|\[[0-9A-Za-z:.%]+\])(:\d{0,5})?$`)

// Endpoint is an endpoint, valid or not, without what may be secret in it: its
// scheme, host and path. Where a host is not plainly one, because credentials may
// be in it ("https://token:8088:host"), neither it nor the path is shown.
func Endpoint(endpoint string) string {
	address, query := endpoint, ""
	if i := strings.IndexAny(endpoint, "?#"); i >= 0 {
		address, query = endpoint[:i], endpoint[i:]
	}
	scheme, rest, ok := strings.Cut(address, "//")
	if !ok {
		scheme, rest = "", address
	} else if name, colon := strings.CutSuffix(scheme, ":"); scheme != "" && (!colon || !plainHost.MatchString(name)) {
		return Mark
	} else {
		scheme += "//"
	}
	if strings.Contains(query, "@") { // a password with a ? or # in it, perhaps
		return scheme + Mark
	}
	// A password may have a / in it: what comes before the last @ is never shown.
	rest = rest[strings.LastIndexByte(rest, '@')+1:]
	host, path, _ := strings.Cut(rest, "/")
	if !plainHost.MatchString(host) || strings.Contains(path, "%40") {
		return scheme + Mark
	}
	return scheme + rest
}
