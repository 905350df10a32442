package tail

import (
	"encoding/hex"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

type mark = slogship.Mark

// truncated ends n, whose file has other content now, and has that followed as
// another one, with the file that is open: it may have been renamed since. What n
// had left is read from a copy of it, if there is one.
func (f *Follower) truncated(n *file, now time.Time) {
	if n.copied {
		n.close()
		n.retire(now)
		return
	}
	f.fresh = append(f.fresh, n.successor(now))
	n.f = nil
	n.retire(now)
	read := n.entry // what was read, not only what is acknowledged
	read.Offset, read.Tail = n.offset, n.tail
	read.Key = key{} // where that is, other content is
	if c, how := f.find(&read); how == isCopy {
		n.f, n.copied = c, true
		n.scanned = n.offset
	} else if n.was > n.offset {
		f.lost(&read)
	}
}

// lost warns of what can be read nowhere.
func (f *Follower) lost(e *entry) {
	f.opts.Warn(fmt.Sprintf("%s: what was written after byte %d, before it was rotated, may be lost: "+
		"there is no file beside it with that content", e.Path, e.Offset))
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
		var how found
		if n.f, how = f.find(&e); how == isGone {
			f.lost(&e)
			f.dirty = true
			continue
		}
		n.copied = how == isCopy
		n.retired = how != isHere // of a renamed one discover may know better
		if info, err := n.f.Stat(); err == nil {
			n.size = info.Size()
		}
		f.files = append(f.files, n)
	}
}

// found is where the content of an entry is.
type found int

const (
	isGone    found = iota
	isHere          // at its path
	isRenamed       // in the same file, which is beside that now
	isCopy          // in another file, beside that
)

// mostLooks bounds how often find looks for a file whose neighbours do not come to
// rest.
const mostLooks = 10

// find returns the file with the content of an entry up to its offset.
//
// Files may be renamed while it looks: from its path to a name that was listed
// before, or from a name to one that was tried before. So it believes that the file
// itself is not there only if all names meant the same files before and after.
func (f *Follower) find(e *entry) (at *os.File, how found) {
	for look := 1; ; look++ {
		before := neighbours(e.Path)
		if f.opts.listed != nil {
			f.opts.listed()
		}
		if at, how = e.among(before); how == isHere || how == isRenamed {
			return at, how
		}
		if look == mostLooks || maps.Equal(before, neighbours(e.Path)) {
			return at, how
		}
		if at != nil {
			_ = at.Close() // it was opened for reading
		}
	}
}

// among looks for the content of an entry in files. Of several copies it takes the
// one that was written last: others are backups, or begin alike by chance.
func (e *entry) among(paths map[string]key) (copied *os.File, how found) {
	var newest time.Time
	for _, path := range append([]string{e.Path}, slices.Sorted(maps.Keys(paths))...) {
		at, k, err := openRegular(path)
		if err != nil {
			continue
		}
		if k != e.Key && path == e.Path {
			_ = at.Close() // it was opened for reading
			continue
		}
		info, err := at.Stat()
		switch {
		case err != nil || !e.isIn(at):
		case k == e.Key:
			if copied != nil {
				_ = copied.Close() // it was opened for reading
			}
			if path == e.Path {
				return at, isHere
			}
			return at, isRenamed
		case copied == nil || info.ModTime().After(newest):
			newest = info.ModTime()
			at, copied = copied, at
		}
		if at != nil {
			_ = at.Close() // it was opened for reading
		}
	}
	if copied == nil {
		return nil, isGone
	}
	return copied, isCopy
}

// neighbours are the file at a path and those beside it whose names may be those of
// a rotated file, as they are called now: they begin as its name does, up to its last
// dot.
func neighbours(path string) map[string]key {
	all := map[string]key{}
	for _, name := range append(siblings(path), path) {
		if k, info, err := statKey(name); err == nil && info.Mode().IsRegular() {
			all[name] = k
		}
	}
	return all
}

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
