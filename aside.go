package slogship

import (
	"slices"
	"time"
)

// A suspect is a record that is set aside, because the server failed on it (500)
// while it took others. It is alone in its block.
type suspect struct {
	piece
	lost  int       // tosses that it has lost
	next  time.Time // not to be tried before
	tried bool      // it was, since the intake ended
}

const (
	// asideShare: at most MaxPending / asideShare records are set aside.
	asideShare = 4

	// If suspects must go, poison does first, but for this many records, whose tosses
	// show whether there still is poison.
	poisonKept = 32
)

// aside is the records that are set aside, in the order in which they are to be
// tried. It is guarded by pending.mu.
type aside struct {
	accused  []suspect // those that have lost a toss, and not yet poisonAfter of them
	suspects []suspect
	poison   []suspect // those that have lost poisonAfter tosses
	bytes    int
	turn     bool      // the next one to be tried is poison
	due      time.Time // when they are tried if nothing else is pending
}

func (a *aside) len() int { return len(a.accused) + len(a.suspects) + len(a.poison) }

// all is every record that is set aside.
func (a *aside) all() []suspect { return slices.Concat(a.poison, a.accused, a.suspects) }

// pop takes the first one out of a queue of a.
func (a *aside) pop(queue *[]suspect) suspect {
	s := (*queue)[0]
	(*queue)[0] = suspect{}
	*queue = (*queue)[1:]
	a.bytes -= s.bytes
	return s
}

// setAside makes a suspect of the record of pc, which is in flight.
func (p *pending) setAside(pc piece) { p.putAside(suspect{piece: p.compact(pc)}, false) }

// putAside puts a suspect that is in flight after the others. If first is set and it has
// lost a toss, it comes before those that have not, until it counts as poison: to decide
// about one record soon is worth more than to decide about many later. If there are
// too many suspects then, some are dropped.
func (p *pending) putAside(s suspect, first bool) {
	p.lock()
	defer p.unlock()
	if p.ended {
		return
	}
	s.tried = p.closed
	p.inFlight--
	p.inFlightBytes -= s.bytes
	p.records++
	p.bytes += s.bytes
	a := &p.aside
	a.bytes += s.bytes
	switch {
	case s.lost >= poisonAfter:
		a.poison = append(a.poison, s)
	case first && s.lost > 0 && !s.tried:
		a.accused = append(a.accused, s)
	default:
		a.suspects = append(a.suspects, s)
	}
	for a.len() > max(p.maxRecords/asideShare, 1) || a.len() > 1 && a.bytes > p.maxBytes/asideShare {
		p.dropAsideLocked()
	}
	p.shrinkLocked(p.maxRecords, p.maxBytes)
	p.admitLocked()
}

// dropAsideLocked drops the suspect that has waited longest, of poison if there is more
// than poisonKept, else of those that have lost no toss, if there is one.
func (p *pending) dropAsideLocked() {
	a := &p.aside
	queue := &a.poison
	switch {
	case len(a.poison) > poisonKept:
	case len(a.suspects) > 0:
		queue = &a.suspects
	case len(a.accused) > 0:
		queue = &a.accused
	}
	s := p.aside.pop(queue)
	p.records--
	p.bytes -= s.bytes
	p.untoldAside++
	p.settleLocked(s.spans[0], 1, overflow)
	p.alarmLocked()
}

// takeAside takes the suspect that is to be tried next, or reports false. Poison,
// where there is any that may be tried, has every second turn.
func (p *pending) takeAside(now time.Time) (suspect, bool) {
	p.lock()
	defer p.mu.Unlock()
	a := &p.aside
	a.turn = !a.turn
	queues := [...]*[]suspect{&a.poison, &a.accused, &a.suspects, &a.poison}
	for i, queue := range queues {
		if i == 0 && !a.turn {
			continue
		}
		if q := *queue; len(q) > 0 && (p.closed && !q[0].tried || !p.closed && !q[0].next.After(now)) {
			s := a.pop(queue)
			p.records--
			p.bytes -= s.bytes
			p.noteFlyingLocked(&s.spans[0])
			p.inFlight++
			p.inFlightBytes += s.bytes
			return s, true
		}
	}
	return suspect{}, false
}

// suspects is how many records are set aside.
func (p *pending) suspects() int {
	p.lock()
	defer p.mu.Unlock()
	return p.aside.len()
}

// tryAsideAt sets when the suspects are tried if nothing else is pending.
func (p *pending) tryAsideAt(t time.Time) {
	p.lock()
	defer p.mu.Unlock()
	p.aside.due = t
}

// dueAsideLocked is due if nothing but suspects is pending. After the intake has ended
// each of them is tried once.
func (p *pending) dueAsideLocked(now time.Time) (time.Duration, bool) {
	if p.closed {
		return 0, p.untriedLocked()
	}
	p.asleep = idle
	return max(p.aside.due.Sub(now), 0), true
}

// untriedLocked reports whether there is a suspect that was not tried since the intake
// ended. In each queue those that were come last.
func (p *pending) untriedLocked() bool {
	for _, q := range [][]suspect{p.aside.accused, p.aside.suspects, p.aside.poison} {
		if len(q) > 0 && !q[0].tried {
			return true
		}
	}
	return false
}

// exhausted reports whether Shutdown has nothing left to try.
func (p *pending) exhausted() bool {
	p.lock()
	defer p.mu.Unlock()
	return p.queue.n == 0 && !p.untriedLocked() && (p.spooled == 0 || p.stuck && p.staged.records == 0)
}
