package tail

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"time"

	"github.com/slogship/slogship"
)

const (
	headBytes = 1024 // at most, of the first lines, are what tells files apart
	tailBytes = 64   // before a position are what tells that it is still there
)

// A key is what the file system calls a file: device and inode, on Windows volume and
// index.
type key struct{ Device, Inode uint64 }

// An entry is what is noted of a file.
type entry struct {
	ID        string // of all its records, in hexadecimal
	Path      string
	Key       key
	Head      string // SHA-256 of its first HeadBytes bytes
	HeadBytes int    // 0: it has no whole line yet
	Offset    int64  // all before it is acknowledged
	Tail      []byte // the bytes before Offset
}

// A file is one that is followed, or was: from its beginning to its truncation.
type file struct {
	entry
	id [16]byte

	f        *os.File  // nil: nothing more is read
	offset   int64     // where the next record begins
	scanned  int64     // nothing that ends a record is before it, from offset on
	size     int64     // when it was looked at last
	was      int64     // its size when it was looked at the time before
	compared time.Time // its modification time when its content was compared last
	head     []byte    // the bytes that Head is of; nil until they are needed
	tail     []byte    // the bytes before offset
	grown    time.Time
	retired  bool // it is not at Path any more
	copied   bool // f is a copy of it, made before it was truncated

	waiting []handed
}

// handed is what was handed to the sink at once.
type handed struct {
	from, to slogship.Mark
	offset   int64 // where it ends
	tail     []byte
}

// openFile opens a file that was not followed before.
func openFile(path string) (*file, error) {
	f, err := openShared(path)
	if err != nil {
		return nil, err
	}
	k, info, err := fileKey(f)
	if err != nil {
		_ = f.Close() // it was opened for reading
		return nil, err
	}
	return newFile(f, info.Size(), entry{Path: path, Key: k}), nil
}

func newFile(f *os.File, size int64, e entry) *file {
	n := &file{f: f, size: size, entry: e}
	rand.Read(n.id[:]) // never fails, as its documentation says
	n.ID = hex.EncodeToString(n.id[:])
	return n
}

// successor is the file that is in place of n since a truncation.
func (n *file) successor(now time.Time) *file {
	next := newFile(n.f, n.size, entry{Path: n.Path, Key: n.Key})
	next.grown, next.retired = now, n.retired
	return next
}

func (n *file) close() {
	if n.f != nil {
		_ = n.f.Close() // it was opened for reading
		n.f = nil
	}
}

// skipToLastLine moves the position to the beginning of the last line.
func (n *file) skipToLastLine() {
	buf := make([]byte, min(n.size, readBytes))
	got, err := n.f.ReadAt(buf, n.size-int64(len(buf)))
	if err != nil && !errors.Is(err, io.EOF) {
		return
	}
	if i := bytes.LastIndexByte(buf[:got], '\n'); i >= 0 {
		n.moveTo(n.size-int64(len(buf))+int64(i)+1, buf[:i+1])
		n.Offset, n.Tail = n.offset, n.tail
	}
}

// moveTo sets the position; before ends with the bytes before it.
func (n *file) moveTo(offset int64, before []byte) {
	n.offset, n.scanned = offset, offset
	n.tail = bytes.Clone(before[max(len(before)-tailBytes, 0):])
}

// identify notes the first lines, if one is there.
func (n *file) identify() bool {
	buf := make([]byte, headBytes)
	got, err := n.f.ReadAt(buf, 0)
	if err != nil && !errors.Is(err, io.EOF) {
		return false
	}
	buf = buf[:got]
	if i := bytes.LastIndexByte(buf, '\n'); i >= 0 {
		buf = buf[:i+1]
	} else if got < headBytes && !n.retired {
		return false
	}
	if len(buf) == 0 {
		return false
	}
	n.Head, n.HeadBytes = digest(buf), len(buf)
	return true
}

// learn adds what was read to what tells files apart: many programs begin each of
// their files with the same line.
func (n *file) learn(begin int64, read []byte) (more bool) {
	known := int64(n.HeadBytes)
	if known >= headBytes || begin > known || begin+int64(len(read)) <= known {
		return false
	}
	n.head = append(n.head[:known:known], read[known-begin:min(headBytes-begin, int64(len(read)))]...)
	n.Head, n.HeadBytes = digest(n.head), len(n.head)
	return true
}

func digest(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// isIn reports whether what is noted was read from the front of f.
func (e *entry) isIn(f *os.File) bool {
	info, err := f.Stat()
	if err != nil || info.Size() < e.Offset || info.Size() < int64(e.HeadBytes) {
		return false
	}
	head := make([]byte, e.HeadBytes)
	if _, err := f.ReadAt(head, 0); err != nil || digest(head) != e.Head {
		return false
	}
	tail := make([]byte, len(e.Tail))
	_, err = f.ReadAt(tail, e.Offset-int64(len(tail)))
	return err == nil && bytes.Equal(tail, e.Tail)
}

// retire notes that the file is not at its path any more.
func (n *file) retire(now time.Time) {
	n.retired = true
	n.grown = now
}

// done reports whether nothing more is to be read: it was rotated, and nothing was
// added for a while.
func (n *file) done(now time.Time) bool {
	if n.f == nil {
		return true
	}
	if !n.retired || n.offset < n.size {
		return false
	}
	wait := renamedWait
	if isDeleted(n.f) {
		wait = deletedWait
	}
	if n.copied {
		wait = 2 * pollEvery
	}
	return now.Sub(n.grown) >= wait
}

// isSame reports whether f begins as the file did. Its first line may be all that
// tells it from what was written after a truncation: lines can end alike.
func (n *file) isSame() bool {
	head := make([]byte, n.HeadBytes)
	if _, err := n.f.ReadAt(head, 0); err != nil {
		return false
	}
	if n.head != nil {
		return bytes.Equal(head, n.head)
	}
	if digest(head) != n.Head { // and must not be remembered: f may become a copy, which is the same
		return false
	}
	n.head = head
	return true
}

// place is where its record at an offset begins.
func (n *file) place(offset int64) Place { return Place{File: n.id, Offset: offset, Path: n.Path} }

var errNotRegular = errors.New("not a regular file")

// openRegular opens a file, if it is one, and returns what the file system calls it.
func openRegular(path string) (*os.File, key, error) {
	if info, err := os.Stat(path); err != nil || !info.Mode().IsRegular() {
		return nil, key{}, errNotRegular
	}
	f, err := openShared(path)
	if err != nil {
		return nil, key{}, err
	}
	k, _, err := fileKey(f)
	if err != nil {
		_ = f.Close() // it was opened for reading
		return nil, key{}, err
	}
	return f, k, nil
}
