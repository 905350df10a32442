// Package report keeps the samples of a run and writes them as tables and
// plots.
package report

import (
	"bytes"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/peers"
)

// Results are all samples, the newest of each table.
type Results struct {
	Machine  Machine           `json:"machine"`
	Versions map[string]string `json:"versions"`
	Runs     map[int]Run       `json:"runs"` // by table

	Enqueue    []measure.Enqueue    `json:"enqueue"`
	Beside     []measure.Beside     `json:"beside"`
	Formats    []measure.PerFormat  `json:"formats"`
	Throughput []measure.Throughput `json:"throughput"`
	Writers    []measure.Throughput `json:"writers"`
	Pressure   []measure.Pressure   `json:"pressure"`
	Outage     []measure.Outage     `json:"outage"`
	Tails      []measure.Tail       `json:"tails"`
	Distance   []measure.Distance   `json:"distance"`
	Defaults   []measure.Defaults   `json:"defaults"`
	Thousand   []measure.Thousand   `json:"thousand"`

	now Run
}

// Run is when and how a table was measured.
type Run struct {
	Date    string `json:"date"`
	Command string `json:"command"`
	Quick   bool   `json:"quick"`
}

// Machine is where.
type Machine struct {
	CPU    string `json:"cpu"`
	Cores  int    `json:"cores"`
	Memory string `json:"memory"`
	Kernel string `json:"kernel"`
	Go     string `json:"go"`
}

const resultsFile = "results.json"

// Load reads the results of earlier runs, if there are any.
func Load(dir string) (*Results, error) {
	r := &Results{Runs: map[int]Run{}, Versions: map[string]string{}}
	b, err := os.ReadFile(filepath.Join(dir, resultsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return r, nil
	}
	if err != nil {
		return nil, err
	}
	return r, json.Unmarshal(b, r)
}

// Save writes results.json.
func (r *Results) Save(dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, resultsFile), append(b, '\n'), 0o644)
}

// Describe notes machine, versions, date and command of the run that begins.
func (r *Results) Describe(command string, quick bool) {
	r.now = Run{Date: time.Now().UTC().Format("2006-01-02 15:04 MST"), Command: command, Quick: quick}
	r.Machine = machine()
	if bi, ok := debug.ReadBuildInfo(); ok {
		for _, d := range bi.Deps {
			r.Versions[d.Path] = d.Version
		}
	}
	r.Versions["github.com/slogship/slogship"] = "this tree"
}

// Measured notes that a table was measured in this run.
func (r *Results) Measured(table int) { r.Runs[table] = r.now }

// Without returns the samples without those of ps, which are about to be
// measured anew.
func Without[T any](samples []T, ps []peers.Peer, peer func(T) string) []T {
	return slices.DeleteFunc(samples, func(s T) bool {
		return slices.ContainsFunc(ps, func(p peers.Peer) bool { return p.Name == peer(s) })
	})
}

func machine() Machine {
	m := Machine{Cores: runtime.NumCPU(), Go: runtime.Version() + " " + runtime.GOOS + "/" + runtime.GOARCH}
	if b, err := os.ReadFile("/proc/cpuinfo"); err == nil {
		m.CPU = field(b, "model name")
	}
	if b, err := os.ReadFile("/proc/meminfo"); err == nil {
		kb, _ := strconv.Atoi(strings.TrimSuffix(field(b, "MemTotal"), " kB"))
		m.Memory = strconv.Itoa((kb+1<<19)>>20) + " GiB"
	}
	var u syscall.Utsname
	if err := syscall.Uname(&u); err == nil {
		m.Kernel = text(u.Sysname[:]) + " " + text(u.Release[:])
	}
	return m
}

func field(b []byte, key string) string {
	_, rest, _ := bytes.Cut(b, []byte(key))
	l, _, _ := bytes.Cut(rest, []byte("\n"))
	_, v, _ := bytes.Cut(l, []byte(":"))
	return string(bytes.TrimSpace(v))
}

func text[C int8 | uint8](cs []C) string {
	var b strings.Builder
	for _, c := range cs {
		if c == 0 {
			break
		}
		b.WriteByte(byte(c))
	}
	return b.String()
}
