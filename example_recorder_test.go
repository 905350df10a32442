package slogship_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// What led up to an error is shipped with it. A request that goes well costs nothing
// but memory.
func ExampleNewRecorder() {
	backend := slogshiptest.StartServer() // stands for yours
	defer backend.Close()
	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header()}) // INFO and above
	if err != nil {
		fmt.Println(err)
		return
	}
	log := slog.New(slogship.NewRecorder(h, nil))

	serve := func(request string, err error) {
		ctx := slogship.Record(context.Background()) // in a handler: r.Context()
		log.DebugContext(ctx, "price asked", "request", request)
		if err != nil {
			log.ErrorContext(ctx, "no price", "request", request, "error", err)
		}
	}
	serve("first", nil)
	serve("second", errors.New("timeout"))

	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	for _, r := range backend.Records() {
		fmt.Println(r.Level, r.Message, r.Attr("request"), r.Attr("_recorded"))
	}
	// Output:
	// debug price asked second true
	// error no price second <nil>
}
