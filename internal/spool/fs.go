package spool

import "io/fs"

// filesystem is one directory, as far as the spool needs it. The tests put one
// in its place that forgets what was not synced, and one that fails at will.
// Names are plain, or one level deep (quarantine/...).
type filesystem interface {
	lock() error // for life; ErrLocked at once if somebody else has it
	// create makes a new file, open for reading and writing; it fails if there
	// is one of that name.
	create(name string) (file, error)
	open(name string, write bool) (file, error)
	list(sub string) ([]fs.FileInfo, error) // of regular files in sub, sorted by name; "." is the directory itself
	mkdir(name string) error
	rename(from, to string) error
	remove(name string) error
	syncDir() error // makes creations, renames and removals durable
	close() error   // lets go of the lock
}

// file is one open file. A file is read by several goroutines at a time, and
// written by one.
type file interface {
	ReadAt(p []byte, off int64) (int, error)
	WriteAt(p []byte, off int64) (int, error)
	Truncate(size int64) error
	Close() error
	size() (int64, error)
	// sync makes the data and the size durable. After an error the kernel may
	// have dropped what it could not write and say so only once: an error is
	// final for this file.
	sync() error
	// writeBack has the disk begin with what was written there, and waits for nothing:
	// the next sync has less to do. It promises nothing, and takes no error from sync.
	writeBack(off, size int64)
	// preallocate makes room for size bytes, which read as zeros; fs.ErrExist
	// and errors.ErrUnsupported are no failure.
	preallocate(size int64) error
}
