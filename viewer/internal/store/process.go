package store

import (
	"context"
	"database/sql"
	"math"
	"strconv"
	"strings"

	"github.com/slogship/slogship/viewer/internal/jsontext"
)

// processMessage is the message of what viewer/agent reports.
const processMessage = "slogship: process"

// report is how a process was.
type report struct {
	run                    string // what the agent calls the process
	cpu                    float64
	cpus, memory, heap     int64
	goroutines, gcs, pause int64
}

// readReport reads the attributes of a report; nil: they are not one's.
func readReport(attrs []byte) *report {
	r, found := &report{}, false
	jsontext.Scalars(attrs, func(path, value []byte) bool {
		name := string(path)
		i := strings.LastIndex(name, "process.") // a handler may have put it into a group
		if i < 0 || i > 0 && name[i-1] != '.' {
			return true
		}
		text := jsontext.Text(value)
		if name = name[i+len("process."):]; name == "run" {
			r.run = text[:min(len(text), 100)]
			return true
		}
		f, err := strconv.ParseFloat(text, 64)
		if err != nil || math.IsNaN(f) || f < 0 || f > 1<<53 {
			return true
		}
		n := int64(f)
		switch name {
		case "cpu":
			r.cpu, found = f, true
		case "cpus":
			r.cpus = n
		case "memory":
			r.memory = n
		case "heap":
			r.heap = n
		case "goroutines":
			r.goroutines = n
		case "gcs":
			r.gcs = n
		case "pause_ns":
			r.pause = n
		}
		return true
	})
	if !found {
		return nil
	}
	return r
}

// process keeps a report of a run, by second and by minute.
func (w *writer) process(run *runCount, row *logRow) error {
	if run == nil {
		return nil // an agent names the process: somebody else made this one
	}
	ms := clampMS(row.Time)
	run.sampled = max(run.sampled, ms)
	r := row.report
	second := ms / 1000
	for _, t := range []struct {
		table string
		at    int64
	}{{"process", second}, {"process_1m", second - second%minute}} {
		if _, err := w.exec("INSERT INTO "+t.table+` VALUES (?,?,?,?,?,?,?,?,?,1) ON CONFLICT DO UPDATE SET cpu = cpu + excluded.cpu, n = n + 1,
			cpus = max(cpus, excluded.cpus), memory = max(memory, excluded.memory), heap = max(heap, excluded.heap),
			goroutines = max(goroutines, excluded.goroutines), gcs = gcs + excluded.gcs, pause = max(pause, excluded.pause)`,
			run.id, t.at, r.cpu, r.cpus, r.memory, r.heap, r.goroutines, r.gcs, r.pause); err != nil {
			return err
		}
	}
	return nil
}

// Process is how the process of a run was, over time.
type Process struct {
	Run    Run     `json:"run"`
	CPUs   int64   `json:"cpus"` // that it may use
	From   int64   `json:"from"` // ms
	Step   int64   `json:"step"` // ms
	Points []Point `json:"points"`
}

// Point is one step: the average of CPU, the sum of GCs, and the highest of all
// others.
type Point struct {
	At         int64   `json:"at"`  // which step
	CPU        float64 `json:"cpu"` // cores
	Memory     int64   `json:"memory"`
	Heap       int64   `json:"heap"`
	Goroutines int64   `json:"goroutines"`
	GCs        int64   `json:"gcs"`
	Pause      int64   `json:"pause"` // ns

	sum float64
	n   int64
}

const (
	maxProcesses = 8
	maxPoints    = 240
	minStep      = 10_000          // ms: what is reported every 5 s makes a line
	bySecond     = 6 * hour * 1000 // ms: what is longer is read by minute
)

// Processes returns how the processes were that reported last between two times
// (ms), the newest first; with run only that one.
func (s *Store) Processes(ctx context.Context, run, from, to int64) (list []Process, err error) {
	err = s.reading(ctx, func(tx *sql.Tx) error {
		where, args := "runs INDEXED BY runs_sampled WHERE sampled > 0 AND sampled >= ? AND first < ? ORDER BY sampled DESC", []any{from, to}
		if run != 0 {
			where, args = "runs WHERE id = ?", []any{run}
		}
		runs, err := s.queryRuns(ctx, tx, where+" LIMIT "+strconv.Itoa(maxProcesses), args...)
		if err != nil {
			return err
		}
		for i := range runs {
			p := Process{Run: runs[i]}
			if err := p.read(ctx, tx, from, to, s.opts.now().UnixMilli()); err != nil {
				return err
			}
			list = append(list, p)
		}
		return nil
	})
	return list, err
}

func (p *Process) read(ctx context.Context, tx *sql.Tx, from, to, now int64) error {
	table, unit := "process", int64(1000)
	if to-from > bySecond || from < now-(processDay-hour)*1000 {
		table, unit = "process_1m", minute*1000
	}
	p.Step = max((to-from+maxPoints-1)/maxPoints, minStep, unit)
	p.Step = (p.Step + unit - 1) / unit * unit
	p.From = from - from%p.Step
	p.Points = []Point{}
	rows, err := tx.QueryContext(ctx, "SELECT t, cpu, cpus, memory, heap, goroutines, gcs, pause, n FROM "+table+
		" WHERE run = ? AND t >= ? AND t < ? ORDER BY t", p.Run.ID, p.From/1000, (to+999)/1000)
	return each(rows, err, func() error {
		var t, cpus int64
		var r Point
		if err := rows.Scan(&t, &r.sum, &cpus, &r.Memory, &r.Heap, &r.Goroutines, &r.GCs, &r.Pause, &r.n); err != nil {
			return err
		}
		p.CPUs = max(p.CPUs, cpus)
		r.At = (t*1000 - p.From) / p.Step
		if last := len(p.Points) - 1; last < 0 || p.Points[last].At != r.At {
			p.Points = append(p.Points, Point{At: r.At})
		}
		p.Points[len(p.Points)-1].add(&r)
		return nil
	})
}

func (p *Point) add(r *Point) {
	p.sum, p.n, p.GCs = p.sum+r.sum, p.n+r.n, p.GCs+r.GCs
	p.CPU = p.sum / float64(p.n)
	p.Memory, p.Heap, p.Pause = max(p.Memory, r.Memory), max(p.Heap, r.Heap), max(p.Pause, r.Pause)
	p.Goroutines = max(p.Goroutines, r.Goroutines)
}
