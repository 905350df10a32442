package slogshiptest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// ship logs to backend, and returns what Flush says.
func ship(backend *slogshiptest.Server, f func(*slog.Logger)) error {
	h, err := slogship.New(backend.URL, &slogship.Options{
		Header: backend.Header(), MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond, OnError: func(error) {},
	})
	if err != nil {
		return err
	}
	defer h.Close()
	f(slog.New(h))
	return h.Flush(context.Background())
}

// A record is found by its message, and compared by what was logged.
func ExampleRecord_Has() {
	backend := slogshiptest.StartServer() // in a test: NewServer(t)
	defer backend.Close()
	_ = ship(backend, func(log *slog.Logger) {
		log.Info("invoice paid", "took", 30*time.Millisecond, slog.Group("amount", "cents", 1999))
	})

	paid, ok := backend.Find("invoice paid")
	fmt.Println(ok, paid.Has("amount.cents", 1999), paid.Has("took", 30*time.Millisecond))
	fmt.Println(paid.Attr("amount.cents"), paid.Attr("amount.dollars"))
	// Output:
	// true true true
	// 1999 <nil>
}

// The backend rejects one record and takes the other.
func ExampleReceiver_RejectRecords() {
	backend := slogshiptest.StartServer() // in a test: NewServer(t)
	defer backend.Close()
	backend.RejectRecords(func(r slogshiptest.Record) string {
		if r.Has("user", "mallory") {
			return "unknown user"
		}
		return ""
	})

	fmt.Println(ship(backend, func(log *slog.Logger) {
		log.Info("login", "user", "mallory")
		log.Info("login", "user", "ada")
	}))
	fmt.Println(backend.Len(), "record taken")
	// Output:
	// slogship: 1 record dropped (rejected 1)
	// 1 record taken
}

// The backend answers 400 to each batch with a bad record; slogship finds it.
func ExampleReceiver_FailBatchesOn() {
	backend := slogshiptest.StartServer() // in a test: NewServer(t)
	defer backend.Close()
	backend.FailBatchesOn(func(r slogshiptest.Record) int {
		if r.Message == "bad" {
			return http.StatusBadRequest
		}
		return 0
	})

	fmt.Println(ship(backend, func(log *slog.Logger) {
		for range 10 {
			log.Info("good")
		}
		log.Info("bad")
	}))
	fmt.Println(backend.Len(), "records taken")
	// Output:
	// slogship: 1 record dropped (rejected 1)
	// 10 records taken
}
