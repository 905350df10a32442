package spool

import (
	"errors"
	"time"
)

// What run has to do when, and how it goes on while the disk fails.

// due is when something that waits since then is due.
func due(since time.Time, delay time.Duration) time.Time {
	if since.IsZero() {
		return time.Time{}
	}
	return since.Add(delay)
}

func isDue(at, now time.Time) bool { return !at.IsZero() && !now.Before(at) }

func (s *Spool) writeDue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	b := &s.buffer
	return len(s.w.rescues) > 0 || b.hurry || s.wantWritten > s.written || b.bytes >= eagerBytes ||
		s.hasBufferedLocked() && isDue(due(b.since, s.opts.Delay), now) || isDue(due(b.source, s.opts.Delay), now)
}

// hasBufferedLocked: records may be empty, so their bytes do not tell.
func (s *Spool) hasBufferedLocked() bool { return s.buffer.open != nil || len(s.buffer.queue) > 0 }

func (s *Spool) syncDue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.wantDurable > s.durable && s.written > s.durable ||
		s.opts.SyncDelay > 0 && isDue(due(s.w.unsyncedAt, s.opts.SyncDelay), now)
}

func (s *Spool) ackDue(now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return isDue(due(s.dirty, s.opts.Delay), now)
}

// nextDue is how long until work has something to do; 0 if only a wake-up can tell.
func (s *Spool) nextDue(now time.Time) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	var first time.Time
	soonest := func(at time.Time) {
		if !at.IsZero() && (first.IsZero() || at.Before(first)) {
			first = at
		}
	}
	if s.hasBufferedLocked() {
		soonest(due(s.buffer.since, s.opts.Delay))
	}
	soonest(due(s.buffer.source, s.opts.Delay))
	soonest(due(s.dirty, s.opts.Delay))
	if s.opts.SyncDelay > 0 {
		soonest(due(s.w.unsyncedAt, s.opts.SyncDelay))
	}
	if first.IsZero() {
		return 0
	}
	return max(first.Sub(now), 1)
}

// fail notes that the disk fails, and when to try it again. Only records that
// cannot be written make those who wait for them give up.
func (s *Spool) fail(write, keep error, now time.Time) {
	err := errors.Join(write, keep)
	s.mu.Lock()
	first := s.failing == nil
	s.failing, s.refusing = err, write != nil
	s.broadcastLocked()
	s.mu.Unlock()
	s.w.backoff = min(max(2*s.w.backoff, minRetry), maxRetry)
	s.w.retry = now.Add(s.w.backoff)
	if first && s.opts.OnState != nil {
		s.opts.OnState(err)
	}
}

// recovered notes that the disk works.
func (s *Spool) recovered() {
	s.mu.Lock()
	was := s.failing != nil
	s.failing, s.refusing = nil, false
	s.mu.Unlock()
	s.w.backoff = 0
	if was && s.opts.OnState != nil {
		s.opts.OnState(nil)
	}
}
