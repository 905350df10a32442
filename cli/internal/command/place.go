package command

import (
	"context"
	"encoding/binary"
	"encoding/hex"
	"log/slog"
	"unsafe"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/cli/internal/tail"
)

// A record of a file has an id that its place makes: the file's, 128 random bits
// that are noted with the position, and the offset. When a crash comes between the
// answer for a record and the note of its position, the record is sent again with
// the same id, and a backend that knows ids keeps one copy.
//
//	follower -> placeContext -> ContextAttrs -> an attribute, the first one -> placedFormat -> Event.ID
//
// The attribute travels with the captured record and never reaches the backend.
const placeName = "\x00slogship.place"

const placeBytes = 16 + 8

// placeContext is the context of the records of a follower. It says where the
// present one begins.
type placeContext struct {
	context.Context //nolint:containedctx // it is one
	place           [placeBytes]byte
	attrs           [1]slog.Attr
}

type placeKey struct{}

func newPlaceContext(ctx context.Context) *placeContext {
	c := &placeContext{Context: ctx}
	// Capturing a record copies the string, before the place changes again.
	c.attrs[0] = slog.String(placeName, unsafe.String(&c.place[0], placeBytes))
	return c
}

func (c *placeContext) set(at tail.Place) {
	copy(c.place[:], at.File[:])
	binary.BigEndian.PutUint64(c.place[16:], uint64(at.Offset))
}

// Value has the place under placeKey.
func (c *placeContext) Value(key any) any {
	if key == (placeKey{}) {
		return c
	}
	return c.Context.Value(key)
}

// placeAttrs is Options.ContextAttrs.
func placeAttrs(ctx context.Context) []slog.Attr {
	if c, ok := ctx.Value(placeKey{}).(*placeContext); ok {
		return c.attrs[:]
	}
	return nil
}

// placedFormat makes ids of places.
type placedFormat struct{ slogship.Format }

// AppendEvent takes the place out of e and has the rest appended.
func (f placedFormat) AppendEvent(dst []byte, e *slogship.Event) []byte {
	takePlace(e)
	return f.Format.AppendEvent(dst, e)
}

// takePlace takes the place out of e, if there is one, and makes its id of it.
func takePlace(e *slogship.Event) {
	if len(e.Attrs) > 0 && e.Attrs[0].Key == placeName {
		if place := e.Attrs[0].Value.String(); len(place) == placeBytes { // else it was cut, as all of a monstrous record
			var id [2 * placeBytes]byte
			hex.Encode(id[:], []byte(place))
			e.ID = string(id[:])
		}
		e.Attrs = e.Attrs[1:]
	}
}
