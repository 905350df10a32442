package main

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
)

// firstWarning ends the service when the first WARN was printed: what SIGTERM
// does, without a wait.
type firstWarning struct {
	mu  sync.Mutex
	out bytes.Buffer
	end context.CancelFunc
}

func (w *firstWarning) Write(b []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if bytes.Contains(b, []byte(`"WARN"`)) {
		w.end()
	}
	return w.out.Write(b)
}

// What is logged while the service ends arrives at both places, each with its
// own level.
func TestRun(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	out := &firstWarning{end: cancel}
	if err := run(ctx, out, "", ""); err != nil {
		t.Fatal(err)
	}
	text := out.out.String()
	for _, want := range []string{`"msg":"ready"`, `"msg":"order not found"`, `"msg":"ending"`, "at the log backend: 2 records"} {
		if !strings.Contains(text, want) {
			t.Errorf("%s has no %s", text, want)
		}
	}
}
