package slogship_test

import (
	"bufio"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// server stands for your backend.
var server = slogshiptest.StartServer()

func Example() {
	h, err := slogship.New(server.URL, &slogship.Options{Header: server.Header()})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close() // sends what is left, within 5 s

	log := slog.New(h).With("service", "billing")
	log.Info("invoice paid", "id", 42, "took", 30*time.Millisecond)

	if err := h.Flush(context.Background()); err != nil {
		fmt.Println(err)
	}
	s := h.Stats()
	fmt.Println("accepted", s.Accepted, "delivered", s.Delivered, "dropped", s.Dropped.Total())
	// Output: accepted 1 delivered 1 dropped 0
}

// Trace ids and request ids come from the context of the log call.
func ExampleOptions_contextAttrs() {
	type requestID struct{}
	h, err := slogship.New(server.URL, &slogship.Options{
		Header: server.Header(),
		ContextAttrs: func(ctx context.Context) []slog.Attr {
			id, ok := ctx.Value(requestID{}).(string)
			if !ok {
				return nil
			}
			return []slog.Attr{slog.String("request_id", id)}
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()

	ctx := context.WithValue(context.Background(), requestID{}, "r-17")
	slog.New(h).InfoContext(ctx, "served")
	if err := h.Flush(ctx); err != nil {
		fmt.Println(err)
	}
	records := server.Records()
	fmt.Println(records[len(records)-1].Attrs["request_id"])
	// Output: r-17
}

// What went wrong, and when it works again, can be told to anyone but the
// handler itself.
func ExampleOptions_onError() {
	h, err := slogship.New(server.URL, &slogship.Options{
		Header:  server.Header(),
		OnError: func(err error) { fmt.Fprintln(os.Stderr, "log shipping:", err) },
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(h.Close())
	// Output: <nil>
}

// A token that expires is refreshed where the request is sent.
func ExampleOptions_client() {
	h, err := slogship.New(server.URL, &slogship.Options{
		Client: &http.Client{Transport: tokenTransport{
			token: func() string { return server.Header().Get("Authorization") },
			next:  http.DefaultTransport,
		}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()
	slog.New(h).Info("with a fresh token")
	fmt.Println(h.Flush(context.Background()))
	// Output: <nil>
}

// tokenTransport sets the token of the moment.
type tokenTransport struct {
	token func() string
	next  http.RoundTripper
}

func (t tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", t.token())
	return t.next.RoundTrip(r)
}

// A follower of a file notes its position only when what is before it is settled:
// what a crash leaves unsent it reads again.
func ExampleHandler_Settled() {
	h, err := slogship.New(server.URL, &slogship.Options{Header: server.Header(), OnFull: slogship.Block})
	if err != nil {
		fmt.Println(err)
		return
	}
	log := slog.New(h)
	file := strings.NewReader("one\ntwo\nthree\n") // which a writer goes on appending to

	type read struct {
		from, to slogship.Mark
		position int // in the file, after what was read
	}
	var waiting []read
	position, noted := 0, 0
	for lines := bufio.NewScanner(file); lines.Scan(); {
		from := h.Mark()
		log.Info(lines.Text()) // waits for room while the backend is down
		position += len(lines.Bytes()) + 1
		waiting = append(waiting, read{from, h.Mark(), position})
	}
	for len(waiting) > 0 { // a follower asks between two looks at its file
		for len(waiting) > 0 && h.Settled(waiting[0].from, waiting[0].to) {
			noted = waiting[0].position
			waiting = waiting[1:]
		}
		time.Sleep(10 * time.Millisecond)
	}
	fmt.Println("noted", noted, "of", position)
	h.Close()
	// Output: noted 14 of 14
}

// OnDrop keeps the records that the backend rejects.
func ExampleOptions_onDrop() {
	backend := slogshiptest.StartServer() // stands for your backend
	defer backend.Close()
	backend.FailBatchesOn(func(r slogshiptest.Record) int {
		if r.Message == "invoice paid" {
			return http.StatusBadRequest
		}
		return 0
	})

	h, err := slogship.New(backend.URL, &slogship.Options{
		Header:  backend.Header(),
		OnError: func(error) {},
		OnDrop: func(reason string, e *slogship.Event) {
			line := slogship.AppendAttrs([]byte("{"), e.Attrs)
			fmt.Printf("%s: %s %s}\n", reason, e.Message, line) // to a file, for instance
		},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	slog.New(h).Info("invoice sent", "id", 42)
	slog.New(h).Info("invoice paid", "id", 42)
	h.Close()
	// Output: rejected: invoice paid {"id":42}
}
