package formats

import (
	"hash/fnv"
	"log/slog"
	"strings"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/jsontext"
)

// VictoriaLogs joins the names of groups and of their members with dots, and
// spoils a record with a name of more than 128 bytes.
const (
	maxVictoriaName = 128

	// A group whose name is longer leaves its members no room for theirs.
	maxVictoriaGroup = 96
)

// fitVictoriaNames shortens the names of attrs that are too long with what comes
// before them, in so many bytes. A group, or an object, whose members have no room
// for their names becomes the text of its JSON.
func fitVictoriaNames(attrs []slog.Attr, before int) {
	for i := range attrs {
		a := &attrs[i]
		n := before + len(a.Key)
		if n > maxVictoriaName/3 { // invalid UTF-8 is up to three times as long when it is written
			a.Key = shortVictoriaName(validUTF8(a.Key), maxVictoriaName-before)
			n = before + len(a.Key)
		}
		switch a.Value.Kind() {
		case slog.KindGroup:
			if n > maxVictoriaGroup {
				a.Value = slog.StringValue(textOf(a.Value))
			} else {
				fitVictoriaNames(a.Value.Group(), n+len("."))
			}
		case slog.KindAny:
			if j, ok := a.Value.Any().(*slogship.JSON); ok && n+len(j.Text) > maxVictoriaName && longestName(j.Text, n) > maxVictoriaName {
				a.Value = slog.StringValue(j.Text)
			}
		}
	}
}

// shortVictoriaName is name if it has room in n bytes, and otherwise its front
// and a hash of the whole, by which it differs from another one with that front:
// "customer_with…1a2b3c4d".
func shortVictoriaName(name string, n int) string {
	if len(name) <= n {
		return name
	}
	const digits = "0123456789abcdef"
	h := fnv.New32a()
	h.Write([]byte(name))
	end := []byte("…")
	for sum, i := h.Sum32(), 0; i < 8; i++ {
		end = append(end, digits[sum>>28])
		sum <<= 4
	}
	return jsontext.RunePrefix(name, n-len(end)) + string(end)
}

// longestName is the length of the longest name in a value whose own has n bytes,
// or a bound of it.
func longestName(text string, n int) int {
	longest := n
	if strings.HasPrefix(text, "{") {
		for key, value := range members(text) {
			longest = max(longest, longestName(value, n+len(".")+len(key)-len(`""`)))
		}
	}
	return longest
}
