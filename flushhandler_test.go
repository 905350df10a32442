package slogship

import (
	"context"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

// A record at the level has arrived, with all before it, when the log call
// returns; one below it does not wait.
func TestFlushHandlerWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(time.Second)), Options{FlushInterval: time.Hour})
		log := slog.New(NewFlushHandler(tr.Handler, slog.LevelError, 5*time.Second))
		log.Info("a")
		if passed := time.Since(tr.began); passed != 0 {
			t.Errorf("a record below the level took %v", passed)
		}
		log.With("k", "v").WithGroup("g").Error("b")
		if passed := time.Since(tr.began); passed != time.Second {
			t.Errorf("the log call returned after %v, want 1 s", passed)
		}
		tr.wantTaken("a", "b")
	})
}

// A backend that hangs costs the timeout, or what the caller's context leaves.
func TestFlushHandlerGivesUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(200).after(8*time.Second)), Options{RequestTimeout: time.Minute})
		log := slog.New(NewFlushHandler(tr.Handler, slog.LevelError, 5*time.Second))
		log.Error("a")
		if passed := time.Since(tr.began); passed != 5*time.Second {
			t.Errorf("the log call returned after %v, want 5 s", passed)
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		log.ErrorContext(ctx, "b")
		if passed := time.Since(tr.began); passed != 6*time.Second {
			t.Errorf("with a context of 1 s the log call returned after %v, want 6 s", passed)
		}
	})
}

// In an outage only the first record waits.
func TestFlushHandlerDoesNotWaitInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := start(t, always(status(503)), Options{MinBackoff: time.Hour, MaxBackoff: time.Hour})
		log := slog.New(NewFlushHandler(tr.Handler, slog.LevelError, 5*time.Second))
		log.Error("a")
		began := time.Now()
		for range 100 {
			log.Error("b")
		}
		if passed := time.Since(began); passed != 0 {
			t.Errorf("100 records in an outage took %v, want 0", passed)
		}
		tr.wantBooks(0, Dropped{}, 101)
	})
}
