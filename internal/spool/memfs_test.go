package spool

import (
	"io"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// memFS is a directory in memory that knows what would survive the loss of
// power: for data (by sector), size and entries (by operation) it has what the
// process sees beside what was synced.
type memFS struct {
	mu      sync.Mutex
	names   map[string]*inode // what the process sees
	durable map[string]*inode
	pending []dirOp // since the last sync of the directory, in order
	owned   bool

	room int64 // bytes that files may have together; 0: no limit

	// before is called before every operation that changes something or makes it
	// durable; an error of it is that of the operation, which is then not done, but
	// for short bytes of a write.
	before func(op, name string) (short int, err error)
	// after is called after it.
	after func(op, name string)
	// ignore names operations that report success and do nothing: the mutations.
	ignore func(op, name string) bool
}

type dirOp struct {
	from, to string // remove: from; create: to; rename: both
	node     *inode
}

const sector = 512

type inode struct {
	data   []byte
	stable []byte // what was synced
	dirty  map[int]bool
}

func newMemFS() *memFS { return &memFS{names: map[string]*inode{}, durable: map[string]*inode{}} }

// do runs one operation, with the faults around it. It is called without mu.
func (m *memFS) do(op, name string, effect func() error) error {
	if m.before != nil {
		if _, err := m.before(op, name); err != nil {
			return err
		}
	}
	if m.ignore == nil || !m.ignore(op, name) {
		m.mu.Lock()
		err := effect()
		m.mu.Unlock()
		if err != nil {
			return err
		}
	}
	if m.after != nil {
		m.after(op, name)
	}
	return nil
}

func (m *memFS) lock() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.owned {
		return ErrLocked
	}
	m.owned = true
	return nil
}

func (m *memFS) close() error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.owned = false
	return nil
}

func (m *memFS) create(name string) (file, error) {
	var f *memFile
	err := m.do("create", name, func() error {
		if m.names[name] != nil {
			return fs.ErrExist
		}
		n := &inode{dirty: map[int]bool{}}
		m.names[name] = n
		m.pending = append(m.pending, dirOp{to: name, node: n})
		f = &memFile{m, n, name}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return f, nil
}

func (m *memFS) open(name string, _ bool) (file, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	n := m.names[name]
	if n == nil {
		return nil, fs.ErrNotExist
	}
	return &memFile{m, n, name}, nil
}

func (m *memFS) list(sub string) ([]fs.FileInfo, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	var infos []fs.FileInfo
	for _, name := range slices.Sorted(maps.Keys(m.names)) {
		dir, base, deep := strings.Cut(name, "/")
		if !deep {
			dir, base = ".", name
		}
		if dir == sub {
			infos = append(infos, memInfo{base, int64(len(m.names[name].data))})
		}
	}
	return infos, nil
}

func (m *memFS) mkdir(string) error { return nil }

func (m *memFS) remove(name string) error {
	return m.do("remove", name, func() error {
		if m.names[name] == nil {
			return fs.ErrNotExist
		}
		delete(m.names, name)
		m.pending = append(m.pending, dirOp{from: name})
		return nil
	})
}

func (m *memFS) rename(from, to string) error {
	return m.do("rename", to, func() error {
		n := m.names[from]
		if n == nil {
			return fs.ErrNotExist
		}
		delete(m.names, from)
		m.names[to] = n
		m.pending = append(m.pending, dirOp{from: from, to: to, node: n})
		return nil
	})
}

func (m *memFS) syncDir() error {
	return m.do("syncdir", ".", func() error {
		m.durable, m.pending = maps.Clone(m.names), nil
		return nil
	})
}

type memInfo struct {
	name string
	size int64
}

func (i memInfo) Name() string       { return i.name }
func (i memInfo) Size() int64        { return i.size }
func (i memInfo) Mode() fs.FileMode  { return fileMode }
func (i memInfo) ModTime() time.Time { return time.Time{} }
func (i memInfo) IsDir() bool        { return false }
func (i memInfo) Sys() any           { return nil }

type memFile struct {
	m    *memFS
	n    *inode
	name string
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	m := f.m
	if m.before != nil {
		if short, err := m.before("write", f.name); err != nil {
			m.mu.Lock()
			f.n.write(p[:min(short, len(p))], off)
			m.mu.Unlock()
			return min(short, len(p)), err
		}
	}
	if m.ignore == nil || !m.ignore("write", f.name) {
		m.mu.Lock()
		room := m.roomLocked() + max(int64(len(f.n.data))-off, 0)
		if room < int64(len(p)) {
			f.n.write(p[:max(room, 0)], off)
			m.mu.Unlock()
			return int(max(room, 0)), syscall.ENOSPC
		}
		f.n.write(p, off)
		m.mu.Unlock()
	}
	if m.after != nil {
		m.after("write", f.name)
	}
	return len(p), nil
}

func (m *memFS) roomLocked() int64 {
	if m.room == 0 {
		return 1 << 40
	}
	used := int64(0)
	for _, n := range m.names {
		used += int64(len(n.data))
	}
	return m.room - used
}

func (n *inode) write(p []byte, off int64) {
	n.resize(max(len(n.data), int(off)+len(p)))
	copy(n.data[off:], p)
	for s := int(off) / sector; s*sector < int(off)+len(p); s++ {
		n.dirty[s] = true
	}
}

func (n *inode) resize(size int) {
	if size <= len(n.data) {
		n.data = n.data[:size:size]
		return
	}
	n.data = append(n.data, make([]byte, size-len(n.data))...)
}

func (f *memFile) Truncate(size int64) error {
	return f.m.do("truncate", f.name, func() error {
		f.n.resize(int(size))
		return nil
	})
}

func (f *memFile) Close() error { return nil }

func (f *memFile) size() (int64, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	return int64(len(f.n.data)), nil
}

func (f *memFile) sync() error {
	return f.m.do("sync", f.name, func() error {
		f.n.stable = slices.Clone(f.n.data)
		clear(f.n.dirty)
		return nil
	})
}

func (f *memFile) writeBack(int64, int64) {}

func (f *memFile) preallocate(size int64) error {
	return f.m.do("preallocate", f.name, func() error {
		if f.m.roomLocked() < size-int64(len(f.n.data)) {
			return syscall.ENOSPC
		}
		f.n.resize(max(len(f.n.data), int(size)))
		return nil
	})
}

// kill is what the next process finds: nothing is lost but the lock.
func (m *memFS) kill() *memFS {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := newMemFS()
	nodes := map[*inode]*inode{}
	clone := func(n *inode) *inode {
		if n == nil {
			return nil
		}
		if nodes[n] == nil {
			nodes[n] = &inode{data: slices.Clone(n.data), stable: slices.Clone(n.stable), dirty: maps.Clone(n.dirty)}
		}
		return nodes[n]
	}
	for name, n := range m.names {
		c.names[name] = clone(n)
	}
	for name, n := range m.durable {
		c.durable[name] = clone(n)
	}
	for _, op := range m.pending {
		c.pending = append(c.pending, dirOp{op.from, op.to, clone(op.node)})
	}
	return c
}

// units is how many things are not durable: each of them may or may not survive.
func (m *memFS) units() int {
	n := len(m.pending)
	for _, node := range m.nodes() {
		n += len(node.dirty)
		if len(node.data) != len(node.stable) {
			n++
		}
	}
	return n
}

// nodes are all files that may be there after a crash, in an order that is
// always the same.
func (m *memFS) nodes() []*inode {
	var nodes []*inode
	add := func(n *inode) {
		if n != nil && !slices.Contains(nodes, n) {
			nodes = append(nodes, n)
		}
	}
	for _, names := range []map[string]*inode{m.durable, m.names} {
		for _, name := range slices.Sorted(maps.Keys(names)) {
			add(names[name])
		}
	}
	for _, op := range m.pending {
		add(op.node)
	}
	return nodes
}

// crash is what is left after the loss of power, where survives decides over
// each unit.
func (m *memFS) crash(survives func() bool) *memFS {
	c := newMemFS()
	nodes := map[*inode]*inode{}
	for _, n := range m.nodes() {
		data := slices.Clone(n.stable)
		if len(n.data) != len(n.stable) && survives() {
			if len(n.data) < len(data) {
				data = data[:len(n.data)]
			} else {
				data = append(data, make([]byte, len(n.data)-len(data))...)
			}
		}
		for _, s := range slices.Sorted(maps.Keys(n.dirty)) {
			if !survives() {
				continue
			}
			from, to := s*sector, min((s+1)*sector, len(n.data))
			if from < min(to, len(data)) {
				copy(data[from:], n.data[from:to])
			}
		}
		nodes[n] = &inode{data: data, stable: slices.Clone(data), dirty: map[int]bool{}}
	}
	for name, n := range m.durable {
		c.names[name] = nodes[n]
	}
	for _, op := range m.pending {
		if !survives() {
			continue
		}
		delete(c.names, op.from)
		if op.to != "" {
			c.names[op.to] = nodes[op.node]
		}
	}
	c.durable = maps.Clone(c.names)
	return c
}
