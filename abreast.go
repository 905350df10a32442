package slogship

import (
	"math"
	"net/http"
	"slices"
	"sync"
	"time"
)

// With Options.Requests above 1, and a backlog, the batch in flight is as many full
// batches as that, each a request of its own. They are encoded and sent at once, and
// judged when all have their answer:
//
//	abreast  [ a b c ] [ d e f ] [ g h i ]     200, 503, 200: d, e and f go back
//
// What is wrong is looked into as ever, one request after the other: only while all
// goes well there are several.

// widen takes more full batches, to be sent at once with the first one, up to n
// together. It reports false if there is only one to be sent.
func (j *judge) widen(n int) bool {
	if n < 2 || !j.behind || !j.calm() {
		return false
	}
	pieces := []piece{j.todo}
	for len(pieces) < n {
		pc := j.p.swapFull()
		if pc.records == 0 {
			break
		}
		pieces = append(pieces, pc)
	}
	if len(pieces) < 2 {
		return false
	}
	j.todo, j.abreast = piece{}, pieces
	return true
}

// calm reports whether nothing is known to be wrong.
func (j *judge) calm() bool {
	return j.end == goOn && j.crashes == 0 && j.vain == 0 && j.tosses == 0 && j.window == 0 && j.gap == 0 &&
		!j.alone && !j.probing && !j.poisoned() && j.sizes.good == 0 && len(j.refused) == 0 && j.failed.records == 0
}

// encodedAbreast is encoded for the i-th piece.
func (j *judge) encodedAbreast(i int, b *body) (sent piece) {
	j.noteBody(b)
	j.abreast[i] = b.taken
	j.putBack(b.rest)
	return b.taken
}

// answeredAbreast is answered for the i-th piece.
func (j *judge) answeredAbreast(i int, a ruling) {
	pc := j.abreast[i]
	j.abreast[i] = piece{}
	j.requests++
	j.answeredBatch(pc, a)
}

// answeredAll ends a round. What had no room goes back to pending if all went well,
// where more comes to it.
func (j *judge) answeredAll() {
	j.abreast = nil
	if j.calm() {
		j.p.restore(j.todo)
		j.todo = piece{}
	}
}

// A flight is one of several requests.
type flight struct {
	size  int // of the records in the body
	none  bool
	reply reply
}

// sendAbreast sends the pieces that are to be sent at once. It returns when all have
// their answer, and reports false if Shutdown gave up before.
func (b *batcher) sendAbreast(m *mishaps) bool {
	j := &b.judge
	flights := make([]flight, len(j.abreast))
	var all sync.WaitGroup
	var mu sync.Mutex // guards the judge until all flights have ended
	for _, pc := range j.abreast {
		if pc.firstSeq() < j.sentTo {
			b.p.noteRetry()
		}
	}
	for i, pc := range slices.Clone(j.abreast) {
		all.Go(func() { b.fly(&flights[i], i, pc, &mu) })
	}
	all.Wait()
	if b.ctx.Err() != nil {
		return false
	}
	verdicts := make([]Verdict, len(flights))
	for i := range flights {
		if !flights[i].none {
			verdicts[i] = b.read(flights[i].reply, j.abreast[i], nil)
		}
	}
	// Those that were taken go first: they are what the others are judged by.
	for _, accepted := range []bool{true, false} {
		for i := range flights {
			if f := &flights[i]; !f.none && (verdicts[i].Action == Accept) == accepted {
				b.judge.answeredAbreast(i, b.ruling(m, f.reply, verdicts[i], j.abreast[i], f.size))
			}
		}
	}
	j.answeredAll()
	return true
}

// fly encodes and sends the i-th piece, in a goroutine of its own. The first one has
// the encoders that make bodies ahead.
func (b *batcher) fly(f *flight, i int, pc piece, mu *sync.Mutex) {
	defer func() {
		if v := recover(); v != nil { // a transport's, or AppendHead's
			f.reply = reply{err: b.sender.panicError(v)}
		}
	}()
	encode, post := b.encode, b.post
	if i > 0 {
		encode, post = b.bodies.beside[i-1].encode, func(body *body) reply { return b.sender.send(b.ctx, body) }
	}
	body := encode(pc, math.MaxInt)
	mu.Lock()
	sent := b.judge.encodedAbreast(i, body)
	mu.Unlock()
	if f.none = sent.records == 0; f.none {
		return
	}
	f.size = body.encoded
	f.reply = post(body)
}

// ruling counts a reply, notes what went wrong, and says what the judge is told.
func (b *batcher) ruling(m *mishaps, r reply, v Verdict, pc piece, size int) ruling {
	if v.Action == Accept {
		b.p.noteAccepted()
	}
	wait := retryAfter(r.header, time.Now())
	m.note(r, v, pc, b.sender.complain(r, v), wait)
	return ruling{Verdict: v, size: size, crashed: r.status == http.StatusInternalServerError && wait == 0}
}
