package spool

import "testing"

// Whatever bytes are in a directory: opening and reading it ends, without a
// panic, returns no more than there is, and the next process works.
func FuzzRecover(f *testing.F) {
	l := &life{m: newMemFS(), prefixes: map[Prefix]bool{}}
	if err := l.open(manual(l.m)); err != nil {
		f.Fatal(err)
	}
	for range 6 {
		l.append(5)
		l.step()
	}
	l.settle(1, 3)
	l.settle(8, 9)
	l.sync()
	l.step()
	segment, ack, meta := l.m.names[segmentName(1)].data, l.m.names[ackName].data, l.m.names[metaName].data
	f.Add(segment, segment, ack, meta)
	f.Add(segment[:700], segment[100:], ack[:slotBytes], meta[:10])
	f.Add([]byte{}, []byte{}, []byte{}, []byte{})
	f.Fuzz(func(t *testing.T, first, second, ack, meta []byte) {
		m := newMemFS()
		for name, data := range map[string][]byte{segmentName(1): first, segmentName(2): second, ackName: ack, metaName: meta} {
			m.names[name] = &inode{data: append([]byte(nil), data...), dirty: map[int]bool{}}
		}
		if _, err := inspect(m, nil); err != nil {
			t.Skip(err) // a newer version
		}
		s, err := Open(manual(m))
		if err != nil {
			t.Skip(err)
		}
		var p Page
		records, bytes := 0, 0
		for s.Read(&p) == nil {
			records += len(p.Sizes)
			bytes += len(p.Data)
		}
		if bytes > len(first)+len(second) || records > len(first)+len(second) {
			t.Fatalf("%d records of %d bytes from %d", records, bytes, len(first)+len(second))
		}
		next := s.Next()
		l := &life{m: m, s: s, prefixes: map[Prefix]bool{}}
		l.append(3)
		l.sync()
		if s.Durable() < next+2 {
			t.Fatalf("durable up to %d, appended up to %d: %v", s.Durable(), next+2, s.Stats().Err)
		}
	})
}
