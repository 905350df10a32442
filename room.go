package slogship

import (
	"context"
	"reflect"
	"runtime"
	"slices"
	"strings"
)

// OnFull is what [Handler.Handle] does when [Options.MaxPending] or
// [Options.MaxPendingBytes] is reached.
type OnFull uint8

// The values of Options.OnFull.
const (
	// DropOldest drops the oldest pending record to make room. Handle never waits.
	// This is the default.
	DropOldest OnFull = iota

	// Block makes Handle wait until there is room. Calls are served in order. If the
	// context of a call ends first, its record is dropped and counted in
	// Dropped.Overflow. If Shutdown is called first, it is counted in Dropped.Closed.
	// Records in flight count towards the bounds.
	//
	// In an outage every log call waits once memory is full: the application stops
	// until the backend works again. Use Block only in a program that does nothing but
	// ship logs, or with a deadline in the context of each call.
	//
	// Two kinds of records are still dropped for overflow: older records on which the
	// server fails with a 5xx, and records that are logged by OnError, OnDrop, the
	// Format or the Transport, because the batcher would wait for itself.
	Block
)

// A turn is a call of Handle that waits for room.
type turn struct {
	rec    []byte
	own    *block
	urgent bool
	over   chan struct{} // closed, under pending.mu, by who takes rec in or ends the intake
}

// putOrWait is push where Options.OnFull is Block.
func (p *pending) putOrWait(ctx context.Context, rec []byte, urgent bool) {
	own := p.ownBlock(rec)
	p.lock()
	if p.refusedLocked(rec) {
		p.mu.Unlock()
		return
	}
	if len(p.turns) == 0 && p.roomLocked(rec) {
		last := p.takeLocked(rec, own, urgent, true)
		p.mu.Unlock()
		if last {
			p.stock()
		}
		return
	}
	t := &turn{rec: rec, own: own, urgent: urgent, over: make(chan struct{})}
	p.turns = append(p.turns, t)
	p.urgentBelow = p.next // room is worth more than a full batch
	if p.asleep == lingering {
		p.wakeLocked()
	}
	p.mu.Unlock()

	if !insideDelivery() {
		if ctx == nil {
			ctx = context.Background()
		}
		select {
		case <-t.over:
			return
		case <-ctx.Done():
		}
	}
	p.mu.Lock()
	defer p.unlock()
	i := slices.Index(p.turns, t)
	if i < 0 {
		return
	}
	p.turns = slices.Delete(p.turns, i, i+1)
	p.accepted++
	p.lost[overflow]++
	if p.alarm == calm {
		p.alarm = breached
	}
	p.admitLocked() // the next one may be smaller
}

// roomLocked reports whether there is room for rec, so that nothing has to be
// dropped even if all that is in flight comes back. Where nothing is held there is
// room for any record.
func (p *pending) roomLocked(rec []byte) bool {
	if p.records+p.inFlight == 0 {
		return true
	}
	return p.records+p.inFlight < p.maxRecords &&
		p.bytes+p.inFlightBytes+len(rec) <= p.maxBytes &&
		p.held+max(blockBytes, len(rec)) <= p.maxHeld
}

// admitLocked takes in what waits for room, in order, as far as there is some.
// Whoever may have made room calls it.
func (p *pending) admitLocked() {
	for len(p.turns) > 0 && p.roomLocked(p.turns[0].rec) {
		t := p.turns[0]
		p.turns[0] = nil
		p.turns = p.turns[1:]
		p.takeLocked(t.rec, t.own, t.urgent, true)
		close(t.over)
	}
}

// turnAwayLocked ends all waits, for the intake has ended.
func (p *pending) turnAwayLocked() {
	for _, t := range p.turns {
		p.accepted++
		p.lost[closed]++
		close(t.over)
	}
	p.turns = nil
}

// insideDelivery reports whether its caller was called by the batcher, which
// would wait for itself. It looks for the functions from which the batcher, and
// tellOverflow, call what is the user's.
func insideDelivery() bool {
	var pcs [64]uintptr
	for skip := 1; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		frames := runtime.CallersFrames(pcs[:n])
		for n > 0 {
			f, more := frames.Next()
			if rest, ok := strings.CutPrefix(f.Function, packagePath+"."); ok &&
				(strings.HasPrefix(rest, "contain") || strings.HasPrefix(rest, "(*batcher).") || strings.HasPrefix(rest, "(*bodies).")) {
				return true
			}
			if !more {
				break
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

var packagePath = reflect.TypeFor[batcher]().PkgPath()
