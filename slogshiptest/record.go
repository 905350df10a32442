package slogshiptest

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"time"
)

// Record is a record as it arrived. Numbers are [json.Number], so that no digit
// is lost.
type Record struct {
	// ID is the id that the sender gave. It is empty if there was none, or if
	// the body is a single event, in which Logflare ignores the id.
	ID string

	// Time is the timestamp as it was sent, in UTC; for Logflare, it is cut to
	// microseconds. It is the time of arrival if the timestamp is missing, if the
	// backend cannot read it or, for Logflare, if the body is a single event.
	Time time.Time

	Message string // its JSON, if it is not a string
	Level   string // as it was sent; empty if that is not a string

	// Context says where the record comes from: metadata.context in Logflare, the
	// labels of the stream in Loki, the attributes of the resource in OTLP, and the
	// source in the others. It is nil if that is not an object.
	Context map[string]any

	// Attrs are the attributes as they were sent; in Loki, they are the structured
	// metadata. Record.Stored returns them as Logflare stores them.
	Attrs map[string]any

	// Raw is the whole event as it was sent. An event that was sent in Protocol Buffers
	// is in OTLP's JSON. Do not change Raw: it is shared.
	Raw json.RawMessage
}

// Stored returns the metadata of the event, with level and context, as Logflare stores
// it. It returns nil for other backends. Logflare leaves out null, "", [] and {}, and
// objects and lists that become empty by that. In a key, each character that is not a
// letter, a digit or an underscore becomes an underscore, and the key gets a leading
// underscore: "a.b" becomes "_a_b".
func (r Record) Stored() (kept map[string]any) {
	for key, value := range members(r.Raw) {
		if string(key) == "metadata" {
			kept, _ = stored(decode(value)).(map[string]any)
		}
	}
	return kept
}

var unfitForKey = regexp.MustCompile(`[^A-Za-z0-9_]`)

// stored is what the server keeps of v; nil stands for nothing.
func stored(v any) any {
	switch v := v.(type) {
	case map[string]any:
		kept := make(map[string]any, len(v))
		for _, key := range slices.Sorted(maps.Keys(v)) { // of keys that become one, always the same stays
			member := stored(v[key])
			if member == nil {
				continue
			}
			if fit := unfitForKey.ReplaceAllString(key, "_"); fit != key {
				key = "_" + fit
			}
			kept[key] = member
		}
		if len(kept) > 0 {
			return kept
		}
	case []any:
		var kept []any
		for _, e := range v {
			if e = stored(e); e != nil {
				kept = append(kept, e)
			}
		}
		if len(kept) > 0 {
			return kept
		}
	case string:
		if v != "" {
			return v
		}
	default:
		return v
	}
	return nil
}
