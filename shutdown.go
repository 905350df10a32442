package slogship

import (
	"context"
	"time"
)

const (
	closeTimeout = 5 * time.Second // Close's deadline

	// stopGrace is how long Shutdown waits, after its context ended, for a
	// request that was cancelled. Only a transport that ignores cancellation
	// takes longer; its goroutine is then left behind.
	stopGrace = 100 * time.Millisecond
)

// Shutdown stops accepting records, sends those held, and ends the Handler's goroutine.
// Records logged afterwards are dropped and counted in [Dropped.Closed]. Shutdown cuts
// a back-off short, but waits until the end of a Retry-After. It returns before ctx
// ends if waiting is useless: if the Retry-After ends after ctx's deadline, or if its
// first attempt shows a misconfiguration (401, 404, ...). A nil ctx is
// [context.Background].
//
// Shutdown returns nil if no record is left, also if the server refused some: those are
// counted in [Stats] only. Otherwise its error is a [*LossError], which says why, and
// matches [ErrUnsent] and, if ctx ended, ctx.Err(). The records left are dropped and
// counted in [Dropped.Shutdown]. With a spool, those on disk are not dropped: the next
// Handler with the directory sends them. To sync them, Shutdown may take up to two
// seconds longer than ctx.
//
// A second call waits for the first one, or until its own ctx ends, and returns the
// same result.
func (h *Handler) Shutdown(ctx context.Context) error {
	if ctx == nil {
		ctx = context.Background()
	}
	c := h.core
	first := false
	began := time.Now()
	c.shutdownOnce.Do(func() { first = true })
	if first {
		c.result = c.shutdown(ctx, began)
		close(c.shutdownDone)
		return c.result
	}
	select {
	case <-c.shutdownDone:
		return c.result
	default:
	}
	select {
	case <-c.shutdownDone:
		return c.result
	case <-ctx.Done():
		return c.cutShort(ctx, began)
	}
}

// Close is [Handler.Shutdown] with a deadline of 5 s.
func (h *Handler) Close() error {
	ctx, cancel := context.WithTimeout(context.Background(), closeTimeout)
	defer cancel()
	return h.Shutdown(ctx)
}

// cutShort is the result of a call whose ctx ended while it waited for the first
// Shutdown: the same numbers, if that has them already.
func (c *core) cutShort(ctx context.Context, began time.Time) error {
	e, _ := c.pending.unsent()
	if e.Unsent == 0 {
		return nil
	}
	e.Cause, e.After = ctx.Err(), time.Since(began)
	return e
}

func (c *core) shutdown(ctx context.Context, began time.Time) error {
	c.batcher.drain(ctx)
	select {
	case <-c.batcher.done:
	case <-ctx.Done():
	}
	cause, took := ctx.Err(), time.Since(began)
	var e *LossError
	if c.pending.disk != nil {
		e = c.leaveToDisk(ctx)
	} else {
		e = c.pending.abandon()
		c.batcher.cancel()
		c.waitForEnd(ctx)
	}
	if e.Unsent == 0 {
		return nil
	}
	c.tellLeft()
	if cause == nil && c.batcher.tooLate > 0 { // run has ended
		cause = context.DeadlineExceeded
		e.retryIn = c.batcher.tooLate
	}
	e.Cause, e.After = cause, took
	return e
}

// waitForEnd waits until run and tellOverflow have ended: until ctx ends, and
// then stopGrace for a transport, or an OnError, to return.
func (c *core) waitForEnd(ctx context.Context) {
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	for _, ended := range []<-chan struct{}{c.batcher.done, c.pending.lastTold()} {
		select {
		case <-ended:
			continue
		case <-ctx.Done():
		}
		grace.Reset(stopGrace)
		select {
		case <-ended:
		case <-grace.C:
			return
		}
	}
}

// tellLeft has OnDrop called for what Shutdown leaves; not if an OnError that does
// not return is in the way.
func (c *core) tellLeft() {
	b := c.batcher
	if b.drops == nil {
		return
	}
	left := c.pending.abandonedPiece()
	select {
	case <-b.done:
		left = join(left, b.judge.held())
	default: // a transport that ignores cancellation has some of it still
	}
	grace := time.NewTimer(stopGrace)
	defer grace.Stop()
	select {
	case b.turn <- struct{}{}:
		defer func() { <-b.turn }()
		b.drops.tell(left, shutdown)
	case <-grace.C:
	}
}
