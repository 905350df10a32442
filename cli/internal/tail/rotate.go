package tail

import (
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

type mark = slogship.Mark

// truncated ends n, whose file has other content now, and has that followed as
// another one. What n had left is read from a copy of it, if there is one.
func (f *Follower) truncated(n *file, now time.Time) {
	read := n.entry // what was read, not only what is acknowledged
	read.Offset, read.Tail = n.offset, n.tail
	wasCopy := n.copied
	n.close()
	n.retire(now)
	if wasCopy {
		return
	}
	if c := f.findCopy(&read); c != nil {
		n.f, n.copied = c, true
		n.scanned = n.offset
	}
	if k, _, err := statKey(n.Path); err != nil || k != n.Key {
		return // discover finds what is there now
	}
	if next, err := openFile(n.Path); err == nil {
		next.grown = now
		f.fresh = append(f.fresh, next)
	}
}

// takeFresh returns the files that truncated has found.
func (f *Follower) takeFresh() []*file {
	fresh := f.fresh
	f.fresh = nil
	return fresh
}

// resume finds the files that were followed by an earlier process.
func (f *Follower) resume(entries []entry) {
	now := time.Now()
	for _, e := range entries {
		n := &file{entry: e, grown: now}
		id, _ := hex.DecodeString(e.ID) // openState has checked it
		copy(n.id[:], id)
		n.moveTo(e.Offset, e.Tail)
		switch at, renamed := f.find(&e); {
		case at != nil && renamed == "":
			n.f = at
		case at != nil:
			n.f = at
			n.retired = true // discover may know better
		default:
			c := f.findCopy(&e)
			if c == nil {
				f.opts.Warn(fmt.Sprintf("%s: what was written after byte %d, before it was rotated, may be lost: "+
					"there is no file beside it with that content", e.Path, e.Offset))
				f.dirty = true
				continue
			}
			n.f, n.copied, n.retired = c, true, true
		}
		if info, err := n.f.Stat(); err == nil {
			n.size = info.Size()
		}
		f.files = append(f.files, n)
	}
}

// find returns the file of an entry, where it was or beside that under another name.
func (f *Follower) find(e *entry) (_ *os.File, renamed string) {
	for _, path := range append([]string{e.Path}, siblings(e.Path)...) {
		at, k, err := openRegular(path)
		if err != nil {
			continue
		}
		if k == e.Key && e.isIn(at) {
			if path == e.Path {
				return at, ""
			}
			return at, path
		}
		_ = at.Close() // it was opened for reading
	}
	return nil, ""
}

// findCopy returns another file, beside that of an entry, that has the same content
// up to its offset.
func (f *Follower) findCopy(e *entry) *os.File {
	if e.HeadBytes == 0 {
		return nil
	}
	for _, path := range siblings(e.Path) {
		at, k, err := openRegular(path)
		if err != nil {
			continue
		}
		if k != e.Key && e.isIn(at) {
			return at
		}
		_ = at.Close() // it was opened for reading
	}
	return nil
}

// siblings are the files whose names may be those of a rotated file: they begin as
// its name does, up to its last dot.
func siblings(path string) (paths []string) {
	dir, base := filepath.Split(path)
	stem := strings.TrimSuffix(base, filepath.Ext(base))
	if stem == "" {
		stem = base
	}
	entries, err := os.ReadDir(filepath.Clean(dir + "."))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		if name := e.Name(); name != base && strings.HasPrefix(name, stem) {
			paths = append(paths, filepath.Join(dir, name))
		}
	}
	return paths
}
