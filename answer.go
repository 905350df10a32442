package slogship

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxRetryAfter = 5 * time.Minute // a longer Retry-After is taken for this
	maxAnswer     = 8 << 20         // bytes of an answer that are read: some have a line for each record
)

// byStatus is what a status code means where the Format does not know better.
func byStatus(status int) Action {
	switch {
	case status >= 200 && status < 300:
		return Accept
	case status >= 500:
		return Retry
	}
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return Retry
	case http.StatusRequestEntityTooLarge:
		return TooLarge
	case http.StatusUnauthorized, http.StatusPaymentRequired, http.StatusForbidden, http.StatusNotFound,
		http.StatusMethodNotAllowed, http.StatusProxyAuthRequired, http.StatusGone, http.StatusLengthRequired,
		http.StatusUnsupportedMediaType, http.StatusMisdirectedRequest, http.StatusUpgradeRequired,
		http.StatusRequestHeaderFieldsTooLarge, http.StatusUnavailableForLegalReasons:
		return Hold
	}
	if status >= 400 {
		return Isolate
	}
	return Hold // 3xx, and what HTTP has no meaning for
}

// retryAfter reads the header of that name (RFC 9110, section 10.2.3: seconds,
// or a date), as a time to wait of at most maxRetryAfter.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := strings.TrimSpace(h.Get("Retry-After"))
	if v == "" {
		return 0
	}
	var wait time.Duration
	if strings.Trim(v, "0123456789") == "" {
		wait = maxRetryAfter // what does not fit in an int is longer
		if s, err := strconv.Atoi(v); err == nil && s < int(maxRetryAfter/time.Second) {
			wait = time.Duration(s) * time.Second
		}
	} else if t, err := http.ParseTime(v); err == nil {
		wait = t.Sub(now)
	}
	return min(max(wait, 0), maxRetryAfter)
}
