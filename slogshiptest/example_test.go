package slogshiptest_test

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
	"github.com/slogship/slogship/slogshiptest"
)

// pay stands for the application under test.
func pay(log *slog.Logger, invoice int) {
	log.Info("invoice paid", "id", invoice, slog.Group("amount", "cents", 1999, "currency", "EUR"))
}

// A test of an application: what it logs is what arrived, once Flush has returned.
func TestPay(t *testing.T) {
	backend := slogshiptest.NewServer(t)
	h := slogshiptest.NewHandler(t, backend)

	pay(slog.New(h), 42)
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	paid, ok := backend.Find("invoice paid")
	if !ok || !paid.Has("id", 42) || !paid.Has("amount.cents", 1999) {
		t.Errorf("got %v", backend.Records())
	}
}

// t is your test's.
var t *testing.T

// The whole of a test: the Handler has the credentials and the Format of its backend,
// and is shut down when the test ends.
func ExampleNewHandler() { //nolint:testableexamples // only a test has a t
	backend := slogshiptest.NewServer(t, slogshiptest.Loki)
	h := slogshiptest.NewHandler(t, backend, slogship.Options{AddSource: true})

	pay(slog.New(h), 42)
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if paid, ok := backend.Find("invoice paid"); !ok || !paid.Has("id", 42) {
		t.Errorf("got %v", backend.Records())
	}
}

// A Format of your own keeps the rules of slogship.Format; whether it writes what its
// backend reads is for a test with an Event literal.
func ExampleCheckFormat() { //nolint:testableexamples // only a test has a t
	slogshiptest.CheckFormat(t, formats.Seq(formats.SeqOptions{}))
}

// What the application logs is what arrived, once Flush has returned.
func Example() {
	backend := slogshiptest.StartServer() // in a test: NewServer(t)
	defer backend.Close()

	h, err := slogship.New(backend.URL, &slogship.Options{Header: backend.Header()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	pay(slog.New(h), 42)
	if err := h.Flush(context.Background()); err != nil {
		fmt.Println(err)
		return
	}
	for _, r := range backend.Records() {
		fmt.Println(r.Level, r.Message, r.Attr("id"), r.Attr("amount.cents"), r.Has("amount.currency", "EUR"))
	}
	// Output: info invoice paid 42 1999 true
}

// An outage ends, and what was logged during it arrives.
func ExampleReceiver_Fail() {
	backend := slogshiptest.StartServer()
	defer backend.Close()
	backend.Fail(slogshiptest.Failure{Requests: 2, Status: http.StatusServiceUnavailable})

	h, err := slogship.New(backend.URL, &slogship.Options{
		Header:     backend.Header(),
		MinBackoff: time.Millisecond,
		MaxBackoff: time.Millisecond,
		OnError:    func(error) {},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	slog.New(h).Info("logged in bad times")
	if err := h.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, q := range backend.Requests() {
		fmt.Println(q.Status, len(q.Records()))
	}
	fmt.Println(len(backend.Records()), "record,", backend.Duplicates(), "duplicates")
	// Output:
	// 503 1
	// 503 1
	// 200 1
	// 1 record, 0 duplicates
}

// A receiver that stands for Elasticsearch names the record that it refuses, and
// takes its neighbours.
func ExampleBackend() {
	backend := slogshiptest.StartServer(slogshiptest.Elasticsearch) // in a test: NewServer(t, ...)
	defer backend.Close()
	backend.RejectRecords(func(r slogshiptest.Record) string {
		if r.Attrs["id"] == "n/a" {
			return "failed to parse field [id] of type [long]"
		}
		return ""
	})

	h, err := slogship.New(backend.URL, &slogship.Options{
		Format:  formats.Elasticsearch(formats.ElasticsearchOptions{Index: "invoices"}),
		Header:  backend.Header(),
		OnError: func(error) {}, // is told as well, maybe after Flush has returned
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	log := slog.New(h)
	log.Info("invoice paid", "id", 42)
	log.Info("invoice paid", "id", "n/a")
	fmt.Println(h.Flush(context.Background()))
	for _, r := range backend.Records() {
		fmt.Println(r.Level, r.Message, r.Attrs["id"])
	}
	// Output:
	// slogship: 1 record dropped (rejected 1)
	// info invoice paid 42
}

// An answer that is lost before an hour-long outage makes a handler send its
// batch again, with the same ids: fake time makes a quick test of it.
func TestLostAnswerIsNoDuplicate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := slogshiptest.NewReceiver()
		h := slogshiptest.NewHandler(t, backend)

		backend.Fail(slogshiptest.Failure{Requests: 1, Cut: true})
		backend.Fail(slogshiptest.Failure{Status: http.StatusBadGateway})
		pay(slog.New(h), 42)
		time.Sleep(time.Hour)
		backend.Recover()
		if err := h.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := backend.Records(); len(got) != 1 || got[0].Message != "invoice paid" {
			t.Errorf("got %v, want the one record", got)
		}
		if got := backend.Duplicates(); got != 1 {
			t.Errorf("%d duplicates, want the batch whose answer was lost", got)
		}
	})
}
