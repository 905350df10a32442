package dice

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
)

// An oracle says what becomes of a record: which calls of ReplaceAttr it takes,
// which attributes are left, as slog.JSONHandler would have it by the rules of
// slog.Handler. It is written for its plainness: objects are trees, and single
// values are left to slog.JSONHandler itself.
type oracle struct {
	replace func(groups []string, a slog.Attr) slog.Attr
	calls   []string // of ReplaceAttr

	with   *object  // of WithAttrs
	groups []string // of WithGroup
	opened int      // how many of them are open in with

	// After a group that turned out to be empty slog.JSONHandler, up to Go
	// 1.27 at least, neither separates the next attribute nor tells ReplaceAttr
	// the right groups. wrong is set once there is a next attribute in the same
	// run, and stays.
	emptied, wrong bool
	inGroup        bool // a group is being written
	ungrouped      bool // within a built-in attribute, ReplaceAttr is shown nil groups
}

// object is a JSON object with its members in order.
type object struct{ members []objectMember }

type objectMember struct {
	key   string
	value any // *object, or what encoding/json decodes to
}

func (o *object) add(key string, value any) {
	o.members = append(o.members, objectMember{key, value})
}

func (o *object) last() *object { return o.members[len(o.members)-1].value.(*object) }

func (o *object) clone() *object {
	c := &object{slices.Clone(o.members)}
	for i, m := range c.members {
		if inner, ok := m.value.(*object); ok {
			c.members[i].value = inner.clone()
		}
	}
	return c
}

// decoded is o as encoding/json decodes it: of equal keys, the last wins.
func (o *object) decoded() map[string]any {
	m := map[string]any{}
	for _, member := range o.members {
		if inner, ok := member.value.(*object); ok {
			m[decodedString(member.key)] = inner.decoded()
		} else {
			m[decodedString(member.key)] = member.value
		}
	}
	return m
}

func decodedString(s string) string { return string([]rune(s)) }

func newOracle(replace func([]string, slog.Attr) slog.Attr) *oracle {
	return &oracle{replace: replace, with: &object{}}
}

func (o *oracle) withGroup(name string) {
	if name != "" {
		o.groups = append(o.groups, name)
	}
}

func (o *oracle) withAttrs(attrs []slog.Attr) {
	if !slices.ContainsFunc(attrs, func(a slog.Attr) bool {
		return a.Value.Kind() != slog.KindGroup || len(a.Value.Group()) > 0
	}) {
		return
	}
	if with := o.appended(attrs); with != nil {
		o.with, o.opened = with, len(o.groups)
	}
}

// attributes is the whole of the attributes of a record with attrs.
func (o *oracle) attributes(attrs []slog.Attr) *object {
	if len(attrs) > 0 {
		if all := o.appended(attrs); all != nil {
			return all
		}
	}
	return o.with
}

// appended is with and, in the groups, what is left of attrs; nil if nothing is.
func (o *oracle) appended(attrs []slog.Attr) *object {
	root := o.with.clone()
	in := root
	for range o.opened {
		in = in.last()
	}
	for _, g := range o.groups[o.opened:] {
		in.add(g, &object{})
		in = in.last()
	}
	if !o.appendAll(in, o.groups, attrs) {
		return nil
	}
	return root
}

func (o *oracle) appendAll(to *object, groups []string, attrs []slog.Attr) (some bool) {
	for _, a := range attrs {
		o.wrong = o.wrong || o.emptied
		a.Value = a.Value.Resolve()
		if o.replace != nil && a.Value.Kind() != slog.KindGroup {
			a = o.replaced(groups, a)
		}
		if o.write(to, groups, a) {
			some = true
		}
	}
	return some
}

func (o *oracle) replaced(groups []string, a slog.Attr) slog.Attr {
	if groups = slices.Clone(groups); groups == nil {
		groups = []string{}
	}
	if o.ungrouped {
		groups = nil
	}
	o.calls = append(o.calls, callText(groups, a))
	a = o.replace(groups, a)
	a.Value = a.Value.Resolve()
	return a
}

// callText is a call of ReplaceAttr as far as it can be told apart from others.
func callText(groups []string, a slog.Attr) string {
	value := a.Value.Kind().String()
	if a.Value.Kind() == slog.KindAny {
		value = fmt.Sprintf("%T", a.Value.Any())
	} else {
		value += " " + a.Value.String()
	}
	return fmt.Sprintf("%#v %q %s", groups, a.Key, value)
}

// write adds a to an object, and reports whether it counts as an attribute.
func (o *oracle) write(to *object, groups []string, a slog.Attr) bool {
	if a.Value.Kind() == slog.KindAny {
		if a.Key == "" && a.Value.Any() == nil {
			return false
		}
		if src, ok := a.Value.Any().(*slog.Source); ok {
			if src == nil || *src == (slog.Source{}) {
				return false
			}
			var members []slog.Attr
			for _, m := range []slog.Attr{slog.String("function", src.Function), slog.String("file", src.File), slog.Int("line", src.Line)} {
				if m.Value.String() != "" && m.Value.String() != "0" {
					members = append(members, m)
				}
			}
			a.Value = slog.GroupValue(members...)
		}
	}
	switch {
	case a.Value.Kind() != slog.KindGroup:
		to.add(a.Key, o.leaf(a.Value))
		return true
	case len(a.Value.Group()) == 0:
		// It is ignored, by the rules. After it slog.JSONHandler writes the group
		// around it even if nothing else is in there.
		o.wrong = o.wrong || o.inGroup || len(groups) > 0
		return false
	case a.Key == "":
		defer o.enter()()
		return o.appendAll(to, groups, a.Value.Group())
	}
	defer o.enter()()
	inner := &object{}
	if !o.appendAll(inner, append(slices.Clone(groups), a.Key), a.Value.Group()) {
		o.emptied = true
		return false
	}
	to.add(a.Key, inner)
	return true
}

// enter notes that a group is being written, until what it returns is called.
func (o *oracle) enter() (leave func()) {
	was := o.inGroup
	o.inGroup = true
	return func() { o.inGroup = was }
}

// leaf is what slog.JSONHandler makes of one value.
func (o *oracle) leaf(v slog.Value) any {
	var line bytes.Buffer
	r := slog.Record{}
	r.AddAttrs(slog.Attr{Key: "k", Value: v})
	_ = slog.NewJSONHandler(&line, nil).Handle(context.Background(), r) // a buffer takes everything
	if v.Kind() == slog.KindTime && (v.Time().Year() < 0 || v.Time().Year() > 9999) {
		o.wrong = true // no JSON, in Go 1.26
		return SomeString{}
	}
	got := DecodeObject(line.Bytes())["k"]
	if s, ok := got.(string); ok && (strings.HasPrefix(s, "!ERROR:") || strings.HasPrefix(s, "!PANIC:")) {
		return SomeString{}
	}
	return got
}

// Foretold is what a record is to come to.
type Foretold struct {
	Builtins map[string]any // time, level, source, msg, as JSON
	Attrs    map[string]any
	JSON     map[string]any // what slog.JSONHandler writes; nil where it is known to be wrong, or knows nothing of ContextAttrs
	Calls    []string       // of ReplaceAttr
}

// record is what becomes of r, with the attributes of its context.
func (o *oracle) record(r slog.Record, addSource bool, fromContext []slog.Attr) Foretold {
	o.emptied = false
	all, own, moved := &object{}, &object{}, &object{}
	builtin := func(a slog.Attr) {
		out := a
		o.ungrouped = true
		o.wrong = o.wrong || o.emptied
		if o.replace != nil {
			out = o.replaced(nil, a)
		}
		written := &object{}
		o.write(written, nil, out)
		o.ungrouped = false
		all.members = append(all.members, written.members...)
		if out.Key == a.Key {
			own.members = append(own.members, written.members...)
		} else {
			moved.members = append(moved.members, written.members...)
		}
	}
	if !r.Time.IsZero() {
		builtin(slog.Time(slog.TimeKey, r.Time))
	}
	builtin(slog.Any(slog.LevelKey, r.Level))
	if addSource {
		src := r.Source()
		if src == nil {
			src = &slog.Source{}
		}
		builtin(slog.Any(slog.SourceKey, src))
	}
	builtin(slog.String(slog.MessageKey, r.Message))

	o.appendAll(moved, nil, fromContext)
	var attrs []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	rest := o.attributes(attrs)
	moved.members = append(moved.members, rest.members...)
	all.members = append(all.members, rest.members...)
	f := Foretold{Builtins: own.decoded(), Attrs: moved.decoded(), Calls: o.calls}
	if !o.wrong && len(fromContext) == 0 {
		f.JSON = all.decoded()
	}
	return f
}
