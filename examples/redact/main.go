// Redact shows ways to keep secrets out of the log, and what each does not see.
//
//		go run ./examples/redact
//
//	  - LogValuer: a type says how it is logged. It works wherever a value of that
//	    type is an attribute.
//	  - ReplaceAttr: a rule for names, in one place. It also works for attributes
//	    in groups.
//	  - A value inside a map, a slice or a struct is not an attribute: neither of
//	    the two sees it. Give its type a method MarshalText, or leave it out.
package main

import (
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// A Card logs as its last digits, as an attribute and inside other values.
type Card string

func (c Card) LogValue() slog.Value         { return slog.StringValue(c.masked()) }
func (c Card) MarshalText() ([]byte, error) { return []byte(c.masked()), nil } //nolint:unparam // its signature is encoding's

func (c Card) masked() string {
	return strings.Repeat("*", max(len(c)-4, 0)) + string(c[max(len(c)-4, 0):])
}

// withheld replaces the value of each attribute that has a telling name.
func withheld(_ []string, a slog.Attr) slog.Attr {
	switch strings.ToLower(a.Key) {
	case "password", "token", "authorization":
		return slog.String(a.Key, "[withheld]")
	}
	return a
}

func main() {
	if err := run(os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "redact:", err)
		os.Exit(1)
	}
}

func run(out io.Writer) error {
	backend := slogshiptest.StartServer()
	defer backend.Close()
	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header(), ReplaceAttr: withheld})
	if err != nil {
		return err
	}
	log := slog.New(h)

	log.Info("LogValuer", "card", Card("4111111111111111"))
	log.Info("ReplaceAttr", "password", "hunter2", slog.Group("request", "Authorization", "Bearer abc"))
	log.Info("LogValuer and MarshalText in a map", "order", map[string]any{"card": Card("4111111111111111")})
	log.Info("seen by neither", "form", map[string]string{"password": "hunter2"})
	if err := h.Close(); err != nil {
		return err
	}
	for _, r := range backend.Records() {
		fmt.Fprintf(out, "%s:\n\t%s\n", r.Message, r.Raw)
	}
	return nil
}
