package receiver

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"time"
)

// Control is the address of a receiver's control endpoint.
type Control string

// Session is one backend of a receiver.
type Session struct {
	ID      int     `json:"id"`
	Addr    string  `json:"addr"` // host:port that the peer sends to
	Control Control `json:"control"`
}

// controlClient keeps no connection, so that the control endpoint leaves
// nothing behind in a sender that is being measured.
var controlClient = &http.Client{
	Timeout:   10 * time.Second,
	Transport: &http.Transport{DisableKeepAlives: true},
}

// Open starts a backend that understands p. With checkAll every record is
// decoded wholly and compared to what was logged.
func (c Control) Open(p Proto, checkAll bool) (Session, error) {
	var s Session
	err := c.do("POST", "/open", openRequest{p, checkAll}, &s)
	s.Control = c
	return s, err
}

// URL is the root of the backend.
func (s Session) URL() string { return "http://" + s.Addr }

// SetMode makes the backend behave as m says, from now on.
func (s Session) SetMode(m Mode) error { return s.Control.do("POST", s.path("mode"), m, nil) }

// Reset forgets what arrived.
func (s Session) Reset() error { return s.Control.do("POST", s.path("reset"), nil, nil) }

// Close ends the backend.
func (s Session) Close() error { return s.Control.do("POST", s.path("close"), nil, nil) }

// Counts says what arrived since the last Reset.
func (s Session) Counts() (Counts, error) {
	var n Counts
	err := s.Control.do("GET", s.path("counts"), nil, &n)
	return n, err
}

func (s Session) path(verb string) string { return fmt.Sprintf("/%s/%d", verb, s.ID) }

func (c Control) do(method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequest(method, "http://"+string(c)+path, body)
	if err != nil {
		return err
	}
	resp, err := controlClient.Do(req)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode != http.StatusOK {
		return fmt.Errorf("receiver: %s: %s", path, bytes.TrimSpace(b))
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(b, out)
}
