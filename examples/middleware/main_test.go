package main

import (
	"bytes"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/slogship/slogship/slogshiptest"
)

// Each request is one record with what came of it, and a panic is another one.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	if err := run(&out); err != nil {
		t.Fatal(err)
	}
	got := regexp.MustCompile(`duration:\d+`).ReplaceAllString(out.String(), "duration:D")
	const want = `info order read 1 <nil>
info request served 1 map[bytes:23 duration:D method:GET path:/orders/7 status:200]
info request served 2 map[bytes:10 duration:D method:GET path:/orders/x status:400]
info order read 3 <nil>
error panic 3 map[bytes:22 duration:D method:GET path:/orders/0 status:500]
`
	if got != want {
		t.Errorf("got\n%swant\n%s", got, want)
	}
}

// A panic is logged with the stack of the handler that panicked.
func TestPanicHasItsStack(t *testing.T) {
	backend := slogshiptest.NewServer(t)
	h := slogshiptest.NewHandler(t, backend)
	service := logged(slog.New(h), http.HandlerFunc(func(http.ResponseWriter, *http.Request) { boom() }))
	service.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodGet, "/", http.NoBody))
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	record, ok := backend.Find("panic")
	if !ok || !record.Has("value", "boom") {
		t.Fatalf("records: %+v", backend.Records())
	}
	if stack, _ := record.Attr("stack").(string); !strings.Contains(stack, "middleware.boom") {
		t.Errorf("the stack does not name the function that panicked:\n%v", stack)
	}
}

func boom() { panic("boom") }
