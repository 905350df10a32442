package tools

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

const timeLayout = "2006-01-02T15:04:05.000Z"

// clock writes milliseconds since 1970.
func clock(ms int64) string { return time.UnixMilli(ms).UTC().Format(timeLayout) }

type histogramInput struct {
	Query string `json:"query,omitempty" jsonschema:"as for search_logs; empty: all"`
	Bars  int    `json:"bars,omitempty" jsonschema:"steps of time, 1 to 100; 24 if left out"`
}

// counts is what the API says of a histogram.
type counts struct {
	From, Step int64
	Bars       [][]int64
	Names      []string
	Sources    map[string]int64
	Exact      bool
	Seen       int64
}

func (t *toolset) histogram(ctx context.Context, in *histogramInput, out *page) error {
	bars := in.Bars
	if bars == 0 {
		bars = 24
	}
	if bars < 1 || bars > 100 {
		return fmt.Errorf("bars is %d, want 1 to 100", in.Bars)
	}
	var h counts
	if err := t.get(ctx, &h, "/api/histogram", "q", in.Query, "bars", strconv.Itoa(bars)); err != nil {
		return err
	}
	out.line("from, for %v each: records, by level", time.Duration(h.Step)*time.Millisecond)
	total := int64(0)
	for i, bar := range h.Bars {
		n := int64(0)
		var levels strings.Builder
		for class, count := range bar {
			if count > 0 && class < len(h.Names) {
				fmt.Fprintf(&levels, " %s=%d", h.Names[class], count)
			}
			n += count
		}
		total += n
		if n > 0 && !out.line("%s %d%s", clock(h.From+int64(i)*h.Step), n, levels.String()) {
			out.note("cut: ask with fewer bars")
			return nil
		}
	}
	out.line("all: %d; steps without records are left out", total)
	writeSources(out, h.Sources)
	if !h.Exact {
		out.note("counted in a part of the records only; older than %s none was looked at", clock(h.Seen))
	}
	return nil
}

// writeSources writes the sources with most records.
func writeSources(out *page, sources map[string]int64) {
	const most = 50
	names := slices.SortedFunc(maps.Keys(sources), func(a, b string) int {
		return cmp.Or(cmp.Compare(sources[b], sources[a]), cmp.Compare(a, b))
	})
	for i, name := range names {
		if i == most || !out.line("source %s: %d", shown(name, 100), sources[name]) {
			out.note("and %d more sources", len(names)-i)
			return
		}
	}
}

type kindsInput struct {
	Last string `json:"last,omitempty" jsonschema:"of this span of time: 15m, 2h, 7d; left out: of all that is kept"`
}

func (t *toolset) kinds(ctx context.Context, in *kindsInput, out *page) error {
	var answer struct {
		Templates []struct {
			Name string
			N    int64
		}
	}
	if err := t.get(ctx, &answer, "/api/templates", "q", lastTerm(in.Last)); err != nil {
		return err
	}
	for _, k := range answer.Templates {
		if !out.line("%d %s", k.N, shown(k.Name, maxText)) {
			break
		}
	}
	if len(answer.Templates) == 0 {
		out.note("no records")
	}
	return nil
}

func lastTerm(last string) string {
	if last == "" {
		return ""
	}
	return "last:" + strings.ReplaceAll(last, " ", "")
}

type groupsInput struct {
	Resolved bool   `json:"resolved,omitempty" jsonschema:"those that somebody marked as resolved, instead of open ones"`
	Cursor   string `json:"cursor,omitempty" jsonschema:"from the answer before, to go on"`
}

func (t *toolset) groups(ctx context.Context, in *groupsInput, out *page) error {
	resolved := ""
	if in.Resolved {
		resolved = "1"
	}
	var answer struct {
		Groups []struct {
			Source, Type, Template string
			N, First, Last         int64
			Sample                 string
			Reopened               int64
			Hours                  []int64
		}
		Next string
	}
	if err := t.get(ctx, &answer, "/api/errors", "resolved", resolved, "before", in.Cursor); err != nil {
		return err
	}
	for i := range answer.Groups {
		g := &answer.Groups[i]
		day := int64(0)
		for _, n := range g.Hours {
			day += n
		}
		reopened := ""
		if g.Reopened > 0 {
			reopened = " came back after it was resolved;"
		}
		if !out.line("%s %s: %s;%s %d times, %d of them in the last 24 hours; first %s, last %s; latest record id=%s", shown(g.Source, 100),
			cmp.Or(shown(g.Type, 200), "error"), shown(g.Template, maxText), reopened, g.N, day, clock(g.First), clock(g.Last), g.Sample) {
			out.note("cut: go on with cursor %d", answer.Groups[i-1].Last)
			return nil
		}
	}
	if len(answer.Groups) == 0 {
		out.note("no errors")
	}
	if answer.Next != "" {
		out.note("there are more: go on with cursor %s", answer.Next)
	}
	return nil
}

type statusInput struct{}

func (t *toolset) status(ctx context.Context, _ *statusInput, out *page) error {
	var s struct {
		Logs, Oldest, Newest, Bytes int64
		MaxBytes                    int64         `json:"max_bytes"`
		MaxAge                      time.Duration `json:"max_age"`
		Failed, Refused             int64
		LastError                   string `json:"last_error"`
	}
	if err := t.get(ctx, &s, "/api/status"); err != nil {
		return err
	}
	if s.Newest == 0 {
		out.note("no records yet")
		return nil
	}
	out.line("%d log records from %s to %s; the clock says %s", s.Logs, clock(s.Oldest), clock(s.Newest), time.Now().UTC().Format(timeLayout))
	out.line("%d of %d MB on the disk; records are kept for %v", s.Bytes/1e6, s.MaxBytes/1e6, s.MaxAge)
	out.line("since the viewer's start: %d records could not be kept, %d batches found the queue full", s.Failed, s.Refused)
	if s.LastError != "" {
		out.line("the last error: %s", shown(s.LastError, maxText))
	}
	var h counts
	if err := t.get(ctx, &h, "/api/histogram", "bars", "1"); err != nil {
		return err
	}
	writeSources(out, h.Sources)
	return nil
}
