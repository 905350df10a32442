package slogshiptest

import (
	"net/http"
	"slices"
	"strings"
	"time"
)

// Here is what a request meets when the receiver stands for another backend than
// Logflare:
//
//	path, method -> key -> media type -> encoding, size -> parse -> verdicts -> settle

// ingestAs takes the events of a request as the backend s does.
func (r *Receiver) ingestAs(s *spec, up *upload, now time.Time) (answer, error) {
	switch path := up.URL.Path; {
	case path != s.path && (s.other == nil || !s.other(path)):
		return s.fail(http.StatusNotFound), nil
	case up.Method != http.MethodPost:
		return s.fail(http.StatusMethodNotAllowed), nil
	}
	if s.header != "" {
		switch up.Header.Get(s.header) {
		case s.scheme + r.key:
		case "":
			return s.fail(s.missing), nil
		default:
			return s.fail(s.wrong), nil
		}
	}
	if s.types != nil && !slices.Contains(s.types, mediaTypeOf(up.Header)) {
		return s.fail(http.StatusUnsupportedMediaType), nil
	}
	text, err := up.text(s.encodings)
	if status, ok := refused(err); ok {
		return s.fail(status), nil
	}
	if err != nil {
		return answer{}, err
	}
	if len(text) > s.maxBytes {
		return s.fail(http.StatusRequestEntityTooLarge), nil
	}
	events, ok := s.parse(text)
	if !ok {
		return s.fail(s.broken), nil
	}
	if s.maxEvents > 0 && len(events) > s.maxEvents {
		return s.fail(http.StatusRequestEntityTooLarge), nil
	}
	return r.takeAs(s, stamp(events, s, now)), nil
}

// takeAs stores events, as far as the backend and the user's functions let it.
func (r *Receiver) takeAs(s *spec, events []event) answer {
	r.mu.Lock()
	refuse, reject, grade := r.failBatch, r.rejectRecord, r.answerRecord
	r.mu.Unlock()

	verdicts := make([]verdict, len(events))
	for i, e := range events {
		if e.bad != "" {
			verdicts[i] = verdict{status: http.StatusBadRequest, why: e.bad}
			continue
		}
		if refuse != nil {
			if status := refuse(e.record()); status != 0 {
				return s.fail(status)
			}
		}
		if grade != nil {
			verdicts[i].status = grade(e.record())
		}
		if reject != nil && verdicts[i].status == 0 {
			if why := reject(e.record()); why != "" {
				verdicts[i] = verdict{status: http.StatusBadRequest, why: why}
			}
		}
	}
	return s.settle(r, events, verdicts)
}

// takeGood stores the events that are taken, and returns how many are not, and
// why the first one is not. It notes in verdicts what was known.
func (r *Receiver) takeGood(events []event, verdicts []verdict) (bad int, why string) {
	var good []event
	var at []int
	for i, v := range verdicts {
		if v.status == 0 {
			good, at = append(good, events[i]), append(at, i)
			continue
		}
		if bad++; bad == 1 {
			why = v.why
		}
	}
	for i, known := range r.store(good) {
		verdicts[at[i]].known = known
	}
	return bad, why
}

// settleWhole is for backends that take all of a batch or nothing: refusal
// answers a batch with a bad event in it.
func settleWhole(success answer, refusal func(why string) answer) func(*Receiver, []event, []verdict) answer {
	return func(r *Receiver, events []event, verdicts []verdict) answer {
		for _, v := range verdicts {
			if v.status != 0 {
				return refusal(v.why)
			}
		}
		r.takeGood(events, verdicts)
		a := success
		a.taken = true
		return a
	}
}

// mediaTypeOf is the Content-Type without parameters.
func mediaTypeOf(h http.Header) string {
	t, _, _ := strings.Cut(h.Get("Content-Type"), ";")
	return strings.ToLower(strings.TrimSpace(t))
}
