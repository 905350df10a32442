package spool

import "encoding/binary"

// A Span is records in a row, as a block of the caller holds them: their
// sequence numbers are First, First+1, ..., their bytes are back to back in
// Data, and Sizes has the length of each.
type Span struct {
	First uint64
	Data  []byte
	Sizes []uint32
}

// sizeRoom is what the lengths of a full frame take mostly: records of 50 bytes.
const sizeRoom = 2 << 10

// frame is one frame in the making, and in memory until it is durable.
//
//	buf    [ header | record 0 | record 1 | ... ]   then the lengths, once sealed
//	sizes  [ length 0 | length 1 | ... ]            uvarints
type frame struct {
	buf   []byte
	sizes []byte
	first uint64
	count int
	data  int // bytes of records

	h        frameHeader // once sealed
	numbered bool        // it has its ordinal: it is written again, not for the first time

	seg *segment // where it was written
	off int64
}

func newFrame(size int) *frame {
	return &frame{
		buf:   make([]byte, frameHeaderBytes, frameHeaderBytes+size+sizeRoom),
		sizes: make([]byte, 0, sizeRoom),
	}
}

// last is its newest sequence number.
func (f *frame) last() uint64 { return f.first + uint64(f.count) - 1 }

// pooled reports whether f is of the usual size.
func (f *frame) pooled() bool {
	return cap(f.buf) >= frameHeaderBytes+framePayload && cap(f.buf) <= frameHeaderBytes+framePayload+4*sizeRoom
}

func (f *frame) reset() {
	*f = frame{buf: f.buf[:frameHeaderBytes], sizes: f.sizes[:0]}
}

// take copies as many records of s as there is room for, one at least into an
// empty frame. It reports how many records and bytes.
func (f *frame) take(s Span) (n, size int) {
	room := framePayload - f.data
	if f.count == 0 {
		f.first = s.First
	}
	for _, length := range s.Sizes {
		if size+int(length) > room && (n > 0 || f.count > 0) {
			break
		}
		size += int(length)
		n++
		if length < 0x80 {
			f.sizes = append(f.sizes, byte(length))
		} else {
			f.sizes = binary.AppendUvarint(f.sizes, uint64(length))
		}
	}
	f.buf = append(f.buf, s.Data[:size]...)
	f.count += n
	f.data += size
	return n, size
}

// seal ends a frame: from here on only its header changes.
func (f *frame) seal(version byte, prefix Prefix) {
	f.buf = append(f.buf, f.sizes...)
	payload := f.buf[frameHeaderBytes:]
	f.h = frameHeader{
		version: version,
		payload: uint32(len(payload)),
		count:   uint32(f.count),
		first:   f.first,
		prefix:  prefix,
		data:    uint32(f.data),
	}
	var zeros [frameAlign]byte
	f.buf = append(f.buf, zeros[:int(f.h.size())-len(f.buf)]...)
}

// checkPayload computes the checksum of what the frame holds.
func (f *frame) checkPayload() {
	f.h.crc = checksum(crcInit, f.buf[frameHeaderBytes:frameHeaderBytes+int(f.h.payload)])
}
