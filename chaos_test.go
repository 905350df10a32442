package slogship

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A hostile server does, request by request, what servers were seen to do, over
// HTTP as it is on the wire. It is reached without a network, in the bubble of t.
// It refuses bad records for what they are, everything else at random, until calm.
type hostile struct {
	t      *testing.T
	calm   time.Time
	limit  int // bytes of a body that it takes
	random []misdeed

	mu       sync.Mutex // guards what follows
	rng      *rand.Rand
	h        *Handler
	requests map[misdeed]int
	ids      map[string]string
	bodies   map[string]string // the event of each id, as it was sent
	acked    map[string]int    // by message: how often the server said that it took it
	stored   map[string]bool   // by message
	newest   map[string]int    // by writer: the newest of its good records that was taken
	late     int
}

// dial is the network.
func (s *hostile) dial(context.Context, string, string) (net.Conn, error) {
	ours, theirs := net.Pipe()
	go func() {
		defer theirs.Close()
		s.serve(theirs)
	}()
	return ours, nil
}

// serve answers the requests of one connection.
func (s *hostile) serve(c net.Conn) {
	r := bufio.NewReader(c)
	for twice := false; ; {
		req, err := http.ReadRequest(r)
		if err != nil {
			return
		}
		raw, err := io.ReadAll(req.Body)
		if err != nil {
			return
		}
		how := s.judge(inflate(s.t, raw, req.Header.Get("Content-Encoding")), twice)
		twice = twice || how == "twice"
		s.books()
		if !how.answer(c) {
			return
		}
	}
}

// A misdeed is what the server does with a request.
type misdeed string

// misdeeds are all those that it needs no reason for.
var misdeeds = []misdeed{
	"500", "503", "429", "408", "401", "web page", "101", "twice", "cut", "garbage", "reset", "reset after", "slow", "late",
}

// judge decides about a request, and takes it if that is the decision.
func (s *hostile) judge(body []byte, twice bool) misdeed {
	s.mu.Lock()
	defer s.mu.Unlock()
	events, messages := s.read(body)
	how := misdeed("200")
	bad := ""
	for _, m := range messages {
		if strings.HasPrefix(m, "bad") {
			bad = m
		}
	}
	switch {
	case twice: // it has answered this one already, for all that the client knows
	case strings.HasPrefix(bad, "bad400"):
		how = "400"
	case strings.HasPrefix(bad, "bad500"):
		how = "500"
	case len(body) > s.limit:
		how = "413"
	case time.Now().Before(s.calm) && s.rng.IntN(3) == 0:
		how = s.random[s.rng.IntN(len(s.random))]
	}
	s.requests[how]++
	switch how {
	case "200", "twice", "cut", "reset after", "late":
		for i, m := range messages {
			s.take(m, events[i])
			if how == "200" || how == "twice" {
				s.acked[m]++
			}
		}
	}
	return how
}

// read reads Logflare's body. What has the same id must be the same bytes.
func (s *hostile) read(body []byte) (events, messages []string) {
	rest, ok := strings.CutPrefix(string(body), `{"batch":[`)
	if !ok {
		s.t.Errorf("a body of %.100q", body)
		return nil, nil
	}
	for event := range strings.SplitSeq(strings.TrimSuffix(rest, "]}"), `,{"id":"`) {
		event = strings.TrimPrefix(event, `{"id":"`)
		id := event[:prefixDigits+sequenceDigits]
		_, message, _ := strings.Cut(event, `"message":"`)
		message, _, _ = strings.Cut(message, `"`)
		if other, ok := s.bodies[id]; ok && other != event {
			s.t.Errorf("%s was sent as %.300q and as %.300q", id, other, event)
		}
		if other, ok := s.ids[message]; ok && other != id {
			s.t.Errorf("%q was sent as %s and as %s", message, id, other)
		}
		s.bodies[id], s.ids[message] = event, id
		events, messages = append(events, event), append(messages, message)
	}
	return events, messages
}

// take stores a record, once for each id.
func (s *hostile) take(message, event string) {
	if s.stored[message] {
		return
	}
	s.stored[message] = true
	writer, number, _ := strings.Cut(message, " ")
	n, err := strconv.Atoi(number)
	if err != nil {
		s.t.Errorf("a record of %.200q", event)
	}
	if n < s.newest[writer] {
		s.late++
	}
	s.newest[writer] = max(s.newest[writer], n)
}

// books checks the balance and the bounds.
func (s *hostile) books() {
	st, p := s.h.Stats(), s.h.core.pending
	if st.Accepted != st.Delivered+st.Dropped.Total()+st.Pending+st.InFlight+st.Spooled {
		s.t.Errorf("the balance is broken: %+v", st)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.records > p.maxRecords || p.bytes > p.maxBytes || p.held > p.maxHeld+p.batchBytes {
		s.t.Errorf("%d records of %d bytes, in blocks of %d, are pending; want %d, %d, %d at most",
			p.records, p.bytes, p.held, p.maxRecords, p.maxBytes, p.maxHeld+p.batchBytes)
	}
}

const logged = "HTTP/1.1 200 OK\r\nContent-Length: 21\r\n\r\n" + `{"message":"Logged!"}`

// answer writes to c, and reports whether that stays open.
func (how misdeed) answer(c net.Conn) bool {
	plain := func(status, header, body string) bool {
		_, err := fmt.Fprintf(c, "HTTP/1.1 %s\r\nContent-Length: %d\r\n%s\r\n%s", status, len(body), header, body)
		return err == nil
	}
	switch how {
	case "twice":
		_, err := io.WriteString(c, logged+logged)
		return err == nil
	case "web page":
		return plain("200 OK", "Content-Type: text/html\r\n", "<!doctype html><title>Sign in</title>")
	case "101":
		io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\nsome bytes")
		return false
	case "cut":
		io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n{\"message\":")
		return false
	case "garbage":
		io.WriteString(c, "\x16\x03\x01\x02\x00 this is not HTTP\r\n\r\n")
		return false
	case "reset", "reset after":
		return false
	case "slow":
		time.Sleep(8 * time.Second)
		return plain("503 Service Unavailable", "", "")
	case "late":
		time.Sleep(20 * time.Second) // RequestTimeout is 10 s
		return plain("200 OK", "", `{"message":"Logged!"}`)
	case "429":
		return plain("429 Too Many Requests", "Retry-After: 3\r\n", "")
	case "200":
		_, err := io.WriteString(c, logged)
		return err == nil
	}
	code, _ := strconv.Atoi(string(how))
	return plain(string(how)+" "+http.StatusText(code), "", http.StatusText(code))
}

// Whatever servers were seen to do, all of it at once: no good record is lost, none
// is doubled by id, a retry sends the same bytes, and the books balance in every
// snapshot, within all bounds. Without random 500s, the order is kept.
func TestChaosOfServers(t *testing.T) {
	t.Parallel()
	seeds := uint64(4)
	if raceDetector {
		seeds = 1
	}
	for seed := range seeds {
		for _, c := range []struct {
			name       string
			requests   int
			maxPending int
			bad        []string
			random     []misdeed
		}{
			{"all", 1, 100_000, []string{"bad400", "bad500"}, misdeeds},
			{"all, several requests", 4, 100_000, []string{"bad400", "bad500"}, misdeeds},
			{"all, little memory", 1, 40, []string{"bad400", "bad500"}, misdeeds},
			{"in order", 1, 100_000, []string{"bad400"}, slices.DeleteFunc(slices.Clone(misdeeds), func(m misdeed) bool { return m == "500" })},
		} {
			t.Run(fmt.Sprint(c.name, "/", seed), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &hostile{
						t: t, random: c.random, calm: time.Now().Add(time.Hour), limit: 3000, rng: rand.New(rand.NewPCG(seed, 3)),
						requests: map[misdeed]int{}, ids: map[string]string{}, bodies: map[string]string{},
						acked: map[string]int{}, stored: map[string]bool{}, newest: map[string]int{},
					}
					s.chaos(Options{
						Requests: c.requests, MaxPending: c.maxPending, BatchRecords: 10 + int(seed)*7, BatchBytes: 8000,
						Compression: []Compression{None, Gzip}[seed%2], FlushInterval: 100 * time.Millisecond,
					}, c.bad, len(c.bad) == 1)
				})
			})
		}
	}
}

// chaos logs from several goroutines while s does what it can, and counts in the end.
func (s *hostile) chaos(o Options, bad []string, ordered bool) {
	t := s.t
	const writers, each, last = 4, 100, 300
	transport := &http.Transport{DialContext: s.dial}
	o.Client, o.OnError = &http.Client{Transport: transport}, func(error) {}
	h, err := New(testEndpoint, &o)
	if err != nil {
		t.Fatal(err)
	}
	s.h = h
	var wg sync.WaitGroup
	for w := range writers {
		rng := rand.New(rand.NewPCG(uint64(w), 4))
		log := slog.New(h).With("w", w)
		wg.Go(func() {
			for n := range each {
				name := fmt.Sprint("g", w)
				if n%50 == 20 {
					name = fmt.Sprint(bad[(w+n/50)%len(bad)], name)
				}
				at := time.Now()
				if n%3 == 0 {
					at = time.Time{} // which is not another one when it is sent again
				}
				r := slog.NewRecord(at, slog.LevelInfo, fmt.Sprintf("%s %d", name, n), 0)
				r.Add("padding", strings.Repeat("x", rng.IntN(200)))
				log.Handler().Handle(t.Context(), r)
				if rng.IntN(3) == 0 {
					time.Sleep(time.Duration(rng.Int64N(1e9)))
				}
				if rng.IntN(50) == 0 {
					ctx, cancel := context.WithTimeout(t.Context(), time.Second)
					h.Flush(ctx)
					cancel()
				}
				s.books()
			}
		})
	}
	wg.Wait()
	time.Sleep(time.Until(s.calm))
	for i := range last { // what is set aside is tried beside others
		logTo(h, fmt.Sprint("last ", i))
		time.Sleep(15 * time.Second)
	}
	s.books()
	if err := h.Shutdown(t.Context()); err != nil {
		t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	st := h.Stats()
	t.Logf("%v; %v; late %d", st, s.requests, s.late)
	lost := st.Dropped.Overflow
	wrong := writers * each / 50
	if d := (Dropped{Overflow: lost, Rejected: st.Dropped.Rejected}); st.Dropped != d || o.MaxPending > 1000 && (lost > 0 || d.Rejected != int64(wrong)) {
		t.Errorf("dropped %v, want %d rejected", st.Dropped, wrong)
	}
	good := 0
	for m := range s.stored {
		if strings.HasPrefix(m, "bad") {
			t.Errorf("%q was taken", m)
		}
		good++
	}
	for m, n := range s.acked {
		if n > 1 {
			t.Errorf("%q was acknowledged %d times", m, n)
		}
	}
	if int64(len(s.acked)) != st.Delivered {
		t.Errorf("%d records were acknowledged, the books say %d", len(s.acked), st.Delivered)
	}
	if want := writers*each + last - wrong; o.MaxPending > 1000 && good != want {
		t.Errorf("%d records were taken, want %d", good, want)
	}
	if ordered && s.late > 0 {
		t.Errorf("%d records were late", s.late)
	}
}
