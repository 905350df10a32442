package store

import (
	"cmp"
	"context"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

// writer is the one goroutine that writes. Whatever it keeps in memory is what is
// in the database: after an error it rolls back, and reads its memory anew.
type writer struct {
	s     *Store
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	seq   int64 // of the next row; the low seqBits of it
	held  *job  // taken from the queue, for the next transaction

	seen    seen
	filters filters
	rolls   rolls
	runs    runs
	logs    inserter
	told    []Record // of this transaction, for the hub
	overdue bool     // retention has more to delete
}

func newWriter(s *Store) (*writer, error) {
	conn, err := s.write.Conn(context.Background())
	if err != nil {
		return nil, err
	}
	w := &writer{s: s, conn: conn, stmts: map[string]*sql.Stmt{}, seq: rand.Int64()}
	return w, w.reload()
}

// close closes the statements as well: SQLite keeps a connection open, and its log
// unmerged, for as long as it has one.
func (w *writer) close() {
	for _, stmt := range w.stmts {
		_ = stmt.Close() // it has nothing more to say
	}
	_ = w.conn.Close() // to the pool, which Close closes
}

func (w *writer) reload() error {
	if err := w.s.names.load(w); err != nil {
		return err
	}
	w.rolls.reset()
	w.logs.reset()
	if err := w.seen.load(w); err != nil {
		return err
	}
	if err := w.runs.load(w); err != nil {
		return err
	}
	return w.filters.load(w)
}

// run commits what is in the queue, as much as a transaction may hold at once,
// and looks after retention in between. It ends when the queue is closed and empty.
func (w *writer) run() {
	defer close(w.s.done)
	defer w.close()
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		j := w.held
		w.held = nil
		if j == nil {
			var ok bool
			select {
			case j, ok = <-w.s.queue:
				if !ok {
					return
				}
			case <-tick.C:
				w.retain(w.s.opts.now())
				continue
			}
		}
		w.keepUp(w.commit(w.gather(j)), w.s.opts.now())
		select {
		case <-tick.C:
			w.retain(w.s.opts.now())
		default:
		}
	}
}

// gather takes what waits already, up to the bounds of a transaction: it waits
// for nobody. While one transaction is on its way to the disk, the next one
// collects in the queue.
func (w *writer) gather(first *job) []*job {
	jobs := []*job{first}
	rows, bytes := len(first.logs)+len(first.spans), first.bytes
	for {
		select {
		case j, ok := <-w.s.queue:
			if !ok {
				return jobs
			}
			rows, bytes = rows+len(j.logs)+len(j.spans), bytes+j.bytes
			if rows > maxRows || bytes > maxBytes {
				w.held = j
				return jobs
			}
			jobs = append(jobs, j)
		default:
			return jobs
		}
	}
}

// commit writes the jobs in one transaction, answers them, and returns how many
// rows they have.
func (w *writer) commit(jobs []*job) (rows int) {
	start := time.Now()
	err := w.transact(jobs)
	if err == nil && len(w.told) > 0 {
		w.s.hub.publish(w.told) // before the answers: who has one finds it told and counted
	}
	w.told = nil // the subscribers have it
	for _, j := range jobs {
		rows += len(j.logs) + len(j.spans)
		w.s.queued.Add(-j.bytes)
	}
	w.s.stats.committed(rows, time.Since(start), err)
	for _, j := range jobs {
		j.result <- err
	}
	return rows
}

func (w *writer) transact(jobs []*job) (err error) {
	if _, err := w.exec("BEGIN IMMEDIATE"); err != nil {
		return fmt.Errorf("store: nothing was kept: %w", plain(err))
	}
	defer func() {
		if err == nil {
			return
		}
		err = fmt.Errorf("store: nothing was kept: %w", plain(err))
		_, _ = w.exec("ROLLBACK") // SQLite may have done so already
		if again := w.reload(); again != nil {
			w.s.opts.OnError(fmt.Errorf("store: %w", again))
		}
	}()
	tell := w.s.hub.listened()
	for _, r := range byTime(jobs) {
		if err := w.log(r, tell); err != nil {
			return err
		}
	}
	for _, j := range jobs {
		for i := range j.spans {
			if err := w.span(&j.spans[i]); err != nil {
				return err
			}
		}
		if j.do != nil {
			if err := j.do(w); err != nil {
				return err
			}
		}
	}
	for _, flush := range []func(*writer) error{w.logs.flush, w.rolls.flush, w.runs.flush, w.filters.flush, w.seen.flush} {
		if err := flush(w); err != nil {
			return err
		}
	}
	_, err = w.exec("COMMIT")
	return err
}

// byTime returns the records of all the jobs, oldest first, those of one time as
// they came: a block of the token filter then covers a short time, although
// several senders' batches are committed together.
func byTime(jobs []*job) (rows []*logRow) {
	for _, j := range jobs {
		for i := range j.logs {
			rows = append(rows, &j.logs[i])
		}
	}
	older := func(a, b *logRow) int { return cmp.Compare(a.Time, b.Time) }
	if !slices.IsSortedFunc(rows, older) {
		slices.SortStableFunc(rows, older)
	}
	return rows
}

// log adds one record to the transaction, unless it is there already.
func (w *writer) log(r *logRow, tell bool) error {
	known, err := w.seen.add(w, r)
	if err != nil || known {
		if known {
			w.s.stats.doubled.Add(1)
		}
		return err
	}
	src, err := w.s.names.add(w, sources, r.Source)
	if err != nil {
		return err
	}
	run, err := w.runs.of(w, r.runKey(src), clampMS(r.Time))
	if err != nil {
		return err
	}
	if r.report != nil {
		return w.process(run, r)
	}
	tmpl, err := w.s.names.add(w, templates, r.tmpl)
	if err != nil {
		return err
	}
	id := w.nextID(r.Time)
	if err := w.logs.add(w, id, src, tmpl, r); err != nil {
		return err
	}
	w.filters.add(id, r.tokens)
	w.rolls.log(id, src, tmpl, r)
	if run != nil {
		run.log(id, tmpl, r)
	}
	if r.loss != nil {
		if err := w.loss(id, src, r.loss); err != nil {
			return err
		}
	}
	if tell {
		w.told = append(w.told, Record{ID: id, Template: r.tmpl, Log: *r.Log})
	}
	return nil
}

// nextID makes a key. Two rows get the same one only if a million rows have the
// same millisecond; the inserts see to that.
func (w *writer) nextID(ns int64) int64 {
	w.seq++
	return FirstID(clampMS(ns)) | w.seq&(1<<seqBits-1)
}

// clampMS returns the millisecond of a time, within what a key can hold.
func clampMS(ns int64) int64 { return min(max(ns, 0)/1e6, 1<<(62-seqBits)) }

func (w *writer) span(s *event.Span) error {
	src, err := w.s.names.add(w, sources, s.Source)
	if err != nil {
		return err
	}
	name, err := w.s.names.add(w, spanNames, s.Name)
	if err != nil {
		return err
	}
	var route int64
	if s.Route != "" {
		if route, err = w.s.names.add(w, routes, s.Route); err != nil {
			return err
		}
	}
	id := w.nextID(s.Start)
	for attempt := 0; ; attempt++ {
		result, err := w.exec(`INSERT INTO spans VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?) ON CONFLICT(trace, span) DO NOTHING`,
			id, max(s.Start, 0)%1e6, s.Duration, src, name, route, s.Kind, s.Failed, s.Entry(), null(s.Status), s.Trace[:], s.ID[:],
			nullBlob(s.Parent[:]), nullText(s.Attrs), nullText(s.Events))
		if err != nil && isConstraint(err) && attempt < 1000 {
			id++
			continue
		}
		if err != nil {
			return err
		}
		if n, err := result.RowsAffected(); err != nil || n == 0 {
			w.s.stats.doubled.Add(1)
			return err
		}
		break
	}
	if route == 0 {
		return nil
	}
	w.rolls.request(id, route, s)
	run, err := w.runs.of(w, newRunKey(src, s.Run), clampMS(s.Start))
	if run != nil {
		run.request(route, s)
	}
	return err
}

// exec runs a statement, prepared once.
func (w *writer) exec(query string, args ...any) (sql.Result, error) {
	stmt, err := w.prepare(query)
	if err != nil {
		return nil, err
	}
	return stmt.ExecContext(context.Background(), args...)
}

// Query makes the writer a queryer.
func (w *writer) Query(query string, args ...any) (*sql.Rows, error) {
	return w.conn.QueryContext(context.Background(), query, args...)
}

func (w *writer) prepare(query string) (*sql.Stmt, error) {
	if stmt := w.stmts[query]; stmt != nil {
		return stmt, nil
	}
	stmt, err := w.conn.PrepareContext(context.Background(), query)
	if err != nil {
		return nil, err
	}
	w.stmts[query] = stmt
	return stmt, nil
}
