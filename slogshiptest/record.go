package slogshiptest

import (
	"encoding/json"
	"maps"
	"regexp"
	"slices"
	"time"
)

// Record is an event as it arrived. Numbers are json.Number, so that none loses
// a digit.
type Record struct {
	// ID is the id that the sender gave; empty if it gave none, or sent the
	// event as a body of its own, in which Logflare ignores it.
	ID string

	// Time is the timestamp in UTC, as it was sent, or in microseconds as
	// Logflare keeps it. The time of arrival is in the place of one that is
	// missing, or in a form that the backend does not know, or in a body of its
	// own.
	Time time.Time

	Message string // if it is not a string: its JSON
	Level   string // as it was sent; empty if that is not a string

	// Context is where the record comes from: Logflare's metadata.context, a
	// Loki stream's labels, the attributes of an OTLP resource, and the source
	// in the other backends. It is nil if that is not an object.
	Context map[string]any

	// Attrs are the attributes under the keys they were sent with, Loki's
	// structured metadata for instance. Stored has those of Logflare as it keeps
	// them.
	Attrs map[string]any

	// Raw is the whole event as it was sent, and in OTLP's JSON if that was in
	// Protocol Buffers. It is shared, not to be changed.
	Raw json.RawMessage
}

// Stored returns the event's metadata, level and context included, as Logflare
// stores it (other backends have none): without null, "", [] and {}, and without what is empty once these
// are gone; with every character of a key that is not a letter, a digit or an
// underscore replaced by an underscore, and one more in front of such a key.
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
