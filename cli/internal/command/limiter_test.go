package command

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// The limit holds on the average, also after a pause, and ends with the context.
func TestLimiter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &limiter{every: time.Second / 100}
		ctx, cancel := context.WithCancel(t.Context())
		for range 3 {
			began := time.Now()
			for range 110 {
				l.wait(ctx)
			}
			if d := time.Since(began); d != time.Second {
				t.Errorf("110 records took %v, want 1 s: ten at once, and 100 a second", d)
			}
			time.Sleep(time.Hour)
		}
		for range 20 {
			l.wait(ctx)
		}
		cancel()
		began := time.Now()
		l.wait(ctx)
		if time.Since(began) > 0 {
			t.Error("it waits although the context has ended")
		}
	})
}
