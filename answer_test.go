package slogship

import (
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var holds = []int{
	300, 301, 302, 303, 304, 305, 306, 307, 308,
	401, 402, 403, 404, 405, 407, 410, 411, 415, 421, 426, 431, 451,
}

// Each status code means one thing, also those that nobody has thought of.
func TestByStatus(t *testing.T) {
	for code := range 1000 {
		want := Hold
		switch {
		case code >= 200 && code <= 299:
			want = Accept
		case code == 408, code == 425, code == 429, code >= 500:
			want = Retry
		case code == 413:
			want = TooLarge
		case code >= 400 && !slices.Contains(holds, code):
			want = Isolate
		}
		if got := byStatus(code); got != want {
			t.Errorf("%d means %d, want %d", code, got, want)
		}
	}
}

// Any 2xx acknowledges.
func TestAccepted(t *testing.T) {
	for _, code := range []int{200, 201, 202, 204, 207, 299} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, always(status(code)), Options{})
			tr.say("a", "b")
			time.Sleep(time.Hour)
			tr.wantRequests(1)
			tr.wantBooks(2, Dropped{}, 0)
			tr.wantReports()
		})
	}
}

// A wrong set-up drops nothing: the batch is kept, probed at MaxBackoff, and
// reported once, however long it lasts.
func TestWrongSetUpIsHeld(t *testing.T) {
	for _, code := range holds {
		t.Run(fmt.Sprint(code), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				tr := start(t, always(status(code)), Options{MaxBackoff: time.Minute})
				tr.say("a", "b")
				time.Sleep(time.Hour + 30*time.Second)
				tr.wantRequests(61)
				for i, r := range tr.got() {
					if want := time.Second + time.Duration(i)*time.Minute; r.at != want {
						t.Fatalf("probe %d after %v, want %v", i, r.at, want)
					}
				}
				tr.wantBooks(0, Dropped{}, 2)
				tr.wantReports(fmt.Sprintf("slogship: POST http://logs.test/logs: %d", code))
				tr.answerWith(always(status(200)))
				time.Sleep(time.Minute)
				tr.wantTaken("a", "b")
				tr.wantReports(fmt.Sprint(code), "")
			})
		})
	}
}

// Also a server that refuses access may say when to come again.
func TestHoldObeysRetryAfter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(status(403).with("Retry-After", "90"), status(403).with("Retry-After", "5"), status(200)), Options{})
		tr.say("a")
		time.Sleep(time.Hour)
		tr.wantRequests(3)
		if r := tr.got(); r[1].at-r[0].at != 90*time.Second || r[2].at-r[1].at != defaultMaxBackoff {
			t.Errorf("probed at %v, %v, %v", r[0].at, r[1].at, r[2].at)
		}
	})
}

// A Format may say that any answer means something else than its status code.
func TestFormatOverridesStatus(t *testing.T) {
	for _, c := range []struct {
		status  int
		verdict Verdict
		want    Dropped
		taken   int64
		held    int64
		again   bool // sent again later
	}{
		{400, Verdict{Action: Accept}, Dropped{}, 4, 0, false},
		{400, Verdict{Action: Accept, Refused: 1, Reason: "too old"}, Dropped{Rejected: 1}, 3, 0, false},
		{400, Verdict{Action: Reject, Reason: "bad"}, Dropped{Rejected: 4}, 0, 0, false},
		{400, Verdict{Action: Hold}, Dropped{}, 0, 4, true},
		{200, Verdict{Action: Retry, Reason: "busy"}, Dropped{}, 0, 4, true},
		{200, Verdict{Action: Reject}, Dropped{Rejected: 4}, 0, 0, false},
		{500, Verdict{Action: TooLarge}, Dropped{}, 0, 4, true},
		{503, Verdict{Action: Isolate}, Dropped{}, 0, 4, true},
		{413, Verdict{Action: Accept, Refused: 99}, Dropped{Rejected: 4}, 0, 0, false},
		{202, Verdict{Refused: -3}, Dropped{}, 4, 0, false},
		{200, Verdict{Action: Action(99)}, Dropped{}, 0, 4, true},
	} {
		t.Run(fmt.Sprintf("%d %+v", c.status, c.verdict), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := fakeFormat{read: func(a Answer) Verdict {
					if a.Status != c.status || string(a.Body) != "body" || a.Header.Get("X-A") != "x" || a.Err != nil || a.Records < 1 || a.Records > 4 {
						t.Errorf("the Format was given %+v", a)
					}
					return c.verdict
				}}
				tr := start(t, always(answered{status: c.status, body: "body"}.with("X-A", "x")), Options{Format: f})
				tr.say("a", "b", "c", "d")
				time.Sleep(10 * time.Minute)
				tr.wantBooks(c.taken, c.want, c.held)
				if again := len(tr.got()) > 10; again != c.again {
					t.Errorf("%d requests", len(tr.got()))
				}
				if c.verdict.Reason != "" {
					tr.wantReports(c.verdict.Reason)
				}
			})
		})
	}
}

// outcomes is a Format that believes the letters of an answer's body: t for
// taken, r for refused, l for later.
func outcomes(a Answer) Verdict {
	v := Verdict{Action: Accept, Outcomes: make([]Outcome, 0, a.Records)}
	for _, c := range a.Body {
		v.Outcomes = append(v.Outcomes, map[byte]Outcome{'t': Taken, 'r': Refused, 'l': Resend}[c])
	}
	return v
}

// Answers that report on each record are believed for each record; what is
// deferred is sent again before what came later, after a back-off.
func TestOutcomes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, script(
			answered{status: 200, body: "tlrltl", takes: time.Second}.with("Retry-After", "9"),
			answered{status: 200, body: "ltlt"},
			answered{status: 200, body: "tt"},
		), Options{Format: fakeFormat{read: outcomes}, BatchRecords: 6})
		tr.say(strings.Split("a b c d e f", " ")...)
		synctest.Wait()
		tr.say("g")
		time.Sleep(2 * time.Second)
		tr.wantBooks(2, Dropped{Rejected: 1}, 4)
		time.Sleep(time.Minute)
		if at := tr.got()[1].at; at != 10*time.Second {
			t.Errorf("deferred records were sent again after %v, want 10 s", at)
		}
		var sent []string
		for _, r := range tr.got() {
			sent = append(sent, strings.Join(r.messages, " "))
		}
		if want := []string{"a b c d e f", "b d f g", "b f"}; !slices.Equal(sent, want) {
			t.Errorf("sent %q, want %q", sent, want)
		}
		r := tr.got()
		if r[0].ids[1] != r[2].ids[0] || r[0].ids[5] != r[2].ids[1] {
			t.Errorf("deferred records changed their ids: %q, %q", r[0].ids, r[2].ids)
		}
		tr.wantBooks(6, Dropped{Rejected: 1}, 0)
		tr.wantReports("4 records not accepted", "")
	})
}

// As long as some records of each request come through, those that the server
// wants again do not make the back-off longer.
func TestProgressKeepsBackOffShort(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 30
		tr := start(t, func(r *request) answered {
			return answered{status: 200, body: "t" + strings.Repeat("l", len(r.messages)-1)}
		}, Options{Format: fakeFormat{read: outcomes}, MinBackoff: time.Second, MaxBackoff: time.Hour})
		for range n {
			tr.say("a")
		}
		time.Sleep(n * 2 * time.Second)
		tr.wantBooks(n, Dropped{}, 0)
	})
}

// A Format that miscounts is not believed: the batch is kept.
func TestWrongNumberOfOutcomes(t *testing.T) {
	for _, body := range []string{"t", "ttt"} {
		synctest.Test(t, func(t *testing.T) {
			tr := start(t, script(answered{status: 200, body: body}, answered{status: 200, body: "tt"}), Options{Format: fakeFormat{read: outcomes}})
			tr.say("a", "b")
			time.Sleep(time.Minute)
			tr.wantRequests(2)
			tr.wantBooks(2, Dropped{}, 0)
			tr.wantReports(fmt.Sprintf("slogship.fakeFormat.ReadAnswer returned %d outcomes for 2 records", len(body)), "")
		})
	}
}

// Logflare's 406 is final: as many records are rejected as reasons came back,
// and nothing is sent again.
func TestLogflareNotAcceptable(t *testing.T) {
	for _, c := range []struct {
		name     string
		answer   answered
		rejected int64
		report   string
	}{
		{"one reason", answered{body: `{"message":["bad key"]}`}, 1, "406 Not Acceptable: 1 record not accepted: bad key"},
		{"two reasons", answered{body: `{"message":["bad key","worse"]}`}, 2, "2 records not accepted: bad key; worse"},
		{"more reasons than records", answered{body: `{"message":["a","b","c","d","e"]}`}, 3, "3 records not accepted: a; b; c"},
		{"reasons that are no strings", answered{body: `{"message":[{"x":1}]}`}, 1, "1 record not accepted"},
		{"no reasons", answered{body: `{"message":[]}`}, 3, "3 records not accepted"},
		{"no list", answered{body: `{"message":"no"}`}, 3, "3 records not accepted"},
		{"no JSON", answered{body: `<html>`}, 3, "<html>"},
		{"nothing", answered{}, 3, "3 records not accepted"},
		{"cut off", answered{body: `{"message":["bad key"]}`, cut: true}, 3, "3 records not accepted"},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c.answer.status = http.StatusNotAcceptable
				tr := start(t, script(c.answer, status(200)), Options{})
				tr.say("a", "b", "c")
				time.Sleep(time.Hour)
				tr.wantRequests(1)
				tr.wantBooks(3-c.rejected, Dropped{Rejected: c.rejected}, 0)
				tr.wantReports(c.report)
				tr.say("d")
				time.Sleep(time.Hour)
				tr.wantReports(c.report, "")
			})
		})
	}
}

// An answer without an end is read up to a bound, and no further.
func TestEndlessAnswer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		read, cut := 0, false
		f := fakeFormat{read: func(a Answer) Verdict { read, cut = len(a.Body), a.Cut; return Verdict{} }}
		tr := start(t, always(answered{status: 200, body: strings.Repeat("x", maxAnswer+1000)}), Options{Format: f})
		tr.say("a")
		time.Sleep(time.Minute)
		tr.wantBooks(1, Dropped{}, 0)
		if want := f.Layout().answerBytes(1); read != want || !cut || want > minAnswer+1<<10 {
			t.Errorf("%d bytes of the answer were read, cut: %v; want %d", read, cut, want)
		}
	})
}

// An acknowledgement that was lost on its way leaves the batch held; it is
// counted once, when it is read.
func TestLostAcknowledgement(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		lost := answered{status: 200, body: `{"mess`, cut: true}
		tr := start(t, script(lost, lost, status(200)), Options{})
		tr.say("a", "b")
		time.Sleep(time.Minute)
		tr.wantRequests(3)
		tr.wantBooks(2, Dropped{}, 0)
		for _, r := range tr.got() {
			if !slices.Equal(r.ids, tr.got()[0].ids) {
				t.Errorf("sent with ids %q, then %q", tr.got()[0].ids, r.ids)
			}
		}
		tr.wantReports("200 OK: the answer was cut off", "")
		if err := tr.Flush(t.Context()); err != nil {
			t.Error(err)
		}
	})
}

// A panic of the Format over an answer is a failed attempt, and no more.
func TestReadAnswerPanics(t *testing.T) {
	for name, value := range map[string]any{"text": "boom", "error": errors.New("boom"), "bad index": nil} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				n := 0
				f := fakeFormat{read: func(Answer) Verdict {
					if n++; n > 2 {
						return Verdict{}
					}
					if value == nil {
						clear([]int(nil)[:len(name)]) // out of range: a runtime error
					}
					panic(value)
				}}
				tr := start(t, always(status(200)), Options{Format: f})
				tr.say("a", "b")
				time.Sleep(time.Minute)
				tr.wantRequests(3)
				tr.wantBooks(2, Dropped{}, 0)
				tr.wantReports("slogship: panic while sending to http://logs.test/logs: ", "")
			})
		})
	}
}
