package ingest

import (
	"bytes"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
	"github.com/slogship/slogship/viewer/internal/jsontext"
)

// maxReasons is how many refusals an answer spells out.
const maxReasons = 20

// logflare takes {"batch":[...]}, or an array.
func (h *Handler) logflare(w http.ResponseWriter, r *http.Request) {
	body, err := h.body(r)
	if fail(w, err) {
		return
	}
	body = bytes.TrimSpace(body)
	if !validJSON(body) {
		fail(w, refuse(http.StatusBadRequest, "the body is not JSON in UTF-8"))
		return
	}
	batch := body
	if len(body) > 0 && body[0] == '{' {
		batch = jsontext.Get(body, "batch")
	}
	if len(batch) == 0 || batch[0] != '[' {
		fail(w, refuse(http.StatusBadRequest, `the body is neither {"batch":[...]} nor an array`))
		return
	}
	source, now := sourceName(r), h.time()
	var logs []event.Log
	var refused []string
	n := 0
	jsontext.Elements(batch, func(value []byte) bool {
		if value[0] != '{' {
			refused = append(refused, fmt.Sprintf("event %d is not an object", n))
		} else {
			logs = append(logs, readLogflare(value, source, now))
		}
		n++
		return true
	})
	if fail(w, h.keep(r, logs, nil)) {
		return
	}
	if len(refused) > 0 { // the others are kept: that is what 406 says
		writeJSON(w, http.StatusNotAcceptable, map[string]any{"message": refused})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"message": "Logged!"})
}

// readLogflare reads an event of Logflare's: metadata holds the attributes.
func readLogflare(object []byte, source string, now time.Time) event.Log {
	l := event.Log{Time: now.UnixNano(), Source: source}
	var metadata []byte
	strange := false
	jsontext.Each(object, func(key, value []byte) bool {
		switch string(key) {
		case "id":
			l.ID = jsontext.Text(value)
		case "timestamp":
			if t, ok := readTime(value); ok {
				l.Time = t
			}
		case "message", "event_message":
			l.Message = jsontext.Text(value)
		case "metadata":
			metadata = value
		default:
			strange = true
		}
		return true
	})
	if strange || len(metadata) > 0 && metadata[0] != '{' {
		// Somebody else's event: what it has beside metadata is kept, too.
		metadata = without(object, func(key []byte) bool {
			k := string(key)
			return k == "id" || k == "timestamp" || k == "message" || k == "event_message"
		})
	}
	if level := jsontext.Get(metadata, "level"); level != nil {
		if n, ok := readLevel(level); ok {
			l.Level = n
			metadata = dropLevel(metadata, level)
		}
	}
	l.Attrs = bytes.Clone(metadata)
	correlate(&l)
	return l
}

// dropLevel leaves out the level, which slogship writes first.
func dropLevel(metadata, level []byte) []byte {
	if rest, ok := bytes.CutPrefix(metadata, []byte(`{"level":`)); ok && bytes.HasPrefix(rest, level) {
		rest = rest[len(level):]
		switch {
		case string(rest) == "}":
			return nil
		case len(rest) > 0 && rest[0] == ',' && jsontext.Get(metadata, "level") != nil:
			return append([]byte{'{'}, rest[1:]...)
		}
	}
	return without(metadata, func(key []byte) bool { return string(key) == "level" })
}

// ndjson takes an object a line. A line that is none is refused; the others are
// kept.
func (h *Handler) ndjson(w http.ResponseWriter, r *http.Request) {
	body, err := h.body(r)
	if fail(w, err) {
		return
	}
	source, now := sourceName(r), h.time()
	var logs []event.Log
	var reasons []string
	refused, n := 0, 0
	for line := range bytes.Lines(body) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if line[0] != '{' || !validJSON(line) {
			if refused++; refused <= maxReasons {
				reasons = append(reasons, fmt.Sprintf("line %d is not a JSON object in UTF-8: %s", n, clip(strings.ToValidUTF8(string(line[:min(len(line), 60)]), "?"))))
			}
			continue
		}
		logs = append(logs, ReadObject(line, source, now))
	}
	if fail(w, h.keep(r, logs, nil)) {
		return
	}
	status := http.StatusOK
	if refused > 0 {
		status = http.StatusUnprocessableEntity
		if len(logs) > 0 {
			status = http.StatusMultiStatus
		}
	}
	writeJSON(w, status, map[string]any{"kept": len(logs), "refused": refused, "errors": reasons})
}
