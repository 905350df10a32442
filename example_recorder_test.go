package slogship_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"

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

// A middleware gives each request its own ring: an error ships what its own request
// did, and not what others did at the same time.
func ExampleRecord() {
	backend := slogshiptest.StartServer() // stands for yours
	defer backend.Close()
	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header()})
	if err != nil {
		fmt.Println(err)
		return
	}
	log := slog.New(slogship.NewRecorder(h, nil))

	prices := func(_ http.ResponseWriter, r *http.Request) {
		log.DebugContext(r.Context(), "price asked", "item", r.URL.Path)
		if r.URL.Path == "/unknown" {
			log.ErrorContext(r.Context(), "no price")
		}
	}
	recorded := func(next http.HandlerFunc) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			next(w, r.WithContext(slogship.Record(r.Context())))
		}
	}
	server := recorded(prices)
	for _, path := range []string{"/tea", "/unknown", "/coffee"} {
		server(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, path, http.NoBody))
	}

	if err := h.Close(); err != nil {
		fmt.Println(err)
	}
	for _, r := range backend.Records() {
		fmt.Println(r.Level, r.Message, r.Attr("item"))
	}
	// Output:
	// debug price asked /unknown
	// error no price <nil>
}
