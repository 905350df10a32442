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
	b := buffers.Get().(*bytes.Buffer)
	err := h.body(b, r)
	var logs []event.Log
	var refused []string
	if err == nil {
		logs, refused, err = readBatch(b.Bytes(), sourceName(r), h.time())
	}
	release(b)
	if fail(w, err) || fail(w, h.keep(r, logs, nil)) {
		return
	}
	if len(refused) > 0 { // the others are kept: that is what 406 says
		writeJSON(w, http.StatusNotAcceptable, map[string]any{"message": refused})
		return
	}
	writeJSON(w, http.StatusOK, map[string]string{"message": "Logged!"})
}

// readBatch reads a body of Logflare's, and keeps nothing of it.
func readBatch(body []byte, source string, now time.Time) (logs []event.Log, refused []string, err error) {
	body = bytes.TrimSpace(body)
	if !jsontext.Valid(body) {
		return nil, nil, refuse(http.StatusBadRequest, "the body is not JSON in UTF-8")
	}
	batch := body
	if len(body) > 0 && body[0] == '{' {
		batch = jsontext.Get(body, "batch")
	}
	if len(batch) == 0 || batch[0] != '[' {
		return nil, nil, refuse(http.StatusBadRequest, `the body is neither {"batch":[...]} nor an array`)
	}
	const mostly = 200 // bytes of an event
	logs = make([]event.Log, 0, len(batch)/mostly+1)
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
	return logs, refused, nil
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
	l.Attrs = withoutLevel(metadata, &l.Level)
	correlate(&l)
	return l
}

// withoutLevel reads the level out of the attributes, and copies the others.
func withoutLevel(metadata []byte, level *int) []byte {
	var value []byte
	times := 0
	jsontext.Each(metadata, func(key, v []byte) bool {
		if string(key) == "level" {
			value = v
			times++
		}
		return true
	})
	if times == 0 {
		return bytes.Clone(metadata)
	}
	n, ok := readLevel(value)
	if !ok {
		return bytes.Clone(metadata)
	}
	*level = n
	// slogship writes it first and once: what follows is copied as it is.
	if rest, first := bytes.CutPrefix(metadata, []byte(`{"level":`)); first && times == 1 && bytes.HasPrefix(rest, value) {
		if rest = rest[len(value):]; rest[0] == ',' {
			return append(append(make([]byte, 0, len(rest)), '{'), rest[1:]...)
		}
	}
	return without(metadata, func(key []byte) bool { return string(key) == "level" })
}

// ndjson takes an object a line. A line that is none is refused; the others are
// kept.
func (h *Handler) ndjson(w http.ResponseWriter, r *http.Request) {
	b := buffers.Get().(*bytes.Buffer)
	defer release(b)
	if fail(w, h.body(b, r)) {
		return
	}
	source, now := sourceName(r), h.time()
	var logs []event.Log
	var reasons []string
	refused, n := 0, 0
	for line := range bytes.Lines(b.Bytes()) {
		n++
		line = bytes.TrimSpace(line)
		if len(line) == 0 {
			continue
		}
		if line[0] != '{' || !jsontext.Valid(line) {
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
