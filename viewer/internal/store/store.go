// Package store keeps log records and spans in SQLite, and finds them again.
//
//	Append -> queue (bounded) -> writer, one goroutine: one transaction -> answer
//	                                          |
//	                                          +-> subscribers (live tail)
//	Scan, Histogram, Traces, ... <- read-only connections, with a budget
//
// Rows are sorted by time: the key of a row is its millisecond, followed by 20
// bits that tell rows of one millisecond apart. Whatever a page shows is found by
// a seek in a key or an index, in a rollup, or in the token filters; nothing
// counts, skips or sorts rows. A reader never makes the writer wait.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// Options say how much is kept, and how safely. The zero value is usable.
type Options struct {
	MaxAge   time.Duration // what is older goes; 0: 7 days
	MaxBytes int64         // the oldest go when more is used on disk; 0: 1 GB
	// QueueBytes bounds what waits for the writer. 0: 64 MiB.
	QueueBytes int64
	// Fast commits without waiting for the disk (synchronous NORMAL): a crash of the
	// machine, not of the process, may lose the newest rows.
	Fast bool
	// OnError is told what goes wrong in the background; nil: nobody is.
	OnError func(error)

	now  func() time.Time // for tests; nil: time.Now
	wait time.Duration    // for tests: for a lock that another process has; 0: 5 s
}

// Errors of Append that a caller tells apart.
var (
	ErrBusy   = errors.New("the queue is full")
	ErrClosed = errors.New("the store is closed")
)

// Store is a directory with a database in it. Its methods may be called
// concurrently.
type Store struct {
	opts  Options
	path  string
	write *sql.DB // one connection, the writer's
	read  *sql.DB // read-only connections

	queue  chan *job // closed by Close, under closing
	queued atomic.Int64
	// appended is when somebody appended last, in nanoseconds since 1970.
	appended atomic.Int64
	closing  sync.RWMutex // guards closed, and the queue's being closed
	closed   bool
	done     chan struct{} // closed when the writer has ended

	lock  *os.File // held while the store is open: one process writes
	names *names
	hub   hub
	stats counters
}

// Open opens the database in dir, which it makes where it is missing.
func Open(dir string, opts Options) (*Store, error) {
	if opts.MaxAge == 0 {
		opts.MaxAge = 7 * 24 * time.Hour
	}
	if opts.MaxBytes == 0 {
		opts.MaxBytes = 1_000_000_000
	}
	if opts.QueueBytes == 0 {
		opts.QueueBytes = 64 << 20
	}
	if opts.OnError == nil {
		opts.OnError = func(error) {}
	}
	if opts.now == nil {
		opts.now = time.Now
	}
	if opts.wait == 0 {
		opts.wait = 5 * time.Second
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("store: %w", err)
	}
	s := &Store{opts: opts, path: filepath.Join(dir, "viewer.db"), queue: make(chan *job, 4096), done: make(chan struct{})}
	lock, err := lockFile(filepath.Join(dir, "viewer.lock"))
	if err != nil {
		return nil, fmt.Errorf("store: %s is in use by another viewer: %w", dir, err)
	}
	s.lock = lock
	if err := s.open(); err != nil {
		return nil, errors.Join(fmt.Errorf("store: %s: %w", s.path, plain(err)), s.closeFiles())
	}
	w, err := newWriter(s)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store: %s: %w", s.path, plain(err)), s.closeFiles())
	}
	go w.run() // ends when Close closes the queue
	return s, nil
}

func (s *Store) open() (err error) {
	synchronous := "FULL"
	if s.opts.Fast {
		synchronous = "NORMAL"
	}
	s.write, err = sql.Open("sqlite", dsn(s.path,
		"synchronous("+synchronous+")", fmt.Sprintf("busy_timeout(%d)", s.opts.wait.Milliseconds()),
		"cache_size(-32000)", "journal_size_limit(67108864)", "wal_autocheckpoint(2000)"))
	if err != nil {
		return err
	}
	s.write.SetMaxOpenConns(1)
	// These are kept in the file, and count in this order; the driver would sort them.
	for _, pragma := range []string{"page_size(8192)", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)"} {
		if _, err := s.write.ExecContext(context.Background(), "PRAGMA "+pragma); err != nil {
			return err
		}
	}
	if err := migrate(s.write, migrations); err != nil {
		return err
	}
	s.read, err = sql.Open("sqlite", dsn(s.path, "query_only(1)", "busy_timeout(1000)", "cache_size(-16000)",
		"mmap_size(268435456)"))
	if err != nil {
		return err
	}
	readers := min(4, max(2, runtime.NumCPU()))
	s.read.SetMaxOpenConns(readers)
	s.read.SetMaxIdleConns(readers)
	s.names = newNames()
	return s.names.load(s.write)
}

func dsn(path string, pragmas ...string) string {
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + url.Values{"_pragma": pragmas}.Encode()
}

// Close commits what was appended, and closes the files.
func (s *Store) Close() error {
	s.closing.Lock()
	if s.closed {
		s.closing.Unlock()
		return nil
	}
	s.closed = true
	close(s.queue)
	s.closing.Unlock()
	<-s.done
	s.hub.close()
	return s.closeFiles()
}

func (s *Store) closeFiles() error {
	var err error
	for _, db := range []*sql.DB{s.read, s.write} {
		if db != nil {
			err = errors.Join(err, db.Close())
		}
	}
	return errors.Join(err, s.lock.Close())
}

// reading runs fn within a read-only transaction: all that it reads is of one
// moment.
func (s *Store) reading(ctx context.Context, fn func(tx *sql.Tx) error) error {
	tx, err := s.read.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return plain(err)
	}
	defer tx.Rollback() //nolint:errcheck // it has read only
	return plain(fn(tx))
}

// each calls fn for every row, and closes the rows.
func each(rows *sql.Rows, err error, fn func() error) error {
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := fn(); err != nil {
			return err
		}
	}
	return rows.Err()
}

const seqBits = 20

// FirstID returns the lowest key of a millisecond.
func FirstID(ms int64) int64 { return ms << seqBits }

// Millisecond returns the millisecond of a key.
func Millisecond(id int64) int64 { return id >> seqBits }
