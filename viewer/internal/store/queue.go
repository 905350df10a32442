package store

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"slices"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/jsontext"
)

// Batch is what is appended at once.
type Batch struct {
	Logs  []event.Log
	Spans []event.Span
}

// Bounds of a transaction. One job may exceed maxBytes, alone.
const (
	maxRows  = 10_000
	maxBytes = 4 << 20
)

// job is what an Append waits for: at most maxRows rows.
type job struct {
	logs   []logRow
	spans  []event.Span
	do     func(w *writer) error // something else to do in a transaction
	bytes  int64
	result chan error // cap 1
}

// logRow is a record with all that can be worked out before the writer has it.
type logRow struct {
	*event.Log
	tmpl    string
	errType string   // of a record at ERROR or above
	tokens  []uint32 // sorted, each once
	prefix  [16]byte // of an ID of slogship's; with number
	number  uint64
	hash    int64 // of any other ID; 0: none

	report *report // what the record is, rather than a record; nil: it is one
	loss   *loss   // what the record tells of as well
}

// Append keeps the batch, and returns once it is committed. What comes again, by
// its ID, is not kept twice and is no error. ErrBusy says that nothing was kept:
// come again later. After another error part of the batch may be kept.
func (s *Store) Append(ctx context.Context, b *Batch) error {
	var jobs []*job
	for logs := range slices.Chunk(b.Logs, maxRows) {
		jobs = append(jobs, prepare(logs))
	}
	for spans := range slices.Chunk(b.Spans, maxRows) {
		j := &job{spans: spans, result: make(chan error, 1)}
		for i := range spans {
			j.bytes += int64(200 + len(spans[i].Attrs) + len(spans[i].Events))
		}
		jobs = append(jobs, j)
	}
	if err := s.enqueue(jobs); err != nil {
		return err
	}
	for _, j := range jobs {
		select {
		case err := <-j.result:
			if err != nil {
				return err
			}
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

// enqueue takes all the jobs, or none of them.
func (s *Store) enqueue(jobs []*job) error {
	var bytes int64
	for _, j := range jobs {
		bytes += j.bytes
	}
	s.closing.RLock() // many may; Close waits for them
	defer s.closing.RUnlock()
	if s.closed {
		return ErrClosed
	}
	// A batch larger than the whole queue is taken when nothing else waits.
	if now := s.queued.Add(bytes); now > s.opts.QueueBytes && now != bytes || len(s.queue)+len(jobs) > cap(s.queue)/2 {
		s.queued.Add(-bytes)
		s.stats.refused.Add(1)
		return ErrBusy
	}
	s.appended.Store(time.Now().UnixNano())
	for _, j := range jobs {
		s.queue <- j // half of it is free, and the writer takes away
	}
	return nil
}

// prepare runs in the caller's goroutine, so that the one writer has little to do.
func prepare(logs []event.Log) *job {
	j := &job{logs: make([]logRow, len(logs)), result: make(chan error, 1)}
	arena := make([]uint32, 0, 24*len(logs))
	for i := range logs {
		l := &logs[i]
		r := &j.logs[i]
		r.Log = l
		r.prepareID()
		switch l.Message {
		case processMessage:
			if r.report = readReport(l.Attrs); r.report != nil {
				j.bytes += 200
				continue
			}
		case lossMessage:
			r.loss = readLoss(l)
		}
		r.tmpl = event.Template(l.Message)
		if l.Level >= 8 {
			r.errType = errorType(l.Attrs)
		}
		start := len(arena)
		arena = event.AppendTokens(arena, l.Message, l.Attrs)
		tokens := arena[start:]
		slices.Sort(tokens)
		tokens = slices.Compact(tokens)
		arena = arena[:start+len(tokens)]
		r.tokens = arena[start : start+len(tokens) : start+len(tokens)]
		j.bytes += int64(120 + len(l.Message) + len(l.Attrs) + 4*len(tokens))
	}
	return j
}

// prepareID reads slogship's ids (a random prefix of 32 hexadecimal digits, and a
// number of 16), and hashes all others.
func (r *logRow) prepareID() {
	if r.ID == "" {
		return
	}
	var raw [24]byte
	if len(r.ID) == 48 {
		if _, err := hex.Decode(raw[:], []byte(r.ID)); err == nil {
			r.prefix = [16]byte(raw[:16])
			r.number = binary.BigEndian.Uint64(raw[16:])
			if r.prefix != [16]byte{} {
				return
			}
		}
	}
	r.hash = stableHash(r.ID)
}

// runKey tells which run the record is of: what the sender says, or else the prefix
// of its ids. A report of a loss has a prefix of its own.
func (r *logRow) runKey(src int64) runKey {
	switch {
	case r.Run != "":
		return newRunKey(src, r.Run)
	case r.loss != nil:
		return runKey{}
	case r.prefix == [16]byte{} && r.report != nil:
		return newRunKey(src, r.report.run)
	}
	return runKey{src: src, prefix: r.prefix}
}

// stableHash is FNV-1a of 64 bits, never 0.
func stableHash(s string) int64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	if h == 0 {
		h = 1
	}
	return int64(h)
}

// errorType finds what kind of error a record tells of: OpenTelemetry's
// exception.type, or the type of an attribute that is an error.
func errorType(attrs []byte) (name string) {
	jsontext.Scalars(attrs, func(path, value []byte) bool {
		switch string(path) {
		case "exception.type", "error.type", "err.type", "error_type", "error.kind":
			name = jsontext.Text(value)
			return false
		}
		return true
	})
	return name[:min(len(name), 200)]
}
