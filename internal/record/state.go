package record

import (
	"context"
	"log/slog"
	"slices"
	"sync/atomic"
)

// MaxDepth is how deep groups, and the objects and arrays in JSON texts, nest in
// a record. Decoders have bounds of their own (1,000 in Jackson, 10,000 in
// encoding/json), and a batch is decoded whole.
const MaxDepth = 500

// A capturer is what all States made from one New share.
type capturer struct {
	addSource    bool
	replace      func(groups []string, a slog.Attr) slog.Attr
	contextAttrs func(ctx context.Context) []slog.Attr
	longest      int // of a string, in bytes: a longer one is cut
	limit        int // of what is captured and looked at together; the rest is left out

	zone atomic.Pointer[zoneAt] // of the last record that began a second
}

// A State is what a handler has been given by WithAttrs and WithGroup. It does
// not change; any number of goroutines may use it.
type State struct {
	c *capturer

	groups []string // of WithGroup

	// The attributes of WithAttrs, captured. At their end the first len(starts) of
	// groups are open; the rest is opened by the first attribute in them.
	attrs          []byte
	entries, taken int   // as in output
	starts         []int // as in writer
	cut            bool
	plain          bool // Plain may be able to capture a record
}

// New returns the State of a handler without attributes and groups.
func New(o Options) *State {
	return &State{
		c: &capturer{
			addSource: o.AddSource, replace: o.ReplaceAttr, contextAttrs: o.ContextAttrs,
			longest: o.MaxRecordBytes, limit: attrsLimit(o.MaxRecordBytes),
		},
		plain: o.ReplaceAttr == nil && o.ContextAttrs == nil,
	}
}

// WithAttrs returns a State with attrs in the groups of s, captured now, once;
// or s, if nothing is left of attrs.
func (s *State) WithAttrs(attrs []slog.Attr) *State {
	if !slices.ContainsFunc(attrs, func(a slog.Attr) bool {
		return a.Value.Kind() != slog.KindGroup || len(a.Value.Group()) > 0
	}) {
		return s
	}
	var w writer
	w.groups = make([]string, 0, 10)
	w.begin(s.c, nil)
	w.resume(s)
	for _, g := range s.groups[len(w.starts):] {
		w.open(g)
	}
	w.appendAll(attrs)
	if w.entries == s.entries && !w.full {
		return s
	}
	s2 := *s
	s2.attrs, s2.entries, s2.taken, s2.starts = w.buf, w.entries, w.taken, w.starts
	s2.cut = s.cut || w.full || w.short
	s2.plain = s.plain && !s2.cut
	return &s2
}

// WithGroup returns a State that puts the attributes to come into a group; s, if
// name is empty, or s is inside 500 groups already.
func (s *State) WithGroup(name string) *State {
	if name == "" || len(s.groups) >= MaxDepth {
		return s
	}
	s2 := *s
	s2.groups = append(slices.Clip(s.groups), name)
	s2.plain = false
	return &s2
}
