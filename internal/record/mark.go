package record

import (
	"encoding/binary"
	"time"
)

// RecordedName is the name of the attribute, true, that Decode puts in front of those
// of a record that is marked as recorded.
const RecordedName = "_recorded"

// MarkRecorded marks c: it is to wait in a recorder's ring.
func (c *Captured) MarkRecorded() {
	binary.LittleEndian.PutUint16(c.Bytes, binary.LittleEndian.Uint16(c.Bytes)|recorded)
}

// IsRecorded reports whether captured bytes are so marked.
func IsRecorded(b []byte) bool { return binary.LittleEndian.Uint16(b)&recorded != 0 }

// ObservedTime returns when the captured record b was logged; zero if b is not one.
// Mostly its head says so; one whose time is another is decoded, its values made by m.
func ObservedTime(b []byte, m Maker) time.Time {
	d := NewDecoder(m)
	if len(b) >= headBytes && binary.LittleEndian.Uint16(b)&observedApart == 0 {
		return d.time(b[8:])
	}
	var r Record
	if err := d.Decode(b, &r); err != nil {
		return time.Time{}
	}
	return r.Observed
}
