// Quickstart is a web service that ships its log records with slogship, while the
// log backend has an outage.
//
//	clients -> service -> slog.Logger -> slogship.Handler -> receiver
//
// Clients send requests to the service, which logs each of them. After some
// seconds the receiver, which is the log backend here, goes away, and later it
// comes back. The service runs on as before, and every record arrives once, in
// order. The checks at the end show it. If one of them fails, the exit status is 1.
//
//	go run ./examples/quickstart
//	go run ./examples/quickstart -viewer
//
// It takes 10 s. Before the first run Go compiles it, which takes a while and prints
// nothing. Ctrl-C ends it earlier.
//
// With -viewer you can also watch it in a browser. The program then builds and starts
// slogship-viewer, prints its address, takes 18 s, and keeps the viewer running until
// Ctrl-C. With -viewer=URL it uses a viewer that already runs.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"os/signal"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// plan is how long each part takes, and how many clients there are.
type plan struct {
	before, outage, after time.Duration
	clients               int
	viewer                string // its URL; "": there is none
}

func main() {
	var viewer viewerFlag
	flag.Var(&viewer, "viewer", "also show it in a browser: start slogship-viewer, or with -viewer=`URL` use one that runs")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	context.AfterFunc(ctx, stop) // a second Ctrl-C ends the program at once
	p := plan{before: 3 * time.Second, outage: 3 * time.Second, after: 3 * time.Second, clients: 8}
	ok, err := start(ctx, p, viewer, newScreen(os.Stdout))
	stop()
	switch {
	case errors.Is(err, errInterrupted) && ok:
		os.Exit(exitInterrupted)
	case err != nil && !errors.Is(err, errInterrupted):
		fmt.Fprintln(os.Stderr, "quickstart:", err)
		os.Exit(1)
	case !ok:
		os.Exit(1)
	}
}

// start carries out the plan, on a page if that is wanted.
func start(ctx context.Context, p plan, show viewerFlag, out *screen) (ok bool, err error) {
	if !show.on {
		return run(ctx, p, out)
	}
	p.viewer = show.url
	if p.viewer == "" {
		// Ctrl-C must not end the viewer while the plan is carried out.
		v, err := startViewer(context.WithoutCancel(ctx), out)
		if err != nil {
			return false, err
		}
		defer v.end()
		p.viewer = v.url
	}
	p.before, p.outage, p.after = 5*time.Second, 8*time.Second, 5*time.Second
	out.event("open %s/tail in a browser: it begins in 5 s", p.viewer)
	pause(ctx, 5*time.Second)
	ok, err = run(ctx, p, out)
	if show.url == "" && err == nil {
		out.event("look around: %s/?q=last:5m has all of it. Ctrl-C ends the viewer", p.viewer)
		<-ctx.Done()
	}
	return ok, err
}

// errInterrupted is the error of run if its context ended. The report says so.
var errInterrupted = errors.New("interrupted")

const exitInterrupted = 130 // as shells have it for Ctrl-C

// run carries out the plan, and reports whether all went as it should.
func run(ctx context.Context, p plan, out *screen) (ok bool, err error) {
	// The log backend of this example. It fails when told to.
	backend := slogshiptest.StartServer()
	defer backend.Close()

	// The handler. In your application, the URL and Header are enough. ContextAttrs
	// adds the request's id. The short intervals are for this example only: its outage
	// takes seconds.
	var troubles troubles
	page := newPage(p.viewer, out)
	handler, err := slogship.New(backend.URL, &slogship.Options{
		Client:        page.client(),    // the default one without -viewer
		Header:        backend.Header(), // the credentials
		ContextAttrs:  requestAttrs,
		FlushInterval: 200 * time.Millisecond,
		MinBackoff:    100 * time.Millisecond,
		MaxBackoff:    400 * time.Millisecond,
		OnError: func(err error) {
			troubles.add(err)
			out.event("OnError: %v", err)
		},
	})
	if err != nil {
		return false, err
	}

	// The service. Its logger is a plain *slog.Logger; the stopwatch in
	// between measures what logging costs.
	watch := new(stopwatch)
	logger := slog.New(watch.around(handler))
	service := httptest.NewServer(logRequests(logger, newService()))
	defer service.Close()
	out.event("service at %s, log receiver at %v, %d clients", service.URL, handler, p.clients)

	watch.begin(before)
	out.event("the receiver works")
	clients := startClients(service.URL, p.clients)
	books := watchBooks(handler, out)
	pause(ctx, p.before)

	watch.begin(outage)
	backend.Fail(slogshiptest.Failure{Requests: 3, Status: http.StatusServiceUnavailable})
	backend.Fail(slogshiptest.Failure{Reset: true}) // until Recover
	page.note(ctx, "error", "the receiver goes away: it answers 503, then resets connections")
	pause(ctx, p.outage)

	watch.begin(after)
	backend.Recover()
	page.note(ctx, "info", "the receiver is back")
	pause(ctx, p.after)

	// The end: first the clients, then the service, and last the handler.
	sent, failed := clients.stop()
	service.Close()
	closeErr := handler.Close() // sends what is left
	unbalanced := books.stop()

	r := report{
		stats:      handler.Stats(),
		unbalanced: unbalanced,
		closeErr:   closeErr,
		troubles:   troubles.all(),
		costs:      watch.costs(),
		sent:       sent,
		failed:     failed,
		arrived:    backend.Records(),
		repeated:   backend.Duplicates(),

		interrupted: ctx.Err() != nil,
	}
	ok = r.print(out)
	if ctx.Err() != nil {
		return ok, errInterrupted
	}
	return ok, nil
}

// pause waits for d, or for the end of ctx.
func pause(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
