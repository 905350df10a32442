package slogshiptest

import (
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// Here is how the other tests send, and how they look at what arrived.

// A tweak changes a request that would be taken into one that may not.
type tweak func(*http.Request)

func header(name, value string) tweak {
	return func(req *http.Request) {
		req.Header.Del(name)
		if value != "" {
			req.Header.Set(name, value)
		}
	}
}

// target sets path and query.
func target(path, query string) tweak {
	return func(req *http.Request) { req.URL.Path, req.URL.RawQuery = path, query }
}

func method(m string) tweak { return func(req *http.Request) { req.Method = m } }

// newRequest returns a request that r takes if body is a batch.
func newRequest(t testing.TB, r *Receiver, body io.Reader, tweaks ...tweak) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.URL, body)
	if err != nil {
		t.Fatal(err)
	}
	req.Header = r.Header()
	req.Header.Set("Content-Type", "application/json")
	for _, f := range tweaks {
		f(req)
	}
	return req
}

// reply is an answer as far as it could be read.
type reply struct {
	status int
	text   string
	header http.Header
	length int64
	host   string // that it is from
}

// send returns the answer to req.
func send(client *http.Client, req *http.Request) (reply, error) {
	resp, err := client.Do(req)
	if err != nil {
		return reply{}, err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return reply{resp.StatusCode, string(text), resp.Header, resp.ContentLength, resp.Request.URL.Host}, err
}

// post returns the status and the text of the answer to a request.
func post(t testing.TB, r *Receiver, body string, tweaks ...tweak) (int, string) {
	t.Helper()
	got, err := send(r.Client(), newRequest(t, r, strings.NewReader(body), tweaks...))
	if err != nil {
		t.Fatal(err)
	}
	return got.status, got.text
}

// batch is a body with an event for each message. Its time is not in the future
// of a synctest bubble either.
func batch(messages ...string) string {
	events := make([]string, len(messages))
	for i, m := range messages {
		events[i] = fmt.Sprintf(`{"id":"id-%s","timestamp":"1999-01-02T03:04:05.678901Z","message":%q,"metadata":{"level":"info"}}`, m, m)
	}
	return `{"batch":[` + strings.Join(events, ",") + `]}`
}

func messages(records []Record) (all []string) {
	for _, r := range records {
		all = append(all, r.Message)
	}
	return all
}

func wantMessages(t testing.TB, r *Receiver, want ...string) {
	t.Helper()
	if got := messages(r.Records()); !slices.Equal(got, want) {
		t.Errorf("the receiver has %q, want %q", got, want)
	}
}
