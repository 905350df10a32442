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

// SpoolOptions say where, and how, records are kept on disk until they are delivered.
//
// A record is always first in memory. If it is not delivered within Delay, it is
// written to Dir: from then on it survives the end of the process, however that ends,
// and at most a second later, once it is synced, a loss of power too. While delivery
// works, records are sent from memory and are not read back. In an outage, records that
// memory has no room for are on disk only. They are sent first, in order, with the ids
// that they always had. So are records that an earlier process left, in the Format that
// is set now.
//
// A directory is for one Handler at a time. docs/durability.md says which loss is
// possible at which level.
type SpoolOptions struct {
	// Dir is the directory. It is made if it does not exist. New refuses one that
	// another Handler uses (ErrLocked), one that belongs to another user or that
	// others may write to, and a symbolic link. If empty, records are in memory only.
	Dir string

	// MaxBytes bounds the disk. At the bound the oldest records are dropped, a
	// sixteenth of it at a time, and counted in Stats.Dropped.Overflow. If zero,
	// 1 GiB; at least 2 MiB. MaxRecordBytes is at most an eighth of it.
	MaxBytes int64

	// MaxAge is how old a record may be when it is sent, counted from when it was
	// logged. An older one is then dropped, and counted in Stats.Dropped.Expired. If
	// zero, any age.
	MaxAge time.Duration

	// Delay is the longest time between a record's acceptance and its write, as long
	// as the disk works. A record that is delivered earlier is never written. If zero,
	// 50 ms.
	Delay time.Duration

	// SyncLevel, if not nil, is the level from which on Handle waits until its record,
	// and every earlier one that was not dropped, is written. A log.Fatal, an os.Exit,
	// a panic or a SIGKILL right after it loses none of them. Handle waits at most a
	// second, and does not wait while the disk fails: the record is then counted in
	// Stats.SyncMissed, and OnError is told.
	SyncLevel slog.Leveler

	// Durable makes SyncLevel wait until the records are synced as well, so that a
	// loss of power does not lose them. Calls at the same time share a sync.
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

// ErrLocked is matched by the error of New if another Handler, of this process or of
// another one, uses the directory of SpoolOptions. The text names the directory, the
// process that uses it if that is known, and what to do.
var ErrLocked = spool.ErrLocked

// ErrSpool is matched by the error that OnError gets when records can no longer be
// written to disk, ErrSpoolRecovered by the one that it gets when they can be written
// again. Between the two, new records are in memory only.
var (
	ErrSpool          = errors.New("slogship: the spool fails")
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
