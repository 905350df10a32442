package spool

import (
	"encoding/binary"
	"hash/crc32"
	"strconv"
	"strings"
)

// The constants of this file are the format: what they say is on disks already.
const (
	formatVersion = 1

	segmentMagic = 0x47535053 // "SPSG"
	frameMagic   = 0x52465053 // "SPFR"

	segmentHeaderBytes = 64
	frameHeaderBytes   = 88
	frameAlign         = 8

	frameRecords = 1 // the only type of frame so far

	// crcInit is where checksums start, so that zeros never check.
	crcInit = 0x53504f4c

	// framePayload is how many bytes of records a frame holds, unless one record
	// alone is longer.
	framePayload = 64 << 10

	// maxPayload bounds the frame of a single record.
	maxPayload = 1 << 30

	segmentPrefix = "seg-"
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func checksum(crc uint32, b []byte) uint32 { return crc32.Update(crc, castagnoli, b) }

func align(n int64) int64 { return (n + frameAlign - 1) &^ (frameAlign - 1) }

// Prefix is the random part of the ids of all records of one Open.
type Prefix [16]byte

// segmentHeader begins a segment. All of it is in the frames too: a segment
// whose header is unreadable loses nothing.
//
//	0 magic u32    8 segment number u64    32 first sequence number u64    48 since u64
//	4 version u16 16 prefix                40 first ordinal u64            56 zeros u32
//	6 zeros u16                                                            60 CRC u32
//
// since is the number of an older segment whose sync failed: the frames that were
// not durable then, in it and after it, come again from here on. It is 0
// otherwise.
type segmentHeader struct {
	version  uint16
	number   uint64
	prefix   Prefix
	firstSeq uint64
	ordinal  uint64
	since    uint64
}

func (h *segmentHeader) encode(b []byte) {
	clear(b[:segmentHeaderBytes])
	binary.LittleEndian.PutUint32(b, segmentMagic)
	binary.LittleEndian.PutUint16(b[4:], formatVersion)
	binary.LittleEndian.PutUint64(b[8:], h.number)
	copy(b[16:], h.prefix[:])
	binary.LittleEndian.PutUint64(b[32:], h.firstSeq)
	binary.LittleEndian.PutUint64(b[40:], h.ordinal)
	binary.LittleEndian.PutUint64(b[48:], h.since)
	binary.LittleEndian.PutUint32(b[60:], checksum(crcInit, b[:60]))
}

func (h *segmentHeader) decode(b []byte) bool {
	if len(b) < segmentHeaderBytes || binary.LittleEndian.Uint32(b) != segmentMagic ||
		binary.LittleEndian.Uint32(b[60:]) != checksum(crcInit, b[:60]) {
		return false
	}
	h.version = binary.LittleEndian.Uint16(b[4:])
	h.number = binary.LittleEndian.Uint64(b[8:])
	copy(h.prefix[:], b[16:])
	h.firstSeq = binary.LittleEndian.Uint64(b[32:])
	h.ordinal = binary.LittleEndian.Uint64(b[40:])
	h.since = binary.LittleEndian.Uint64(b[48:])
	return max(h.firstSeq, h.ordinal) < maxSeq
}

// frameHeader begins a frame.
//
//	 0 magic u32               24 segment number u64       56 prefix
//	 4 type u8, flags u8       32 ordinal u64              72 bytes of records u32
//	 6 records' version u8, 0  40 synced-through u64       76 zeros
//	 8 payload length u32      48 acked-through u64        80 CRC of the payload u32
//	12 record count u32                                    84 CRC of these 84 bytes u32
//	16 first sequence number u64
//
// The ordinal numbers the records that were ever written to the directory,
// without holes: two frames in a row tell how many records are lost between
// them. synced-through is the ordinal below which all was durable when the
// frame was written, acked-through the sequence number up to which all was
// settled then. The header has a checksum of its own, so that the end of a
// frame is known though its payload is bad.
type frameHeader struct {
	version byte
	payload uint32
	count   uint32
	first   uint64
	segment uint64
	ordinal uint64
	synced  uint64
	acked   uint64
	prefix  Prefix
	data    uint32
	crc     uint32
}

func (h *frameHeader) encode(b []byte) {
	clear(b[:frameHeaderBytes])
	binary.LittleEndian.PutUint32(b, frameMagic)
	b[4] = frameRecords
	b[6] = h.version
	binary.LittleEndian.PutUint32(b[8:], h.payload)
	binary.LittleEndian.PutUint32(b[12:], h.count)
	binary.LittleEndian.PutUint64(b[16:], h.first)
	binary.LittleEndian.PutUint64(b[24:], h.segment)
	binary.LittleEndian.PutUint64(b[32:], h.ordinal)
	binary.LittleEndian.PutUint64(b[40:], h.synced)
	binary.LittleEndian.PutUint64(b[48:], h.acked)
	copy(b[56:], h.prefix[:])
	binary.LittleEndian.PutUint32(b[72:], h.data)
	binary.LittleEndian.PutUint32(b[80:], h.crc)
	binary.LittleEndian.PutUint32(b[84:], checksum(crcInit, b[:84]))
}

// decode reports whether b begins with the header of a frame of the segment.
func (h *frameHeader) decode(b []byte, segment uint64) bool {
	if len(b) < frameHeaderBytes || binary.LittleEndian.Uint32(b) != frameMagic ||
		binary.LittleEndian.Uint32(b[84:]) != checksum(crcInit, b[:84]) || b[4] != frameRecords || b[5] != 0 {
		return false
	}
	h.version = b[6]
	h.payload = binary.LittleEndian.Uint32(b[8:])
	h.count = binary.LittleEndian.Uint32(b[12:])
	h.first = binary.LittleEndian.Uint64(b[16:])
	h.segment = binary.LittleEndian.Uint64(b[24:])
	h.ordinal = binary.LittleEndian.Uint64(b[32:])
	h.synced = binary.LittleEndian.Uint64(b[40:])
	h.acked = binary.LittleEndian.Uint64(b[48:])
	copy(h.prefix[:], b[56:])
	h.data = binary.LittleEndian.Uint32(b[72:])
	h.crc = binary.LittleEndian.Uint32(b[80:])
	// A record takes a byte at least, that of its length: what comes of these
	// numbers is bounded by the file.
	return h.segment == segment && h.count > 0 && h.data <= h.payload && h.count <= h.payload-h.data &&
		h.payload <= maxPayload && h.first > 0 && max(h.first, h.ordinal, h.acked) < maxSeq
}

func (h *frameHeader) last() uint64 { return h.first + uint64(h.count) - 1 } // its newest sequence number
func (h *frameHeader) end() uint64  { return h.ordinal + uint64(h.count) }   // the ordinal after it
func (h *frameHeader) size() int64  { return align(frameHeaderBytes + int64(h.payload)) }

// decodeSizes reads the lengths after the records of a payload. It reports
// false where they do not add up.
func (h *frameHeader) decodeSizes(sizes []uint32, payload []byte) ([]uint32, bool) {
	table := payload[h.data:]
	left := uint64(h.data)
	for range h.count {
		var n uint64
		switch {
		case len(table) > 0 && table[0] < 0x80:
			n, table = uint64(table[0]), table[1:]
		case len(table) > 1 && table[1] < 0x80:
			n, table = uint64(table[0]&0x7f)|uint64(table[1])<<7, table[2:]
		default:
			var k int
			if n, k = binary.Uvarint(table); k <= 0 {
				return sizes, false
			}
			table = table[k:]
		}
		if n > left {
			return sizes, false
		}
		left -= n
		sizes = append(sizes, uint32(n))
	}
	return sizes, left == 0 && len(table) == 0
}

func segmentName(number uint64) string {
	digits := strconv.FormatUint(number, 16)
	return segmentPrefix + "0000000000000000"[len(digits):] + digits
}

func parseSegmentName(name string) (uint64, bool) {
	digits, ok := strings.CutPrefix(name, segmentPrefix)
	if !ok || len(digits) != 16 {
		return 0, false
	}
	n, err := strconv.ParseUint(digits, 16, 64)
	return n, err == nil && name == segmentName(n)
}
