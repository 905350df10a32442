package formats

import (
	"errors"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/answers"
)

// outcomeOf returns the Outcome for the status that a backend gives to one
// record.
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

// A service is what a backend's documentation says about its endpoint and its
// success.
type service struct {
	name string

	// Hints for a misconfiguration: the path at which the backend takes
	// records, and the credentials that it wants. Either may be empty.
	path, credentials string

	// status is that of the documented success, with any body that is not a web
	// page. success reports whether a non-empty body makes another 2xx a
	// success; if nil, it does not.
	//
	// An empty body, or an empty JSON object, is a success with any 2xx: proxies and
	// imitators answer so.
	status  int
	success func(body []byte) bool
}

// read returns the Verdict for an answer that needs no closer look.
func (s *service) read(a slogship.Answer) slogship.Verdict {
	if a.Status/100 == 2 && !s.isSuccess(a) {
		return s.foreign(a)
	}
	return s.advise(a, slogship.Verdict{})
}

func (s *service) isSuccess(a slogship.Answer) bool {
	switch {
	case answers.IsEmpty(a.Body):
		return true
	case answers.IsPage(a.Header, a.Body):
		return false
	}
	return a.Status == s.status || s.success != nil && s.success(a.Body)
}

// foreign returns the Verdict for a 2xx that the backend never sends: it comes
// from another server, which has stored nothing.
func (s *service) foreign(a slogship.Answer) slogship.Verdict {
	v := slogship.Verdict{Action: slogship.Hold, Reason: "this is a web page, not an answer of " + s.name}
	if !answers.IsPage(a.Header, a.Body) {
		v.Reason = "this is not an answer of " + s.name + ": " + front(a.Body)
	}
	return s.advise(a, v)
}

// advise adds a hint to v if the status is that of a misconfiguration.
func (s *service) advise(a slogship.Answer, v slogship.Verdict) slogship.Verdict {
	switch {
	case v.Hint != "":
	case a.Status == http.StatusUnauthorized || a.Status == http.StatusForbidden:
		v.Hint = s.credentials
	case a.Status/100 == 2, a.Status/100 == 3, a.Status == http.StatusNotFound, a.Status == http.StatusMethodNotAllowed:
		v.Hint = s.path
	}
	return v
}

// front is the beginning of a body, as much as an error needs.
func front(body []byte) string { return string(body[:min(len(body), 1<<10)]) }

// hasMember returns a function that reports whether a body is a JSON object with a
// member of that name.
func hasMember(name string) func(body []byte) bool {
	return func(body []byte) bool {
		found := false
		r := answers.NewReader(body)
		_ = r.Object(func(key string) error { // also if it was cut off later
			found = found || key == name
			return r.Skip()
		})
		return found
	}
}

// errTooMany ends the reading of a list that has more items than there are records.
var errTooMany = errors.New("more items than records")

// passes reports whether a status stands for a problem that goes away by
// itself.
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
