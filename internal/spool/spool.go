// Package spool keeps records on disk until they are settled, so that neither a
// crash nor a day's outage loses them.
//
//	Append -> frames in memory -> write(2) -> fdatasync        (one goroutine, run)
//	accepted                      written     durable
//	                                 |
//	                               Read -> the caller -> Settle -> whole segments are removed
//
// A record that is written survives the end of the process, however it ends. One that
// is durable survives a loss of power. A record is settled when the caller no longer
// needs it: it was delivered, or it was dropped and counted. One that is settled before
// it is due on disk is never written. Read returns records that are not written yet
// from memory, so that order does not depend on a disk that works.
//
// A directory has one owner, and holds
//
//	LOCK                  locked while the owner lives
//	META                  the version of the format
//	ACK                   what is settled, and what was lost, in two slots
//	seg-0000000000000001  segments: numbered, never written to by a later owner
//	quarantine/           copies of what could not be read
//
//	segment  [ header | frame | frame | ... | zeros ]
//	frame    [ header | record 0 | record 1 | ... | length 0 | length 1 | ... | zeros up to 8 bytes ]
//
// Integers are little-endian, lengths uvarints, checksums CRC-32C. A frame has
// up to 64 KiB of records, or one longer record; see [frameHeader], [segmentHeader]
// and [ack] for the layouts. To this package a record is bytes without a meaning, with a
// sequence number and the random prefix of the Open that accepted it.
//
// MaxBytes bounds the disk: if the next segment has no room, the oldest one is removed,
// and its unsettled records are counted in Lost.Dropped. Bytes whose checksum is wrong
// are never returned: reading goes on after them. Ordinals, which number all records
// ever written to the directory, tell how many are missing.
package spool

import (
	"crypto/rand"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Errors that callers tell apart.
var (
	ErrLocked   = errors.New("spool: the directory is in use")
	ErrUnsafe   = errors.New("spool: not a safe directory")
	ErrVersion  = errors.New("spool: written by a newer version")
	ErrClosed   = errors.New("spool: closed")
	ErrFull     = errors.New("spool: no room in the buffer") // memory, not the disk: try again after WaitRoom
	ErrOrder    = errors.New("spool: sequence numbers must rise")
	ErrTooLarge = errors.New("spool: the record is larger than a spool of this size takes")
)

// Options of a spool. Only Dir is needed.
type Options struct {
	// Dir is the directory. It is made if it does not exist. One that belongs to
	// another user, that others may write to, or that is a symbolic link
	// is refused.
	Dir string

	// MaxBytes is the largest size of all segments, in bytes; the quarantine is not
	// counted. At the bound the oldest segment is dropped. A segment has a sixteenth of
	// MaxBytes, but between 1 and 64 MiB. If zero, 1 GiB; at least 2 MiB.
	MaxBytes int64

	// Version is that of the caller's encoding of records. It is kept with them.
	Version byte

	// Delay is how long a record may wait in memory before it is written. What
	// is settled within it never touches the disk. If zero, it is written at once.
	// It is shorter when much is appended.
	Delay time.Duration

	// SyncBytes and SyncDelay say when what was written is made durable if nobody
	// waits for it: after so many bytes, at the latest so long after. If zero,
	// 1 MiB and a second; negative: not for that reason.
	SyncBytes int64
	SyncDelay time.Duration

	// Source gives take all records that were not yet appended, in order, as far
	// as take returns true. The spool calls it on its own goroutine, without
	// locks, when a record is due: Delay after Notify, or when somebody waits
	// for it. nil: the caller calls Append.
	Source func(take func(Span) bool)

	// OnState is called with the error when the disk begins to fail, and with nil when
	// it works again, on the spool's goroutine and without locks. It must not wait for
	// the spool. While the disk fails, records stay in memory as far as there is room,
	// and the spool tries the disk again by itself.
	OnState func(err error)

	// For tests.
	fs           filesystem
	segmentBytes int64
	bufferBytes  int
	manual       bool // there is no goroutine: the test takes its steps
}

const (
	defaultMaxBytes  = 1 << 30
	minMaxBytes      = 2 << 20
	defaultSyncBytes = 1 << 20
	defaultSyncDelay = time.Second

	// bufferBytes is how many bytes of records wait in memory to be written.
	bufferBytes = 1 << 20

	// eagerBytes of records are written without waiting for Delay.
	eagerBytes = 256 << 10

	// retainBytes is how much memory frames take at most after they were
	// written, until they are durable. After a failed sync what is older is
	// read back, and checked.
	retainBytes = 3 << 19

	// writeBackBytes are given to the disk before their sync is due, half of what
	// SyncBytes is by default.
	writeBackBytes = 512 << 10

	// maxUnsynced is how many full segments wait for their sync at most, each
	// with a file that is open.
	maxUnsynced = 8

	freeFrames = 32 // empty ones that are kept for the next use
	idleFrames = 4  // of these, those kept after a sync that SyncDelay or somebody who waits asked for

	minRetry = 100 * time.Millisecond // of a disk that fails
	maxRetry = 5 * time.Second
)

// Lost counts records that were in the spool and cannot be returned any more.
type Lost struct {
	Dropped int64 // removed with their segment at MaxBytes
	Corrupt int64 // durable, or in a complete file, but their checksum is wrong
	Torn    int64 // written, but not yet durable at a loss of power
}

// Total returns the sum of the counts.
func (l Lost) Total() int64 { return l.Dropped + l.Corrupt + l.Torn }

// Stats is a snapshot.
type Stats struct {
	Appended, Written, Durable int64 // records, since Open
	Skipped                    int64 // settled before they were due on disk
	Recovered                  int64 // left by earlier processes, unsettled, at Open; those lost among them too

	// Spooled is how many records only the disk has: recovered or released,
	// and neither read nor lost yet.
	//
	//	Recovered + released == Spooled + read + (Lost - LostBefore) + Unwritten + discarded
	Spooled int64

	SpooledBytes int64 // of the segments on disk
	Segments     int
	Lost         Lost  // since the directory was made
	LostBefore   Lost  // of these, by earlier processes
	Unwritten    int64 // after Close: released, and never written
	Quarantined  int64 // bytes that are in quarantine
	Err          error // why the disk fails, nil while it works
}

// Spool is one open directory. All methods may be called concurrently.
//
// The order of locks is reading.mu, then mu. run takes mu only.
type Spool struct {
	opts   Options
	dir    filesystem
	prefix Prefix

	wake chan struct{} // cap 1, never closed: run looks again
	done chan struct{} // closed by run when it ends

	mu     sync.Mutex // guards what follows; never held across I/O or a wait
	ended  bool       // Close was called
	buffer buffer

	written, durable         uint64 // sequence numbers up to which all is that, or settled
	wantWritten, wantDurable uint64 // that somebody waits for
	waiters                  int
	advance                  chan struct{} // closed, and made anew, when a waiter should look again

	segments []*segment // oldest first; the last one may be active
	bytes    int64      // of segments and of doomed
	settled  settled
	dirty    time.Time // since when ACK is not what settled and lost say; zero: it is

	only     seqSet // what only the disk has, and somebody needs: recovered or released, and neither read nor lost
	rewind   uint64 // Read has to go back to where this one is; maxSeq: it has not
	gone     uint64 // the newest record of a segment that was dropped
	spooled  int64
	stats    Stats // what is only counted
	lost     Lost
	failing  error
	refusing bool // it does not take records

	reading cursor
	w       writer
}

// Open opens the directory, and finds out what an earlier process left. Records
// are appended from Next on.
func Open(opts Options) (*Spool, error) {
	if err := opts.check(); err != nil {
		return nil, err
	}
	dir := opts.fs
	if dir == nil {
		d, err := openDir(opts.Dir, true)
		if err != nil {
			return nil, err
		}
		dir = d
	}
	s := &Spool{
		opts:    opts,
		dir:     dir,
		wake:    make(chan struct{}, 1),
		done:    make(chan struct{}),
		advance: make(chan struct{}),
	}
	_, _ = rand.Read(s.prefix[:]) // it never fails
	err := dir.lock()
	if err == nil {
		err = s.recover()
	}
	if err != nil {
		return nil, errors.Join(err, dir.close())
	}
	if !opts.manual {
		go s.run()
	}
	return s, nil
}

// check checks the options, and fills in what is left out.
func (o *Options) check() error {
	switch {
	case o.MaxBytes == 0:
		o.MaxBytes = defaultMaxBytes
	case o.MaxBytes < 0 || o.MaxBytes < minMaxBytes && o.segmentBytes == 0:
		return fmt.Errorf("spool: MaxBytes is %d, want 0 or at least %d", o.MaxBytes, minMaxBytes)
	}
	if o.Delay < 0 {
		return fmt.Errorf("spool: Delay is %v, want >= 0", o.Delay)
	}
	if o.SyncBytes == 0 {
		o.SyncBytes = defaultSyncBytes
	}
	if o.SyncDelay == 0 {
		o.SyncDelay = defaultSyncDelay
	}
	if o.segmentBytes == 0 {
		o.segmentBytes = min(max(o.MaxBytes/16, 1<<20), 64<<20)
	}
	if o.bufferBytes == 0 {
		o.bufferBytes = bufferBytes
	}
	return nil
}

// maxRecord is the longest record: two segments of one must fit.
func (o *Options) maxRecord() int64 { return min(o.MaxBytes/4, maxPayload/2) }

// Prefix returns the prefix of the records appended now. It is random.
func (s *Spool) Prefix() Prefix { return s.prefix }

// Next is the lowest sequence number that Append takes: after Open, one above
// all that the directory knows of.
func (s *Spool) Next() uint64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.buffer.next
}

// Stats returns one consistent snapshot.
func (s *Spool) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	st := s.stats
	st.Spooled, st.SpooledBytes, st.Segments = s.spooled, s.bytes, len(s.segments)
	st.Lost, st.Err = s.lost, s.failing
	return st
}

// Close writes the records that wait, makes everything durable, and releases the lock
// on the directory. It makes one attempt: records that could not be written are counted
// in Stats.Unwritten. Later calls return the same.
func (s *Spool) Close() error {
	s.mu.Lock()
	s.ended = true
	s.broadcastLocked()
	s.mu.Unlock()
	s.wakeUp()
	<-s.done
	return s.w.closeErr
}

// wakeUp has run look again.
func (s *Spool) wakeUp() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// broadcastLocked has all waiters look again.
func (s *Spool) broadcastLocked() {
	if s.waiters > 0 {
		close(s.advance)
		s.advance = make(chan struct{})
		s.waiters = 0
	}
}
