package slogship

import (
	"context"
	"encoding/binary"
	"sync"
)

// Record returns a context with a ring of its own, for one request or one job. A
// recorder (see [NewRecorder]) keeps the records that are logged with this context in
// that ring, and an error that is logged with it ships that ring only. So an error in
// one request does not ship the records of other requests, and a busy request does not
// overwrite them.
//
//	func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
//		r = r.WithContext(slogship.Record(r.Context()))
//		s.next.ServeHTTP(w, r) // logs with r.Context()
//	}
//
// If Record is called with a context that already has a ring, the new ring is used. A
// ring is freed with its context, and its records are then lost. It takes 4 KiB with
// its first record, and grows up to [RecorderOptions.MaxBytes]. Without a recorder the
// context has no effect.
func Record(ctx context.Context) context.Context {
	return context.WithValue(ctx, recordingKey{}, new(recording))
}

type recordingKey struct{}

// A recording has the rings of a context: one for each recorder that kept a record under
// it. As a rule there is one recorder.
type recording struct {
	mu    sync.Mutex // guards rings
	rings []*recordRing
}

// ringOf is the ring that records under ctx belong in.
func (f *recorderCore) ringOf(ctx context.Context) *recordRing {
	if ctx == nil {
		return &f.ring
	}
	own, ok := ctx.Value(recordingKey{}).(*recording)
	if !ok {
		return &f.ring
	}
	own.mu.Lock()
	defer own.mu.Unlock()
	for _, ring := range own.rings {
		if ring.f == f {
			return ring
		}
	}
	ring := &recordRing{f: f}
	own.rings = append(own.rings, ring)
	return ring
}

// A recordRing keeps the last captured records, each after its length in 4 bytes:
//
//	buf  [ ...cord 3 | free | length | record 1 | length | record 2 | length | rec... ]
//	                        ^ head                                             used bytes, around the end
//
// Whenever mu is free, records is at most f.maxRecords, used at most f.maxBytes, and
// none of the records in it has been shipped.
type recordRing struct {
	f *recorderCore

	mu           sync.Mutex // guards what follows; held across takeIn, which waits only with OnFull: Block; never held across the user's code
	buf          []byte
	head, used   int
	records      int
	straightened []byte // scratch, for a record around the end of buf
}

const (
	lengthBytes   = 4
	leastRingSize = 4 << 10
)

// keep adds a record, in place of the oldest ones if need be. It reports false if it
// is too long for the ring.
func (r *recordRing) keep(rec []byte) bool {
	need := lengthBytes + len(rec)
	if need > r.f.maxBytes {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.records >= r.f.maxRecords || r.used+need > r.f.maxBytes {
		r.skip(lengthBytes + r.length())
	}
	if r.used+need > len(r.buf) {
		r.grow(r.used + need)
	}
	var length [lengthBytes]byte
	binary.LittleEndian.PutUint32(length[:], uint32(len(rec)))
	r.write(length[:])
	r.write(rec)
	r.records++
	return true
}

// ship pushes the records that are kept, and then rec. A trigger in another goroutine
// waits meanwhile, so that what that goroutine logged before comes before its own record.
func (r *recordRing) ship(ctx context.Context, rec []byte, c *core, urgent bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.records > 0 {
		kept := r.oldest()
		if !c.pending.isStopped() { // else it would only be counted as closed
			c.takeIn(ctx, kept, false)
		}
		r.skip(lengthBytes + len(kept))
	}
	c.takeIn(ctx, rec, urgent)
}

// length is the length of the oldest record.
func (r *recordRing) length() int {
	var length [lengthBytes]byte
	for i := range length {
		length[i] = r.buf[r.at(i)]
	}
	return int(binary.LittleEndian.Uint32(length[:]))
}

// oldest is the oldest record. It is valid until the next one is kept.
func (r *recordRing) oldest() []byte {
	from, n := r.at(lengthBytes), r.length()
	if from+n <= len(r.buf) {
		return r.buf[from : from+n]
	}
	r.straightened = append(append(r.straightened[:0], r.buf[from:]...), r.buf[:from+n-len(r.buf)]...)
	return r.straightened
}

// skip removes the oldest record, which takes n bytes with its length.
func (r *recordRing) skip(n int) {
	r.head = r.at(n)
	r.used -= n
	r.records--
}

// at is the index n bytes after head.
func (r *recordRing) at(n int) int {
	if i := r.head + n; i < len(r.buf) {
		return i
	}
	return r.head + n - len(r.buf)
}

// write appends b, for which there is room.
func (r *recordRing) write(b []byte) {
	n := copy(r.buf[r.at(r.used):], b)
	copy(r.buf, b[n:])
	r.used += len(b)
}

// grow makes room for size bytes, at most f.maxBytes.
func (r *recordRing) grow(size int) {
	buf := make([]byte, min(max(2*len(r.buf), size, leastRingSize), r.f.maxBytes))
	if r.used > 0 {
		n := copy(buf, r.buf[r.head:min(r.head+r.used, len(r.buf))])
		copy(buf[n:], r.buf[:r.used-n])
	}
	r.buf, r.head = buf, 0
}
