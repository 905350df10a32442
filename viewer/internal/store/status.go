package store

import (
	"context"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// counters are what happened since Open.
type counters struct {
	rows, commits, failed, doubled, refused, expired atomic.Int64

	mu        sync.Mutex // guards what follows
	latencies [512]time.Duration
	next      int
	lastError string
}

func (c *counters) committed(rows int, took time.Duration, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil {
		c.failed.Add(int64(rows))
		c.lastError = err.Error()
		return
	}
	c.rows.Add(int64(rows))
	c.commits.Add(1)
	c.latencies[c.next%len(c.latencies)] = took
	c.next++
}

// Status is how the store is.
type Status struct {
	Rows       int64         `json:"rows"`    // taken since the start, spans among them
	Commits    int64         `json:"commits"` // transactions
	Failed     int64         `json:"failed"`  // rows that could not be kept; their senders were told
	Doubled    int64         `json:"doubled"` // rows that came again
	Refused    int64         `json:"refused"` // batches that found the queue full
	Expired    int64         `json:"expired"` // rows that retention deleted
	Queued     int64         `json:"queued"`  // bytes that wait for the writer
	QueueBytes int64         `json:"queue_bytes"`
	CommitP50  time.Duration `json:"commit_p50"`
	CommitP99  time.Duration `json:"commit_p99"`
	LastError  string        `json:"last_error,omitempty"`
	Bytes      int64         `json:"bytes"` // of the files
	MaxBytes   int64         `json:"max_bytes"`
	MaxAge     time.Duration `json:"max_age"`
	Oldest     int64         `json:"oldest"` // ms of the oldest record, 0: none
	Newest     int64         `json:"newest"`
	Logs       int64         `json:"logs"` // from the rollups
	Sources    int           `json:"sources"`
	Templates  int           `json:"templates"`
}

// Status returns how the store is.
func (s *Store) Status(ctx context.Context) (Status, error) {
	c := &s.stats
	st := Status{
		Rows: c.rows.Load(), Commits: c.commits.Load(), Failed: c.failed.Load(), Doubled: c.doubled.Load(),
		Refused: c.refused.Load(), Expired: c.expired.Load(), Queued: s.queued.Load(), QueueBytes: s.opts.QueueBytes,
		MaxBytes: s.opts.MaxBytes, MaxAge: s.opts.MaxAge,
		Sources: len(s.names.all(sources)), Templates: len(s.names.all(templates)),
	}
	c.mu.Lock()
	st.LastError = c.lastError
	took := slices.Clone(c.latencies[:min(c.next, len(c.latencies))])
	c.mu.Unlock()
	if len(took) > 0 {
		slices.Sort(took)
		st.CommitP50, st.CommitP99 = took[len(took)/2], took[len(took)*99/100]
	}
	for _, suffix := range []string{"", "-wal"} {
		if info, err := os.Stat(s.path + suffix); err == nil {
			st.Bytes += info.Size()
		}
	}
	var oldest, newest, logs *int64
	err := s.read.QueryRowContext(ctx, "SELECT (SELECT min(id) FROM logs), (SELECT max(id) FROM logs), (SELECT sum(n) FROM roll_1h)").
		Scan(&oldest, &newest, &logs)
	if oldest != nil && newest != nil {
		st.Oldest, st.Newest = Millisecond(*oldest), Millisecond(*newest)
	}
	if logs != nil {
		st.Logs = *logs
	}
	return st, err
}
