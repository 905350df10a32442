package slogship

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"time"
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
	ungrouped      bool // within a built-in attribute, ReplaceAttr is shown nil groups
}

// object is a JSON object with its members in order.
type object struct{ members []objectMember }

type objectMember struct {
	key   string
	value any // *object, or what encoding/json decodes to
}

// someString stands for any string: where slog.JSONHandler writes an error.
type someString struct{}

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
		value = typeName(a.Value.Any())
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
		return true
	case a.Key == "":
		return o.appendAll(to, groups, a.Value.Group())
	}
	inner := &object{}
	if !o.appendAll(inner, append(slices.Clone(groups), a.Key), a.Value.Group()) {
		o.emptied = true
		return false
	}
	to.add(a.Key, inner)
	return true
}

// leaf is what slog.JSONHandler makes of one value.
func (o *oracle) leaf(v slog.Value) any {
	var line bytes.Buffer
	r := slog.Record{}
	r.AddAttrs(slog.Attr{Key: "k", Value: v})
	slog.NewJSONHandler(&line, nil).Handle(context.Background(), r)
	if v.Kind() == slog.KindTime && (v.Time().Year() < 0 || v.Time().Year() > 9999) {
		o.wrong = true // no JSON, in Go 1.26
		return someString{}
	}
	got := decodeObject(line.Bytes())["k"]
	if s, ok := got.(string); ok && (strings.HasPrefix(s, "!ERROR:") || strings.HasPrefix(s, "!PANIC:")) {
		return someString{}
	}
	return got
}

// logflareEvent is what the event of a record is to decode to.
type logflareEvent struct {
	top      map[string]any // but for the id and the metadata
	metadata map[string]any
	json     map[string]any // what slog.JSONHandler writes, unless it is wrong
}

// event is what becomes of r, with the attributes of its context.
func (o *oracle) event(r slog.Record, addSource bool, fromContext []slog.Attr) logflareEvent {
	e := logflareEvent{top: map[string]any{}, metadata: map[string]any{}}
	o.emptied = false
	builtins, moved, own := &object{}, &object{}, map[string]any{}
	builtin := func(a slog.Attr, in func(v slog.Value, written *object)) {
		out := a
		o.ungrouped = true
		o.wrong = o.wrong || o.emptied
		if o.replace != nil {
			out = o.replaced(nil, a)
		}
		written := &object{}
		o.write(written, nil, out)
		o.ungrouped = false
		builtins.members = append(builtins.members, written.members...)
		if out.Key != a.Key {
			moved.members = append(moved.members, written.members...)
		} else if out.Value.Kind() != slog.KindGroup || len(written.members) > 0 {
			in(out.Value, written)
		}
	}
	if !r.Time.IsZero() {
		builtin(slog.Time(slog.TimeKey, r.Time), func(v slog.Value, written *object) {
			if v.Kind() == slog.KindTime {
				e.top["timestamp"] = v.Time().UTC().Format("2006-01-02T15:04:05.000000Z")
			} else if t := textOf(v, written); t != "" {
				e.top["timestamp"] = t
			}
		})
	}
	builtin(slog.Any(slog.LevelKey, r.Level), func(v slog.Value, written *object) {
		if l, ok := v.Any().(slog.Level); ok {
			own["level"] = strings.ToLower(l.String())
		} else if t := textOf(v, written); t != "" {
			own["level"] = t
		}
	})
	if addSource {
		src := r.Source()
		if src == nil {
			src = &slog.Source{}
		}
		builtin(slog.Any(slog.SourceKey, src), func(v slog.Value, written *object) {
			_, isSource := v.Any().(*slog.Source)
			switch {
			case isSource && len(written.members) == 0:
			case isSource, v.Kind() == slog.KindGroup:
				own["context"] = written.last().decoded()
			default:
				own["context"] = written.decoded()
			}
		})
	}
	builtin(slog.String(slog.MessageKey, r.Message), func(v slog.Value, written *object) {
		e.top["message"] = decodedString(textOf(v, written))
	})

	root := &object{slices.Clone(moved.members)}
	o.appendAll(root, nil, fromContext)
	var attrs []slog.Attr
	r.Attrs(func(a slog.Attr) bool {
		attrs = append(attrs, a)
		return true
	})
	all := o.attributes(attrs)
	root.members = append(root.members, all.members...)
	keepApart(root, "level", "context")
	e.metadata = root.decoded()
	maps.Copy(e.metadata, own)

	builtins.members = append(builtins.members, all.members...)
	e.json = builtins.decoded()
	return e
}

// textOf is what a built-in attribute is as text; group, if it is one.
func textOf(v slog.Value, written *object) string {
	switch v.Kind() {
	case slog.KindGroup:
		text, err := json.Marshal(written.last().decoded())
		if err != nil {
			panic(err)
		}
		return string(text)
	case slog.KindTime:
		return v.Time().Format(time.RFC3339Nano)
	}
	return v.String()
}

// keepApart gives the members with a reserved name as few underscores as keep
// all names apart.
func keepApart(o *object, reserved ...string) {
	taken := map[string]bool{}
	for _, m := range o.members {
		taken[m.key] = true
	}
	for _, name := range reserved {
		free := name + "_"
		for taken[free] {
			free += "_"
		}
		for i := range o.members {
			if o.members[i].key == name {
				o.members[i].key = free
			}
		}
	}
}

// decodeObject decodes a JSON object, numbers as they are written; nil if b is
// none.
func decodeObject(b []byte) map[string]any {
	if !json.Valid(b) {
		return nil
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	var m map[string]any
	if d.Decode(&m) != nil {
		return nil
	}
	return m
}

// same reports whether got is what want is. A number that no float64 can hold
// may as well be a string.
func same(want, got any) bool {
	switch want := want.(type) {
	case someString:
		_, ok := got.(string)
		return ok
	case string:
		s, ok := got.(string)
		if const1 := "LogValue panicked\n"; strings.HasPrefix(want, const1) {
			return ok && strings.HasPrefix(s, const1)
		}
		return ok && s == want
	case json.Number:
		if _, err := want.Float64(); err != nil {
			return got == string(want) || got == want
		}
		return got == want
	case []any:
		g, ok := got.([]any)
		return ok && slices.EqualFunc(want, g, same)
	case map[string]any:
		g, ok := got.(map[string]any)
		return ok && maps.EqualFunc(want, g, same)
	}
	return want == got
}
