package export

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"log/slog"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/viewer/internal/api"
)

// A record that is exported twice has the same id both times, so that a backend
// that knows ids keeps one copy. It is made of the record's key and content: two
// viewers whose keys are equal have different records.
//
//	identify -> an attribute, the first one -> identified -> Event.ID
//
// The attribute travels with the captured record and never reaches the backend.
const identityName = "\x00viewer.identity"

const (
	idBytes       = 24 // Event.ID has 48 digits
	identityBytes = idBytes + 8
)

func identify(key int64, r *api.Record) slog.Attr {
	h := sha256.New()
	var n [8]byte
	for _, part := range []string{r.ID, r.Time, r.Level, r.Source, r.Message, string(r.Attrs), r.Trace, r.Span} {
		binary.BigEndian.PutUint64(n[:], uint64(len(part)))
		h.Write(n[:])
		h.Write([]byte(part))
	}
	b := make([]byte, 0, sha256.Size+8)
	b = h.Sum(b)[:idBytes]
	b = binary.BigEndian.AppendUint64(b, uint64(key))
	return slog.String(identityName, string(b))
}

// keyOf returns the key of the record that an event was made of.
func keyOf(e *slogship.Event) (key int64, ok bool) {
	if len(e.Attrs) == 0 || e.Attrs[0].Key != identityName {
		return 0, false
	}
	s := e.Attrs[0].Value.String()
	if len(s) != identityBytes { // it was cut, as all of a monstrous record
		return 0, false
	}
	return int64(binary.BigEndian.Uint64([]byte(s[idBytes:]))), true
}

// identified is a Format whose events have the ids of identify.
type identified struct{ slogship.Format }

// AppendEvent takes the identity out of e and has the rest appended.
func (f identified) AppendEvent(dst []byte, e *slogship.Event) []byte {
	if len(e.Attrs) > 0 && e.Attrs[0].Key == identityName {
		if s := e.Attrs[0].Value.String(); len(s) == identityBytes {
			e.ID = hex.EncodeToString([]byte(s[:idBytes]))
		}
		e.Attrs = e.Attrs[1:]
	}
	// When it was exported is nobody's concern, and would make the second copy
	// another record.
	e.Observed = e.Time
	return f.Format.AppendEvent(dst, e)
}
