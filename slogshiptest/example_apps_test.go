package slogshiptest_test

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
)

// Tests of what the programs in examples do, each in a few lines.

// logged stands for examples/middleware.
func logged(log *slog.Logger, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := time.Now()
		next.ServeHTTP(w, r)
		log.InfoContext(r.Context(), "request served", slog.Group("request",
			"method", r.Method, "path", r.URL.Path, "duration", time.Since(began)))
	})
}

// A test of a middleware: a request is one record, with attributes in a group. In a
// bubble of testing/synctest the duration is exact.
func TestRequestIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		backend := slogshiptest.NewReceiver()
		h := slogshiptest.NewHandler(t, backend)
		slow := http.HandlerFunc(func(http.ResponseWriter, *http.Request) { time.Sleep(3 * time.Second) })

		service := logged(slog.New(h), slow)
		service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/orders/7", http.NoBody))
		if err := h.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, ok := backend.Find("request served")
		if !ok || !r.Has("request.path", "/orders/7") || !r.Has("request.duration", 3*time.Second) {
			t.Errorf("got %v", backend.Records())
		}
	})
}

// withheld stands for examples/redact.
func withheld(_ []string, a slog.Attr) slog.Attr {
	if strings.EqualFold(a.Key, "password") {
		return slog.String(a.Key, "[withheld]")
	}
	return a
}

// A test that no secret leaves: look at the bytes that the backend was sent, not at the
// attribute that is expected to be clean.
func TestNoSecretIsSent(t *testing.T) {
	backend := slogshiptest.NewServer(t)
	h := slogshiptest.NewHandler(t, backend, slogship.Options{ReplaceAttr: withheld})

	slog.New(h).Info("signed in", slog.Group("form", "user", "ada", "password", "hunter2"))
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, r := range backend.Records() {
		if strings.Contains(string(r.Raw), "hunter2") {
			t.Errorf("sent: %s", r.Raw)
		}
	}
	if r, ok := backend.Find("signed in"); !ok || !r.Has("form.user", "ada") {
		t.Errorf("got %v", backend.Records()) // or the test proves nothing
	}
}

// A test of an outage, as in examples/tenants: one backend refuses its credentials, and
// neither the application nor the other backend notices. Once it is set right,
// everything arrives, in order.
func TestOneBackendIsDown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		acme, initech := slogshiptest.NewReceiver(), slogshiptest.NewReceiver(slogshiptest.Loki)
		one, other := slogshiptest.NewHandler(t, acme), slogshiptest.NewHandler(t, initech)
		initech.Fail(slogshiptest.Failure{Status: http.StatusUnauthorized}) // until Recover

		for _, h := range []*slogship.Handler{one, other} {
			slog.New(h).Info("order placed", "order", 1)
			slog.New(h).Info("order paid", "order", 1)
		}
		if err := one.Flush(t.Context()); err != nil || acme.Len() != 2 {
			t.Fatalf("%d records, %v", acme.Len(), err)
		}
		soon, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := other.Flush(soon); !errors.Is(err, slogship.ErrUnsent) || other.Stats().LastError == nil {
			t.Errorf("Flush returned %v", err)
		}

		initech.Recover()
		if err := other.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := initech.Records(); len(got) != 2 || got[0].Message != "order placed" || initech.Duplicates() != 0 {
			t.Errorf("got %v", got)
		}
	})
}
