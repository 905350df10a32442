package spool

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"testing"
)

func mustOpen(t testing.TB, opts Options) *Spool {
	t.Helper()
	s, err := Open(opts)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// rec is the record with a sequence number: it says which one it is, and its
// length differs.
func rec(seq uint64) []byte {
	return fmt.Appendf(nil, "%d:%s", seq, bytes.Repeat([]byte{byte(seq)}, int(seq*7%41)))
}

// span is n records from first on.
func span(first uint64, n int) Span {
	p := Span{First: first}
	for i := range n {
		b := rec(first + uint64(i))
		p.Data = append(p.Data, b...)
		p.Sizes = append(p.Sizes, uint32(len(b)))
	}
	return p
}

func mustAppend(t testing.TB, s *Spool, first uint64, n int) {
	t.Helper()
	if got, err := s.Append(span(first, n)); got != n || err != nil {
		t.Fatalf("Append(%d, %d): %d, %v", first, n, got, err)
	}
}

// release is Release, and counts the records that are gone.
func release(s *Spool, lo, hi uint64) (gone int64) {
	from, to := s.Release(lo, hi)
	if to < from {
		return int64(hi + 1 - lo)
	}
	return int64(hi+1-lo) - int64(to+1-from)
}

// readAll reads until the end, checks that records are what was appended, and returns
// their sequence numbers.
func readAll(t testing.TB, s *Spool) (seqs []uint64) {
	t.Helper()
	var p Page
	for {
		err := s.Read(&p)
		if errors.Is(err, io.EOF) {
			return seqs
		}
		if err != nil {
			t.Fatal(err)
		}
		seqs = append(seqs, checkPage(t, &p)...)
	}
}

func checkPage(t testing.TB, p *Page) (seqs []uint64) {
	t.Helper()
	data := p.Data
	for i, size := range p.Sizes {
		seq := p.First + uint64(i)
		if !bytes.Equal(data[:size], rec(seq)) {
			t.Fatalf("record %d is %q", seq, data[:size])
		}
		data = data[size:]
		seqs = append(seqs, seq)
	}
	if len(data) != 0 {
		t.Fatalf("%d bytes too many", len(data))
	}
	return seqs
}

// seqRangeList is lo to hi.
func rangeOf(lo, hi uint64) (seqs []uint64) {
	for ; lo <= hi; lo++ {
		seqs = append(seqs, lo)
	}
	return seqs
}
