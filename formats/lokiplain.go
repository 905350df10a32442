package formats

import (
	"log/slog"
	"slices"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/jsontext"
)

// appendPlainEntry appends the entry of an event as most are: it has a time, and
// attributes at the root with names as Loki has them, each there once, and not
// more than Loki takes. It reports false for any other, and then what it returns
// is of no use.
func (f *loki) appendPlainEntry(dst []byte, e *slogship.Event) (out []byte, ok bool) {
	if !isPlain(e) || len(e.Source) > 0 || len(e.Attrs) > maxLokiEntries-2 {
		return dst, false
	}
	dst = appendLokiLine(dst, e.Time, e.Message)
	begin := len(dst)
	dst, _ = f.appendOwn(dst, e)
	var seen [4]uint64 // a bit for the hash of each name
	for i := range e.Attrs {
		a := &e.Attrs[i]
		if !isLokiName(a.Key) || f.reserved.hasLength(len(a.Key)) && slices.Contains(f.reserved.names, a.Key) {
			return dst, false
		}
		h := nameHash(a.Key)
		word, bit := h>>6, uint64(1)<<(h&63)
		if seen[word]&bit != 0 {
			return dst, false
		}
		seen[word] |= bit
		if len(dst) == begin {
			dst = jsontext.AppendKey(dst, a.Key)
		} else {
			dst = jsontext.AppendNextKey(dst, a.Key)
		}
		switch a.Value.Kind() {
		case slog.KindGroup:
			return dst, false
		case slog.KindString:
			dst = slogship.AppendString(dst, a.Value.String())
		case slog.KindInt64:
			dst = append(slogship.AppendInt(append(dst, '"'), a.Value.Int64()), '"')
		default:
			dst = appendText(dst, a.Value)
		}
	}
	if n := len(dst) - begin; n == 0 || n > maxLokiMetadata {
		return dst, false
	}
	return append(dst, '}', ']'), true
}
