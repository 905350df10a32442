package command

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
)

var errDryRun = errors.New("this is a dry run")

// A printer prints the body of the first request instead of sending it.
type printer struct {
	s    *shipper
	once sync.Once
}

// RoundTrip prints, and fails.
func (p *printer) RoundTrip(r *http.Request) (*http.Response, error) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	p.once.Do(func() {
		p.s.c.env.say("POST %v\nContent-Type: %s\n\n", p.s.h, r.Header.Get("Content-Type"))
		_, _ = fmt.Fprintf(p.s.c.env.Stdout, "%s\n", body) // who does not read on cannot be told
		p.s.stop()
		p.s.giveUp()
		p.s.hardEnd()
	})
	return nil, errDryRun
}
