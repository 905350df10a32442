package slogship

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/slogship/slogship/internal/record"
	"github.com/slogship/slogship/internal/spool"
)

// SpoolOptions say where and how records are kept on disk until they are delivered. If
// Dir is empty, records are in memory only, and it is an error to set another field. A
// number below zero is an error.
//
// A record is first in memory. If it is not delivered within Delay, it is written to a
// file in Dir. It then survives the end of the process, also by SIGKILL. At most a
// second later the file is synced: the record then survives a loss of power too. A
// record that is not written yet is lost if the process ends without
// [Handler.Shutdown]; SyncLevel makes Handle wait for the write.
//
// While delivery works, records are sent from memory and not read back. In an outage,
// records that memory has no room for are kept on disk only. When delivery works again,
// the records on disk are sent first, in order and with their ids. So are the records
// that an earlier process left; they are written in the Format that is set now.
//
// Only one Handler at a time can use a directory. docs/durability.md has a table of
// what each failure loses.
type SpoolOptions struct {
	// Dir is the directory. It is created if it does not exist. It is an error if
	// another Handler uses it (ErrLocked), if it belongs to another user, if others may
	// write to it, or if it is a symbolic link.
	Dir string

	// MaxBytes is the most space that the records take on disk, in bytes. At the bound
	// the oldest file of records is dropped, a sixteenth of MaxBytes but between 1 and
	// 64 MiB, and counted in Dropped.Overflow. If zero, 1 GiB. It is an error if it is
	// below 2 MiB. Options.MaxRecordBytes is lowered to an eighth of it.
	MaxBytes int64

	// MaxAge is the greatest age at which a record is sent, counted from the log call.
	// An older record is dropped instead, and counted in Dropped.Expired. If zero,
	// there is no limit.
	MaxAge time.Duration

	// Delay is the longest time from the log call until the record is written, while
	// the disk works. A record that is delivered earlier is never written. If zero, 50
	// ms.
	Delay time.Duration

	// SyncLevel, if not nil, is the level from which on a log call waits until its
	// record and all earlier ones are written. A log.Fatal, an os.Exit, a panic or a
	// SIGKILL right after it then loses none of them. The call waits for at most a
	// second, and not at all while the disk fails. If its record is not written then,
	// it is counted in Stats.SyncMissed, and OnError is called.
	SyncLevel slog.Leveler

	// Durable makes calls at SyncLevel wait until their records are synced as well, so
	// that they survive a loss of power. Calls at the same time share a sync. It is an
	// error if SyncLevel is nil.
	Durable bool
}

const (
	defaultSpoolBytes = 1 << 30
	defaultSpoolDelay = 50 * time.Millisecond
	leastSpoolBytes   = 2 << 20

	// spoolShare: a record as the Format writes it has at most this share of MaxBytes.
	// Captured it is at most twice as long, and four of those must fit.
	spoolShare = 8

	// syncLimit is the longest time that Handle waits for the disk, syncNewsEvery the
	// least time between two errors that say that it waited in vain.
	syncLimit     = time.Second
	syncNewsEvery = time.Minute

	// leaveLimit is how long Shutdown waits for the disk, after its context ended.
	leaveLimit = time.Second
)

// ErrLocked is matched by the error of [New] if another Handler, in this process or in
// another, uses the directory of [SpoolOptions]. The text of the error names the
// directory and, if known, the process that uses it, and says what to do.
var ErrLocked = spool.ErrLocked

// Errors of the directory of [SpoolOptions].
var (
	// ErrSpool is matched by the error that Options.OnError gets when records can no
	// longer be written to disk. Until ErrSpoolRecovered, new records are in memory
	// only. An error about a record at SyncLevel that was not on disk in time matches
	// it, too.
	ErrSpool = errors.New("slogship: the spool fails")

	// ErrSpoolRecovered is matched by the error that Options.OnError gets when records
	// can be written to disk again.
	ErrSpoolRecovered = errors.New("slogship: the spool works again")
)

func (o SpoolOptions) check() error {
	switch {
	case o.MaxBytes > 0 && o.MaxBytes < leastSpoolBytes:
		return optionError("Spool.MaxBytes", o.MaxBytes, fmt.Sprintf("want 0 or at least %d", leastSpoolBytes))
	case o.Dir == "" && (o.MaxBytes != 0 || o.MaxAge != 0 || o.Delay != 0 || o.SyncLevel != nil || o.Durable):
		return optionError("Spool.Dir", `""`, "want a directory where other fields of Spool are set")
	case o.Durable && o.SyncLevel == nil:
		return optionError("Spool.SyncLevel", "nil", "want a level with Spool.Durable")
	}
	return nil
}

// openSpool has p keep its records on disk, and returns the prefix of their ids.
func (p *pending) openSpool(o SpoolOptions) (prefix [prefixDigits / 2]byte, err error) {
	disk, err := spool.Open(spool.Options{
		Dir:      o.Dir,
		MaxBytes: o.MaxBytes,
		Version:  record.Version,
		Delay:    o.Delay,
		Source:   p.give,
		OnState:  func(err error) { p.news.state(o.Dir, err) },
	})
	if err != nil {
		return prefix, fmt.Errorf("slogship: Options.Spool: %w", err)
	}
	p.spoolTo(disk)
	return disk.Prefix(), nil
}

// waitForDisk waits until the newest record is on disk, with all before it: at most
// syncLimit.
func (p *pending) waitForDisk(durable bool) {
	p.lock()
	newest := p.next - 1
	p.mu.Unlock()
	ctx, cancel := context.WithTimeout(context.Background(), syncLimit)
	defer cancel()
	wait := p.disk.WaitWritten
	if durable {
		wait = p.disk.WaitDurable
	}
	if err := wait(ctx, newest); err != nil && !errors.Is(err, spool.ErrClosed) {
		p.news.missedOne(err)
	}
}

// leaveToDisk is the end of Shutdown where there is a disk: what was not sent is made
// durable. run is ended first, so that what is in flight is back.
func (c *core) leaveToDisk(ctx context.Context) *LossError {
	p := c.pending
	c.batcher.cancel()
	c.waitForEnd(ctx)
	limit, cancel := context.WithTimeout(context.Background(), leaveLimit)
	defer cancel()
	p.mu.Lock()
	newest := p.next - 1
	p.mu.Unlock()
	_ = p.disk.WaitWritten(limit, newest) // the books say what is not
	e := p.abandon()

	closed := make(chan error, 1) // by who has it all on disk, or hangs there
	go func() { closed <- p.disk.Close() }()
	var err error
	select {
	case err = <-closed:
	case <-limit.Done():
		err = limit.Err()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	st := p.syncDiskLocked()
	p.spooled -= st.Unwritten
	p.lost[shutdown] += st.Unwritten
	e.Written = min(e.Unsent, p.spooled)
	if err == nil {
		e.Durable = e.Written
	}
	p.abandoned.Written, p.abandoned.Durable = e.Written, e.Durable
	return e
}

// diskNews has OnError told how the disk is: each error in a goroutine of its own,
// for whoever finds out must not wait for the user, and in order.
type diskNews struct {
	missed atomic.Int64

	mu      sync.Mutex  // guards what follows; not held while tell is called
	tell    func(error) // of the batcher; nil until there is one
	queue   []error
	telling bool
	failing time.Time // since when; zero: it works
	told    time.Time // when the last error about missed was told
}

// state is told why the disk fails, or nil when it works again.
func (n *diskNews) state(dir string, err error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if err != nil {
		n.failing = time.Now()
		n.addLocked(fmt.Errorf("%w: %w; new records are in memory only until it works again", ErrSpool, err))
		return
	}
	n.addLocked(fmt.Errorf("%w: %s, after %s", ErrSpoolRecovered, dir, spell(time.Since(n.failing))))
	n.failing = time.Time{}
}

// missedOne counts a record at SyncLevel that was not on disk in time.
func (n *diskNews) missedOne(err error) {
	n.missed.Add(1)
	n.mu.Lock()
	defer n.mu.Unlock()
	if !n.failing.IsZero() || !n.told.IsZero() && time.Since(n.told) < syncNewsEvery {
		return // it is known
	}
	n.told = time.Now()
	n.addLocked(fmt.Errorf("%w: a record at SyncLevel was not on disk when Handle returned: %w", ErrSpool, err))
}

// tellBy has news told by tell, those until now too.
func (n *diskNews) tellBy(tell func(error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.tell = tell
	n.startLocked()
}

func (n *diskNews) addLocked(err error) {
	n.queue = append(n.queue, err)
	n.startLocked()
}

func (n *diskNews) startLocked() {
	if !n.telling && n.tell != nil && len(n.queue) > 0 {
		n.telling = true
		go n.run()
	}
}

// run tells what is in the queue. startLocked starts it; it ends with the queue.
func (n *diskNews) run() {
	for {
		n.mu.Lock()
		if len(n.queue) == 0 {
			n.telling = false
			n.mu.Unlock()
			return
		}
		err := n.queue[0]
		n.queue = n.queue[1:]
		n.mu.Unlock()
		n.tell(err)
	}
}
