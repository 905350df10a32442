package tools

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/slogship/slogship/viewer/internal/api"
)

type tracesInput struct {
	Name    string `json:"name,omitempty" jsonschema:"a part of the span's name, in any case"`
	Source  string `json:"source,omitempty" jsonschema:"the application"`
	Failed  bool   `json:"failed,omitempty" jsonschema:"those that failed"`
	Longest string `json:"min_duration,omitempty" jsonschema:"those that took as long or longer: 200ms"`
	Last    string `json:"last,omitempty" jsonschema:"of this span of time: 15m, 2h, 7d"`
	Cursor  string `json:"cursor,omitempty" jsonschema:"from the answer before, to go on"`
}

func (t *toolset) traces(ctx context.Context, in *tracesInput, out *page) error {
	failed := ""
	if in.Failed {
		failed = "1"
	}
	var answer struct {
		Traces []api.Span
		Next   string
	}
	err := t.get(ctx, &answer, "/api/traces", "name", in.Name, "source", in.Source, "failed", failed, "min", in.Longest, "last", in.Last, "cursor", in.Cursor)
	if err != nil {
		return err
	}
	for i := range answer.Traces {
		s := &answer.Traces[i]
		out.line("%s %v%s %s: %s trace=%s", s.Time, time.Duration(s.Duration), failure(s), shown(s.Source, 100), shown(s.Name, 200), s.Trace)
	}
	switch {
	case answer.Next != "":
		out.note("there may be more: go on with cursor %s", answer.Next)
	case len(answer.Traces) == 0:
		out.note("no trace matches")
	}
	return nil
}

func failure(s *api.Span) string {
	if !s.Failed {
		return ""
	}
	if s.Status == "" {
		return " FAILED"
	}
	return " FAILED (" + shown(s.Status, 200) + ")"
}

type traceInput struct {
	ID string `json:"id" jsonschema:"32 hexadecimal digits"`
}

func (t *toolset) trace(ctx context.Context, in *traceInput, out *page) error {
	id := strings.ToLower(strings.TrimSpace(in.ID))
	if len(id) != 32 || strings.Trim(id, "0123456789abcdef") != "" {
		return errTrace
	}
	var answer struct {
		Spans []api.Span
		Logs  []api.Record
	}
	if err := t.get(ctx, &answer, "/api/traces/"+id); err != nil {
		return err
	}
	tree := newTree(answer.Spans)
	out.line("%d spans: offset, duration, source: name", len(answer.Spans))
	left := len(answer.Spans)
	tree.walk(func(s *api.Span, depth int) bool {
		fits := out.b.Len() < maxPage/2 && out.line("%s+%v %v%s %s: %s %s", strings.Repeat("  ", min(depth, 20)), time.Duration(tree.start(s)-tree.first),
			time.Duration(s.Duration), failure(s), shown(s.Source, 100), shown(s.Name, 200), shown(string(s.Attrs), 300))
		if fits {
			left--
		}
		return fits
	})
	if left > 0 {
		out.note("cut: %d more spans", left)
	}
	out.line("\n%d log records, the oldest first", len(answer.Logs))
	for i := range answer.Logs {
		if !out.line("%s", recordLine(&answer.Logs[i])) {
			out.note("cut: %d more; search_logs finds them with trace:%s", len(answer.Logs)-i, id)
			return nil
		}
	}
	return nil
}

var errTrace = errors.New("id is not a trace id, want 32 hexadecimal digits")

// tree is the spans of a trace by their parents.
type tree struct {
	first    int64 // ns since 1970
	roots    []*api.Span
	children map[string][]*api.Span
}

func newTree(spans []api.Span) *tree {
	t := &tree{children: map[string][]*api.Span{}}
	known := map[string]bool{}
	for i := range spans {
		known[spans[i].ID] = true
	}
	for i := range spans {
		s := &spans[i]
		if start := t.start(s); t.first == 0 || start < t.first {
			t.first = start
		}
		if s.Parent == "" || !known[s.Parent] {
			t.roots = append(t.roots, s)
		} else {
			t.children[s.Parent] = append(t.children[s.Parent], s)
		}
	}
	return t
}

func (t *tree) start(s *api.Span) int64 {
	n, err := strconv.ParseInt(s.Start, 10, 64)
	if err != nil {
		return 0 // the API writes numbers only
	}
	return n
}

// walk calls fn for each span after its parent, until fn returns false. A span of
// a circle of parents is left out, as nothing leads to it.
func (t *tree) walk(fn func(s *api.Span, depth int) bool) {
	type step struct {
		span  *api.Span
		depth int
	}
	var stack []step
	push := func(spans []*api.Span, depth int) {
		spans = slices.SortedStableFunc(slices.Values(spans), func(a, b *api.Span) int { return cmp.Compare(t.start(b), t.start(a)) })
		for _, s := range spans {
			stack = append(stack, step{s, depth})
		}
	}
	push(t.roots, 0)
	for len(stack) > 0 {
		top := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if !fn(top.span, top.depth) {
			return
		}
		children := t.children[top.span.ID]
		delete(t.children, top.span.ID) // an id that is there twice has its children once
		push(children, top.depth+1)
	}
}
