package formats

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/slogship/slogship"
)

// outcomeOf is what the status that a backend gives to one record means for
// that record.
func outcomeOf(status int) slogship.Outcome {
	switch {
	case status/100 == 2:
		return slogship.Taken
	case status >= 500:
		return slogship.Failed
	case passes(status):
		return slogship.Resend
	}
	return slogship.Refused
}

// isPage reports whether a success is a web page, of a portal or a login, where
// the backend answers in JSON: it has taken nothing.
func isPage(a slogship.Answer) bool {
	return a.Status/100 == 2 && bytes.HasPrefix(bytes.TrimSpace(a.Body), []byte("<"))
}

// aPage is what such an answer means.
var aPage = slogship.Verdict{Action: slogship.Hold, Reason: "this is a web page, no answer of the backend"}

// passes reports whether what a status stands for passes by itself.
func passes(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooEarly, http.StatusTooManyRequests:
		return true
	}
	return status >= 500
}

// statusText is "400 Bad Request".
func statusText(status int) string {
	if status == 0 {
		return "no status"
	}
	return strings.TrimSpace(strconv.Itoa(status) + " " + http.StatusText(status))
}

// reasons collects the first few different reasons that a backend gives.
type reasons []string

func (r *reasons) add(reason string) {
	if reason != "" && len(*r) < 3 && !slices.Contains(*r, reason) {
		*r = append(*r, reason)
	}
}

func (r reasons) String() string { return strings.Join(r, "; ") }
