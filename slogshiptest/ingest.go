package slogshiptest

import (
	"encoding/json"
	"errors"
	"maps"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// answer is what a request gets.
type answer struct {
	status int
	header http.Header
	body   string
	cut    bool // only the first half of body is sent
	taken  bool // events of the request were stored
}

// refusal is the error of a request that is answered with this status.
type refusal int

func (s refusal) Error() string { return http.StatusText(int(s)) }

// answer is how Logflare puts it: JSON from the application itself, HTML from
// what is in front of it.
func (s refusal) answer() answer {
	switch s {
	case http.StatusUnauthorized, http.StatusInternalServerError:
		text, _ := json.Marshal(map[string]string{"error": s.Error()})
		return jsonAnswer(int(s), string(text))
	}
	return answer{
		status: int(s),
		header: http.Header{"Content-Type": {"text/html; charset=utf-8"}},
		body:   "<html><body><h1>" + strconv.Itoa(int(s)) + " " + s.Error() + "</h1></body></html>\n",
	}
}

func jsonAnswer(status int, body string) answer {
	return answer{
		status: status,
		header: http.Header{"Content-Type": {"application/json; charset=utf-8"}},
		body:   body,
	}
}

// ServeHTTP answers a request as the backend would, or as the first queued [Failure]
// says.
func (r *Receiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	a, err := r.receive(req)
	if errors.Is(err, errReset) {
		conn, _, err := http.NewResponseController(w).Hijack()
		if err == nil {
			if tcp, ok := conn.(*net.TCPConn); ok {
				_ = tcp.SetLinger(0) // Close then resets; without, it would end the stream in good order
			}
			conn.Close()
			return
		}
	}
	if err != nil {
		// The client left, or the connection has no socket to reset: net/http
		// ends it without an answer, and without a word in its log.
		panic(http.ErrAbortHandler)
	}
	maps.Copy(w.Header(), a.header)
	body := a.body
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	if a.cut {
		body = body[:len(body)/2] // less than promised: net/http then closes the connection
	}
	w.WriteHeader(a.status)
	w.Write([]byte(body))
}

// receive has a request meet its failure, and handles it if that leaves it
// alive. An error means that there is no answer.
func (r *Receiver) receive(req *http.Request) (answer, error) {
	if req.URL.Path == "/health" && req.Method == http.MethodGet {
		if r.failing() {
			return refusal(http.StatusServiceUnavailable).answer(), nil
		}
		return jsonAnswer(http.StatusOK, `{"status":"ok"}`), nil
	}
	q, failure := r.arrive(req)
	up := &upload{Request: req}
	a, err := r.handle(up, &failure, q.Time)
	a.cut = failure.Cut
	r.settle(q, up.raw, a.status, a.taken)
	return a, err
}

func (r *Receiver) handle(up *upload, failure *Failure, now time.Time) (answer, error) {
	if failure.strikes() {
		// The body comes first. Before it is read, net/http does not notice
		// that the client left; and one that could not send its body would
		// fail in ways that differ from run to run.
		if _, err := up.read(); err != nil && !errors.As(err, new(refusal)) {
			return answer{}, err
		}
		if err := failure.wait(up.Context(), r.closing); err != nil {
			return answer{}, err
		}
		switch {
		case failure.Reset:
			return answer{}, errReset
		case failure.Status != 0:
			return failure.answer(r.as), nil
		}
	}
	if r.as != nil {
		return r.ingestAs(r.as, up, now)
	}
	a, err := r.ingest(up, now)
	if status, ok := refused(err); ok {
		return refusal(status).answer(), nil
	}
	return a, err
}

// refused is the status with which a request is refused, if err says so.
func refused(err error) (status int, ok bool) {
	var r refusal
	ok = errors.As(err, &r)
	return int(r), ok
}

// ingest takes the events of a request that arrived now.
func (r *Receiver) ingest(up *upload, now time.Time) (answer, error) {
	switch up.URL.Path {
	case "/logs", "/api/logs", "/api/events":
	default:
		return answer{}, refusal(http.StatusNotFound)
	}
	if up.Method != http.MethodPost {
		return answer{}, refusal(http.StatusNotFound) // Logflare has no route for it
	}
	// Before the body is read: a stranger cannot make the server inflate anything.
	if !r.admits(up.Request) {
		return answer{}, refusal(http.StatusUnauthorized)
	}
	lines, err := mediaType(up.Header)
	if err != nil {
		return answer{}, err
	}
	text, err := up.text(encodings)
	if err != nil {
		return answer{}, err
	}
	b, err := parseBody(text, lines)
	if err != nil {
		return answer{}, err
	}
	// After the body is parsed: its keys override the query's.
	if !r.addressed(up.Request, b) {
		return answer{}, refusal(http.StatusUnauthorized)
	}
	return r.take(b.events(now))
}

// admits reports whether a request carries the receiver's key. The first kind
// of credentials that is there decides: a good key does not make up for a bad
// one that goes before it.
func (r *Receiver) admits(req *http.Request) bool {
	if kind, token, ok := strings.Cut(req.Header.Get("Authorization"), " "); ok && kind == "Bearer" {
		return token == r.key
	}
	if key := req.Header.Get("X-Api-Key"); key != "" {
		return key == r.key
	}
	return req.URL.Query().Get("api_key") == r.key
}

// addressed reports whether a request names the receiver's source.
func (r *Receiver) addressed(req *http.Request, b body) bool {
	query := req.URL.Query()
	param := func(names ...string) string {
		for _, name := range names {
			if v, ok := b.params[name]; ok {
				return v
			}
			if v := query.Get(name); v != "" {
				return v
			}
		}
		return ""
	}
	if name := param("source_name", "collection_name"); name != "" {
		return name == sourceName
	}
	if id := param("source", "collection"); id != "" {
		return strings.EqualFold(id, r.source)
	}
	for _, name := range []string{"X-Source", "X-Collection"} {
		if id := req.Header.Get(name); id != "" {
			return strings.EqualFold(id, r.source)
		}
	}
	return false
}

// take stores events, as far as the user's functions let it.
func (r *Receiver) take(events []event) (answer, error) {
	r.mu.Lock()
	refuse, reject := r.failBatch, r.rejectRecord
	r.mu.Unlock()

	if refuse != nil {
		for _, e := range events {
			if status := refuse(e.record()); status != 0 {
				return answer{}, refusal(status)
			}
		}
	}
	var reasons []string
	events = slices.DeleteFunc(events, func(e event) bool {
		if reject == nil {
			return false
		}
		why := reject(e.record())
		if why != "" {
			reasons = append(reasons, why)
		}
		return why != ""
	})
	events = slices.DeleteFunc(events, event.tooLate)
	r.store(events)

	a := jsonAnswer(http.StatusOK, `{"message":"Logged!"}`)
	if len(reasons) > 0 {
		text, err := json.Marshal(map[string][]string{"message": reasons})
		if err != nil {
			return answer{}, err
		}
		a = jsonAnswer(http.StatusNotAcceptable, string(text))
	}
	a.taken = true
	return a, nil
}
