package slogship

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// While a request is under way the next full batch is encoded, once; what is not a
// full batch waits for more.
func TestNextBodyIsMadeAhead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var encoded atomic.Int64
		format := fakeFormat{event: func(dst []byte, e *Event) []byte {
			encoded.Add(1)
			return logflare{}.AppendEvent(dst, e)
		}}
		tr := start(t, always(status(200).after(5*time.Second)), Options{BatchRecords: 10, MaxPending: 100, Format: format})
		tr.say("first")
		time.Sleep(2 * time.Second)
		all := append([]string{"first"}, tr.sayNumbered(25)...)
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := encoded.Load(); n != 1+20 {
			t.Errorf("with 10 of 25 records under way %d are encoded, want 20", n-1)
		}
		time.Sleep(5 * time.Second)
		synctest.Wait()
		if n := encoded.Load(); n != 1+20 {
			t.Errorf("with 20 of 25 records under way %d are encoded, want 20", n-1)
		}
		time.Sleep(time.Minute)
		if n := encoded.Load(); n != 1+25 {
			t.Errorf("25 records were encoded %d times", n-1)
		}
		tr.wantTaken(all...)
	})
}

// What was made ahead is kept for when a failed batch before it has gone, and is not
// sent if its records were dropped meanwhile.
func TestBodyMadeAheadWaitsOrGoes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		encoded := map[string]int{}
		format := fakeFormat{event: func(dst []byte, e *Event) []byte {
			encoded[strings.Clone(e.Message)]++
			return logflare{}.AppendEvent(dst, e)
		}}
		tr := start(t, script(append(times(3, status(503).after(time.Second)), status(200).after(time.Second))...),
			Options{BatchRecords: 3, MaxPending: 100, Format: format})
		tr.say("a", "b", "c", "d", "e", "f")
		time.Sleep(time.Minute)
		tr.wantTaken("a", "b", "c", "d", "e", "f")
		if encoded["a"] != 4 || encoded["d"] != 1 {
			t.Errorf("the records of two batches, of which the first failed three times, were encoded %v", encoded)
		}

		tr.answerWith(always(status(200).after(10 * time.Second)))
		tr.say("g", "h", "i", "j", "k", "l")
		time.Sleep(time.Second)
		tr.Discard() // j, k and l, which are encoded
		tr.say("m", "n", "o")
		time.Sleep(time.Minute)
		tr.wantTaken("a", "b", "c", "d", "e", "f", "g", "h", "i", "m", "n", "o")
		tr.wantBooks(12, Dropped{Discarded: 3}, 0)
		tr.wantOneID()
	})
}

// A Format that panics while a body is made ahead costs nothing but the record.
func TestMakingAheadPanics(t *testing.T) {
	for _, headPanics := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			heads := 0
			format := fakeFormat{
				layout: func(l *Layout) {
					head := l.Head
					l.AppendHead = func(dst []byte, events, _ int) []byte {
						if events == 2 {
							if heads++; heads == 1 && headPanics {
								panic("while it is made ahead")
							}
						}
						return append(dst, head...)
					}
				},
				event: func(dst []byte, e *Event) []byte {
					if e.Message == "bad" {
						panic("bad")
					}
					return logflare{}.AppendEvent(dst, e)
				},
			}
			tr := start(t, always(status(200).after(time.Second)), Options{BatchRecords: 3, MaxPending: 100, Format: format})
			tr.say("first")
			time.Sleep(1500 * time.Millisecond)
			tr.say("a", "b", "c", "d", "bad", "e")
			time.Sleep(time.Minute)
			tr.wantTaken("first", "a", "b", "c", "d", "e")
			tr.wantBooks(6, Dropped{Rejected: 1}, 0)
			tr.wantReports()
		})
	}
}

// Whatever happens to what is pending, a body has the records that it is asked for,
// whether one was made ahead or not.
func TestBodiesAreOfTheirPieces(t *testing.T) {
	w := encoderOf(t, Options{Compression: None}).wording
	used := 0
	for seed := range uint64(20) {
		rnd := rand.New(rand.NewPCG(seed, 5))
		h := shipTo(t, hanging, Options{FlushInterval: time.Hour})
		p := newPending(queueSettings(200, 40_000, 20, 1<<20))
		p.batchBytes = 2000 + rnd.IntN(3000)
		b := newBodies(p, w, 1)
		n := 0
		push := func() {
			r := slog.NewRecord(recordTime, 0, fmt.Sprint(n, strings.Repeat("x", rnd.IntN(100))), 0)
			n++
			c := h.state.Capture(context.Background(), &r)
			p.push(c.Bytes, false)
			c.Free()
		}
		for range 600 {
			switch rnd.IntN(8) {
			case 0:
				b.makeAhead()
				for range rnd.IntN(300) {
					push() // what is made ahead may be dropped
				}
			case 1:
				p.discard()
			case 2:
				pc := p.swap()
				for pc.records > 0 {
					ready := b.ready
					room := []int{math.MaxInt, 3000}[rnd.IntN(2)]
					body := b.of(pc, room)
					if body.encoded > room && body.taken.records > 1 {
						t.Fatalf("seed %d: a body has %d bytes of events, room for %d", seed, body.encoded, room)
					}
					if body == ready {
						used++
					}
					if got, want := messagesIn(t, bodyText(t, body)), messagesOf(pc); !slices.Equal(got, want[:len(got)]) || len(got) != body.taken.records ||
						!slices.Equal(messagesOf(body.rest), want[len(got):]) || !slices.Equal(messagesOf(body.taken), got) {
						t.Fatalf("seed %d: a body of %q has %q", seed, want, got)
					}
					if rnd.IntN(3) == 0 {
						p.restore(pc)
						break
					}
					p.settle(body.taken, 0, rejected)
					pc = body.rest
				}
			default:
				for range rnd.IntN(20) {
					push()
				}
			}
		}
		p.discard()
		if p.held > blockBytes+256 {
			t.Errorf("seed %d: blocks of %d bytes are held in the end", seed, p.held)
		}
	}
	if used < 15 {
		t.Errorf("%d bodies were made ahead and used, which proves little", used)
	}
}

// messagesOf is the messages of captured records.
func messagesOf(pc piece) (messages []string) {
	e := newEncoder(&wording{})
	for _, s := range pc.spans {
		for i := s.from; i < s.to; i++ {
			e.captured = s.b.record(i)
			messages = append(messages, strings.Clone(e.decode().Message))
		}
	}
	return messages
}
