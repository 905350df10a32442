package spool

import (
	"errors"
	"io/fs"
)

// Report is what Inspect finds in a directory.
type Report struct {
	Segments  []SegmentInfo
	Records   int64  // that are readable and not settled
	Missing   int64  // records that are not settled, and that the segments show to be missing
	Bad       int    // ranges that are no frame, the end of the newest segment aside
	Settled   uint64 // the sequence number up to which all is settled
	Deferred  int    // settled ranges above it
	Lost      Lost   // what owners have counted so far
	AckBad    bool   // a slot of ACK is unreadable
	MetaBad   bool   // META is missing or unreadable
	Kept      int64  // bytes in quarantine
	UsedBytes int64
}

// SegmentInfo describes one segment.
type SegmentInfo struct {
	Name        string
	Bytes       int64
	Prefix      Prefix // of its first frame
	First, Last uint64 // sequence numbers
	Frames      int
	Records     int64 // settled ones too
	Bad         int   // ranges that are no frame
	BadHeader   bool
	Torn        bool // it is the newest, and ends in bytes that are no frame
}

// Inspect reads a directory without changing it, and without its lock: it may
// be in use. Every frame is checked. each, unless nil, is called with
// all records that are not settled, in order; an error of it ends Inspect.
func Inspect(path string, each func(p *Page) error) (*Report, error) {
	dir, err := openDir(path, false)
	if err != nil {
		return nil, err
	}
	r, err := inspect(dir, each)
	return r, errors.Join(err, dir.close())
}

func inspect(dir filesystem, each func(p *Page) error) (*Report, error) {
	var r Report
	meta, err := readMeta(dir)
	if err != nil {
		return nil, err
	}
	a, _, whole, err := readAck(dir)
	if err != nil {
		return nil, err
	}
	if a == nil {
		a = &ack{}
	}
	r.MetaBad, r.AckBad = !meta, !whole
	r.Settled, r.Deferred, r.Lost = a.settled.through, len(a.settled.ranges), a.lost
	if infos, err := dir.list(quarantineDir); err == nil {
		for _, info := range infos {
			r.Kept += info.Size()
		}
	}
	infos, err := dir.list(".")
	if err != nil {
		return nil, err
	}
	in := inspector{dir: dir, report: &r, settled: a.settled, each: each}
	if in.heads, err = listSegments(dir, infos); err != nil {
		return nil, err
	}
	for _, seg := range in.heads {
		if seg.first > 0 && (!in.track.begun || seg.base < in.track.expect) {
			in.track = track{begun: true, expect: seg.base, last: seg.first - 1}
		}
	}
	for _, info := range infos {
		number, ok := parseSegmentName(info.Name())
		if !ok {
			continue
		}
		if err := in.segment(number, info); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return &r, err
		}
	}
	if n := len(r.Segments); n > 0 && r.Segments[n-1].Torn {
		r.Segments[n-1].Bad--
	}
	for _, seg := range r.Segments {
		r.Bad += seg.Bad
	}
	if a.proof.ordinal > in.track.expect && whole {
		r.Missing += int64(min(a.proof.ordinal-in.track.expect, in.settled.open(in.track.last+1, a.proof.seq)))
	}
	return &r, nil
}

// inspector goes through the segments of a directory.
type inspector struct {
	dir     filesystem
	report  *Report
	settled settled
	each    func(*Page) error
	heads   []*segment
	again   uint64 // see cursor
	track   track
	sizes   []uint32
}

func (in *inspector) segment(number uint64, info fs.FileInfo) error {
	f, err := in.dir.open(info.Name(), false)
	if err != nil {
		return err
	}
	defer f.Close() //nolint:errcheck // it was only read
	si := SegmentInfo{Name: info.Name(), Bytes: info.Size()}
	head := make([]byte, segmentHeaderBytes)
	n, _ := f.ReadAt(head, 0) // what cannot be read does not check
	var h segmentHeader
	si.BadHeader = !h.decode(head[:n]) || h.number != number
	in.again = comesAgain(in.heads, number)
	c := newScanner(f, number, info.Size())
	for kind := c.next(true); kind != foundEnd; kind = c.next(true) {
		si.Torn = kind == foundBad
		if kind == foundBad {
			si.Bad++
			continue
		}
		if si.Frames == 0 {
			si.Prefix, si.First = c.h.prefix, c.h.first
		}
		si.Frames++
		si.Records += int64(c.h.count)
		si.Last = c.h.last()
		if err := in.frame(c); err != nil {
			return err
		}
	}
	in.report.Segments = append(in.report.Segments, si)
	in.report.UsedBytes += si.Bytes
	return nil
}

func (in *inspector) frame(c *scanner) error {
	if in.track.begun && c.h.ordinal > in.track.expect && c.h.ordinal >= in.again {
		return nil
	}
	missing, lo, hi, again := in.track.pass(&c.h)
	if again {
		return nil
	}
	if missing > 0 && lo <= hi {
		in.report.Missing += int64(min(missing, in.settled.open(lo, hi)))
	}
	var ok bool
	if in.sizes, ok = c.h.decodeSizes(in.sizes[:0], c.payload); !ok {
		in.report.Missing += int64(in.settled.open(c.h.first, c.h.last()))
		return nil
	}
	at, data := 0, 0
	for seq := c.h.first; seq <= c.h.last(); {
		first, n := in.settled.next(seq, c.h.last())
		if n == 0 {
			break
		}
		for ; seq < first; seq++ {
			data += int(in.sizes[at])
			at++
		}
		from, sizes := data, in.sizes[at:][:n]
		for _, size := range sizes {
			data += int(size)
		}
		at += int(n)
		seq += n
		in.report.Records += int64(n)
		if in.each == nil {
			continue
		}
		p := Page{Prefix: c.h.prefix, Version: c.h.version, Span: Span{First: first, Data: c.payload[from:data:data], Sizes: sizes}}
		if err := in.each(&p); err != nil {
			return err
		}
	}
	return nil
}

// Empty settles all records in a directory, as its owner, and returns their number.
func Empty(opts Options) (int64, error) {
	s, err := Open(opts)
	if err != nil {
		return 0, err
	}
	n := s.Discard()
	return n, s.Close()
}
