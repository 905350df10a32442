package spool

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
)

const (
	ackName  = "ACK"
	metaName = "META"
	newName  = ".new" // the suffix of a file that is not in its place yet

	ackMagic  = 0x4b415053 // "SPAK"
	metaMagic = 0x454d5053 // "SPME"

	slotBytes  = 4096
	ackBytes   = 2 * slotBytes
	slotHeader = 88
	ackRanges  = 64 // that are kept; the records of more are sent again after a crash
	metaBytes  = 16
)

// ack is what the file ACK says, in one of its two slots:
//
//	0 magic u32         16 settled-through u64      48 last sequence number u64   72 torn u64
//	4 version u16       24 durable ordinal u64      56 dropped u64                80 zeros u32
//	6 count of ranges   32 first ordinal u64        64 corrupt u64                84 CRC u32
//	8 generation u64    40 durable-through u64      88 ranges: first u64, last u64
//
// The slot that was made durable last is not written to before the other one
// is durable, so that a torn write costs the newest acknowledgements only.
type ack struct {
	generation uint64
	settled    settled
	proof      proof
	first      uint64 // the ordinal of the first record of the oldest segment that is still needed
	lastSeq    uint64 // the highest sequence number that was written
	lost       Lost
}

// proof is what is known to have been durable: all records below an ordinal,
// and all up to a sequence number.
type proof struct{ ordinal, seq uint64 }

func (a *ack) encode(b []byte) {
	clear(b[:slotBytes])
	n := min(len(a.settled.ranges), ackRanges)
	binary.LittleEndian.PutUint32(b, ackMagic)
	binary.LittleEndian.PutUint16(b[4:], formatVersion)
	binary.LittleEndian.PutUint16(b[6:], uint16(n))
	for i, v := range []uint64{
		a.generation, a.settled.through, a.proof.ordinal, a.first, a.proof.seq, a.lastSeq,
		uint64(a.lost.Dropped), uint64(a.lost.Corrupt), uint64(a.lost.Torn),
	} {
		binary.LittleEndian.PutUint64(b[8+8*i:], v)
	}
	for i, r := range a.settled.ranges[:n] {
		binary.LittleEndian.PutUint64(b[slotHeader+16*i:], r.lo)
		binary.LittleEndian.PutUint64(b[slotHeader+16*i+8:], r.hi)
	}
	binary.LittleEndian.PutUint32(b[84:], slotChecksum(b, n))
}

// slotChecksum leaves out the place of the checksum itself.
func slotChecksum(b []byte, ranges int) uint32 {
	return checksum(checksum(crcInit, b[:84]), b[slotHeader:slotHeader+16*ranges])
}

func (a *ack) decode(b []byte) bool {
	if len(b) < slotBytes || binary.LittleEndian.Uint32(b) != ackMagic {
		return false
	}
	n := int(binary.LittleEndian.Uint16(b[6:]))
	if n > ackRanges || binary.LittleEndian.Uint32(b[84:]) != slotChecksum(b, n) {
		return false
	}
	v := func(i int) uint64 { return binary.LittleEndian.Uint64(b[8+8*i:]) }
	*a = ack{
		generation: v(0), settled: settled{through: v(1)}, proof: proof{v(2), v(4)}, first: v(3), lastSeq: v(5),
		lost: Lost{Dropped: int64(v(6)), Corrupt: int64(v(7)), Torn: int64(v(8))},
	}
	for i := range n {
		lo, hi := binary.LittleEndian.Uint64(b[slotHeader+16*i:]), binary.LittleEndian.Uint64(b[slotHeader+16*i+8:])
		if hi >= maxSeq {
			return false
		}
		a.settled.add(lo, hi)
	}
	return max(a.settled.through, a.proof.ordinal, a.proof.seq, a.first, a.lastSeq) < maxSeq
}

// readAck returns the newest acknowledgement that is readable, nil if none is.
// whole reports that no slot was there that could not be read.
func readAck(dir filesystem) (newest *ack, slot int, whole bool, err error) {
	b, err := readSmall(dir, ackName, ackBytes)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, 0, true, nil
	case errors.Is(err, ErrUnsafe):
		return nil, 0, false, err
	}
	whole = len(b) == ackBytes
	for i := range 2 {
		if len(b) < (i+1)*slotBytes {
			break
		}
		page := b[i*slotBytes:][:slotBytes]
		var a ack
		switch {
		case !a.decode(page):
			whole = whole && allZero(page)
		case newest == nil || a.generation > newest.generation:
			newest, slot = &a, i
		}
	}
	return newest, slot, whole && newest != nil, nil
}

// readSmall reads at most size bytes of a file.
func readSmall(dir filesystem, name string, size int) ([]byte, error) {
	f, err := dir.open(name, false)
	if err != nil {
		return nil, err
	}
	defer f.Close() //nolint:errcheck // it was only read
	length, err := f.size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, min(int64(size), length))
	n, err := f.ReadAt(b, 0)
	if n == len(b) {
		err = nil
	}
	return b[:n], err
}

// ackFile is the file ACK, owned by run.
type ackFile struct {
	f      file // nil: it must be made first
	slot   int  // the next one to write
	synced bool // nothing was written since the last sync
	unsure bool // slot holds the newest of an earlier process, durable or not
}

// write puts a into the next slot.
func (k *ackFile) write(dir filesystem, a *ack) error {
	if k.f == nil {
		return k.replace(dir, a)
	}
	if k.unsure { // it must be durable before the other one goes
		if err := k.sync(); err != nil {
			return err
		}
		k.unsure = false
	}
	b := make([]byte, slotBytes)
	a.encode(b)
	k.synced = false
	if _, err := k.f.WriteAt(b, int64(k.slot)*slotBytes); err != nil {
		k.drop()
		return fmt.Errorf("write %s: %w", ackName, err)
	}
	return nil
}

// sync makes durable what was written.
func (k *ackFile) sync() error {
	if k.f == nil {
		return fmt.Errorf("sync %s: %w", ackName, fs.ErrClosed)
	}
	if k.synced {
		return nil
	}
	if err := k.f.sync(); err != nil {
		k.drop()
		return fmt.Errorf("sync %s: %w", ackName, err)
	}
	k.synced = true
	k.slot = 1 - k.slot
	return nil
}

// drop lets go of a file that failed: what it holds is not known any more, and
// it is made anew, from memory.
func (k *ackFile) drop() {
	k.unsure = false
	if k.f != nil {
		_ = k.f.Close() // it failed before
		k.f = nil
	}
}

// replace makes the file anew, with both of its slots allocated, and durable.
func (k *ackFile) replace(dir filesystem, a *ack) error {
	b := make([]byte, ackBytes)
	a.encode(b)
	f, err := makeFile(dir, ackName, b)
	if err != nil {
		return err
	}
	k.f, k.slot, k.synced = f, 1, true
	return nil
}

// makeFile puts a file in its place at once: whoever looks finds the old one or
// the new one, also after a crash.
func makeFile(dir filesystem, name string, data []byte) (f file, err error) {
	defer func() {
		if err != nil && f != nil {
			_ = f.Close() // there is a first error to tell
			f = nil
		}
		if err != nil {
			err = fmt.Errorf("make %s: %w", name, err)
		}
	}()
	if err := dir.remove(name + newName); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if f, err = dir.create(name + newName); err != nil {
		return nil, err
	}
	if _, err = f.WriteAt(data, 0); err != nil {
		return f, err
	}
	if err := f.sync(); err != nil {
		return f, err
	}
	if err := dir.rename(name+newName, name); err != nil {
		return f, err
	}
	return f, dir.syncDir()
}

// readMeta checks that the directory is of a format that this code knows. A
// META that is missing or unreadable says nothing; every segment has the format
// in its header too.
func readMeta(dir filesystem) (ok bool, err error) {
	b, err := readSmall(dir, metaName, metaBytes)
	if errors.Is(err, ErrUnsafe) {
		return false, err
	}
	if len(b) < metaBytes || binary.LittleEndian.Uint32(b) != metaMagic ||
		binary.LittleEndian.Uint32(b[12:]) != checksum(crcInit, b[:12]) {
		return false, nil
	}
	if v := binary.LittleEndian.Uint32(b[4:]); v > formatVersion {
		return false, fmt.Errorf("%w: format %d, and this is %d", ErrVersion, v, formatVersion)
	}
	return true, nil
}

func encodeMeta() []byte {
	b := make([]byte, metaBytes)
	binary.LittleEndian.PutUint32(b, metaMagic)
	binary.LittleEndian.PutUint32(b[4:], formatVersion)
	binary.LittleEndian.PutUint32(b[12:], checksum(crcInit, b[:12]))
	return b
}
