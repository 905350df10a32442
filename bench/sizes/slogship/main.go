// The same, shipping what it logs with slogship.
package main

import (
	"log"
	"log/slog"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

func main() {
	h, err := slogship.New("http://127.0.0.1:4318/v1/logs", &slogship.Options{Format: formats.OTLP(formats.OTLPOptions{})})
	if err != nil {
		log.Fatal(err)
	}
	defer h.Close()
	slog.New(h).Info("hello")
}
