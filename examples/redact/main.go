// Redact shows ways to keep secrets out of the log, and what each of them misses.
//
//		go run ./examples/redact
//
//	  - slog.LogValuer: a type decides how it is logged. This works for each
//	    attribute whose value has the type.
//	  - Options.ReplaceAttr: a function that replaces attributes by name. It also
//	    works for attributes in groups.
//	  - Neither of them works for a value inside a map, a slice or a struct, because
//	    this is not an attribute. Give its type a method MarshalText, or do not log
//	    it.
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

// A Card is logged with only its last digits visible, both as an attribute and
// inside other values.
type Card string

func (c Card) LogValue() slog.Value         { return slog.StringValue(c.masked()) }
func (c Card) MarshalText() ([]byte, error) { return []byte(c.masked()), nil } //nolint:unparam // its signature is encoding's

func (c Card) masked() string {
	return strings.Repeat("*", max(len(c)-4, 0)) + string(c[max(len(c)-4, 0):])
}

// withheld replaces the value of each attribute whose name tells that it is secret.
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
	log.Info("neither of them works", "form", map[string]string{"password": "hunter2"})
	if err := h.Close(); err != nil {
		return err
	}
	for _, r := range backend.Records() {
		fmt.Fprintf(out, "%s:\n\t%s\n", r.Message, r.Raw)
	}
	return nil
}
