package formats

import (
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
	case passes(status):
		return slogship.Resend
	}
	return slogship.Refused
}

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
