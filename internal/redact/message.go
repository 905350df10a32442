package redact

import (
	"encoding/json"
	"slices"
	"strings"
)

// says are the names of the members in which servers send their message, best first.
var says = []string{"message", "error", "reason", "text", "detail"}

// messageOf returns the message in text, if text is a JSON object with one, or the
// beginning of such an object.
func messageOf(text string) (message string, ok bool) {
	d := json.NewDecoder(strings.NewReader(text))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return "", false
	}
	best := len(says)
	for d.More() {
		key, err := d.Token()
		if err != nil {
			break
		}
		var value json.RawMessage
		if d.Decode(&value) != nil {
			break
		}
		name, _ := key.(string)
		var words string
		if rank := slices.Index(says, name); rank >= 0 && rank < best && json.Unmarshal(value, &words) == nil && words != "" {
			message, best = words, rank
		}
	}
	return message, best < len(says)
}
