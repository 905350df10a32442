package tail

import (
	"bytes"
	"errors"
	"io"
	"time"
)

// readBytes is how much of a file is read at once, before the next one has its turn.
const readBytes = 256 << 10

// timeStep is more than the steps of modification times: 2 s on FAT, less elsewhere.
const timeStep = 3 * time.Second

// read hands the whole records that a file has to the sink, up to readBytes of
// them, and reports whether there may be more.
func (f *Follower) read(n *file, now time.Time) (more bool) {
	if n.f == nil || n.HeadBytes == 0 {
		return false
	}
	info, err := n.f.Stat()
	if err != nil {
		f.warnOnce(err.Error())
		return false
	}
	n.was, n.size = n.size, info.Size()
	touched := !info.ModTime().Equal(n.compared)
	if time.Since(info.ModTime()) > timeStep { // else the next change may not be seen in it
		n.compared = info.ModTime()
	}
	switch {
	case n.size < n.scanned:
		f.truncated(n, now)
		return true
	case n.size == n.scanned: // nothing new
		if touched { // or other content of the same size
			if _, ok := f.load(n, 0); !ok {
				f.truncated(n, now)
				return true
			}
		}
		if n.scanned > n.offset && (n.retired && n.isFinal(now) || f.opts.Begins != nil && now.Sub(n.grown) >= f.opts.Wait) {
			return f.flush(n, now)
		}
		return false
	}
	n.grown = now
	data, ok := f.load(n, readBytes)
	if !ok {
		f.truncated(n, now)
		return true
	}
	if len(data) == 0 {
		return false // it cannot be read, or is being truncated
	}
	took, whole := f.hand(n, data)
	if f.stopped {
		return false
	}
	if took == 0 && len(data) >= readBytes {
		return f.readLong(n, now)
	}
	n.scanned = max(n.scanned, n.offset)
	if !whole {
		n.scanned = n.offset + int64(len(data)-took)
	}
	return n.scanned < n.size
}

// isFinal reports whether an unfinished line of a rotated file will stay so.
func (n *file) isFinal(now time.Time) bool {
	wait := deletedWait / 2
	if n.copied {
		wait = pollEvery
	}
	return now.Sub(n.grown) >= wait
}

// load reads up to size bytes from the position on. It reports false if the bytes
// before the position, or those at the beginning, are not those that were read: the
// file was truncated, and has grown again.
func (f *Follower) load(n *file, size int) (data []byte, ok bool) {
	before := len(n.tail)
	buf := f.buf[:before+min(size, len(f.buf)-before)]
	got, err := n.f.ReadAt(buf, n.offset-int64(before))
	if err != nil && !errors.Is(err, io.EOF) {
		f.warnOnce(err.Error())
		return nil, true
	}
	if got < before || !bytes.Equal(buf[:before], n.tail) || !n.isSame() {
		return nil, false
	}
	return buf[before:got], true
}

// hand hands the whole records in data, which begins at the position, to the sink,
// and moves the position. It returns how many bytes that were, and whether nothing
// is left.
func (f *Follower) hand(n *file, data []byte) (took int, whole bool) {
	from := f.sink.Mark()
	begin := n.offset
	for took < len(data) && data[took] == 0 {
		took++ // a writer that went on at its old place, after a truncation, leaves a hole
	}
	for {
		end, next := f.recordEnd(data[took:])
		if end < 0 {
			break
		}
		if !f.take(n, begin+int64(took), data[took:took+end], 0) {
			f.stopped = true
			break
		}
		took += next
	}
	if took == 0 {
		return 0, len(data) == 0
	}
	if n.learn(begin, data[:took]) {
		f.dirty = true
	}
	f.moved(n, from, begin+int64(took), data[:took])
	return took, took == len(data)
}

// moved notes that all before offset was handed over; read are the bytes before it.
func (f *Follower) moved(n *file, from mark, offset int64, read []byte) {
	if len(read) < tailBytes {
		read = append(bytes.Clone(n.tail), read...)
	}
	n.moveTo(offset, read)
	n.waiting = append(n.waiting, handed{from: from, to: f.sink.Mark(), offset: offset, tail: n.tail})
}

// recordEnd returns where the first record of data ends, and where the next one
// begins; -1 if it does not end in data.
func (f *Follower) recordEnd(data []byte) (end, next int) {
	end = bytes.IndexByte(data, '\n')
	if end < 0 || f.opts.Begins == nil {
		return end, end + 1
	}
	for {
		line := data[end+1:]
		i := bytes.IndexByte(line, '\n')
		if i < 0 {
			return -1, 0
		}
		if f.opts.Begins(bytes.TrimSuffix(line[:i], []byte{'\r'})) {
			return end, end + 1
		}
		end += 1 + i
	}
}

// take hands one record to the sink, unless it is blank.
func (f *Follower) take(n *file, offset int64, record []byte, cut int) bool {
	if cut == 0 {
		record = bytes.TrimSuffix(record, []byte{'\r'})
	}
	if len(bytes.TrimSpace(record)) == 0 && cut == 0 {
		return true
	}
	return f.sink.Take(n.place(offset), record, cut)
}

// readLong deals with a record that is longer than readBytes: one that is longer
// than MaxLine is cut there; of several lines it goes on as another one.
func (f *Follower) readLong(n *file, now time.Time) (more bool) {
	data, ok := f.load(n, len(f.buf))
	if !ok {
		f.truncated(n, now)
		return true
	}
	if took, _ := f.hand(n, data); took > 0 || f.stopped {
		return true
	}
	if len(data) <= f.opts.MaxLine { // its end is not there yet
		n.scanned = n.offset + int64(len(data))
		return n.scanned < n.size
	}
	from, begin := f.sink.Mark(), n.offset
	if f.opts.Begins != nil {
		part := data[:f.opts.MaxLine]
		if i := bytes.LastIndexByte(part, '\n'); i > 0 {
			part = part[:i+1]
		}
		if f.stopped = !f.take(n, begin, bytes.TrimSuffix(part, []byte{'\n'}), 0); !f.stopped {
			f.moved(n, from, begin+int64(len(part)), part)
		}
		return true
	}
	end := f.lineEnd(n, max(n.scanned, begin+int64(len(data))))
	if end < 0 {
		return false
	}
	if f.stopped = !f.take(n, begin, data[:f.opts.MaxLine], int(end-begin)-f.opts.MaxLine); f.stopped {
		return false
	}
	before := make([]byte, tailBytes)
	if _, err := n.f.ReadAt(before, end+1-tailBytes); err != nil {
		f.truncated(n, now)
		return true
	}
	f.moved(n, from, end+1, before)
	return true
}

// lineEnd looks for the end of a line from an offset on, and notes how far it did.
func (f *Follower) lineEnd(n *file, from int64) int64 {
	buf := make([]byte, readBytes)
	for {
		got, _ := n.f.ReadAt(buf, from)
		if i := bytes.IndexByte(buf[:got], '\n'); i >= 0 {
			return from + int64(i)
		}
		from += int64(got)
		if got < len(buf) {
			n.scanned = from
			return -1
		}
	}
}

// flush hands over what is unfinished: a record of several lines that nothing was
// added to for a while, or the last line of a file that was rotated.
func (f *Follower) flush(n *file, now time.Time) (more bool) {
	data, ok := f.load(n, len(f.buf))
	if !ok {
		f.truncated(n, now)
		return true
	}
	if len(data) == 0 || !n.retired && data[len(data)-1] != '\n' {
		return false
	}
	from, begin := f.sink.Mark(), n.offset
	record := bytes.TrimRight(data, "\n")
	cut := max(len(record)-f.opts.MaxLine, 0)
	if f.stopped = !f.take(n, begin, record[:len(record)-cut], cut); !f.stopped {
		f.moved(n, from, begin+int64(len(data)), data)
	}
	return false
}

// finish hands over what a file has left, for nobody waits for more.
func (f *Follower) finish(n *file) {
	if n.f == nil || f.stopped {
		return
	}
	n.retired = true
	if n.HeadBytes == 0 && n.identify() {
		f.save(time.Now())
	}
	for more := true; more && !f.stopped; {
		more = f.read(n, time.Now())
	}
	if n.HeadBytes > 0 && n.scanned > n.offset && !f.stopped {
		f.flush(n, time.Now())
	}
}
