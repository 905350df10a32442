package slogship

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	maxRetryAfter = 5 * time.Minute // a longer Retry-After counts as this

	// Of an answer minAnswer bytes are read, more if the Format wants them for each
	// record, and at most maxAnswer.
	minAnswer = 64 << 10
	maxAnswer = 8 << 20
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
	return Hold // 101, 3xx, and codes without a meaning in HTTP
}

// answerBytes is how many bytes are read of the answer to a request.
func (l Layout) answerBytes(records int) int {
	if l.AnswerBytes > 0 && records > (maxAnswer-minAnswer)/l.AnswerBytes {
		return maxAnswer
	}
	return minAnswer + l.AnswerBytes*records
}

// Answers that are a misconfiguration with every backend.
var (
	aPage = Verdict{
		Action: Hold, Reason: "the answer is a web page, not that of a log backend: nothing was taken",
		Hint: "is there a sign-in page in front of it, or is the path wrong?",
	}
	aSwitch = Verdict{
		Action: Hold, Reason: "the server switched to another protocol, which was not requested",
		Hint: "is the path wrong?",
	}
)

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
