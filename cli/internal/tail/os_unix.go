//go:build unix

package tail

import (
	"io/fs"
	"os"
	"syscall"
)

// openShared opens a file for reading.
func openShared(path string) (*os.File, error) { return os.Open(path) }

// statKey is what is at a path, and what the file system calls it.
func statKey(path string) (key, fs.FileInfo, error) {
	info, err := os.Stat(path)
	if err != nil {
		return key{}, nil, err
	}
	return keyOf(info), info, nil
}

// fileKey is statKey of an open file.
func fileKey(f *os.File) (key, fs.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return key{}, nil, err
	}
	return keyOf(info), info, nil
}

func keyOf(info fs.FileInfo) key {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return key{}
	}
	return key{uint64(st.Dev), uint64(st.Ino)} //nolint:unconvert // their types depend on the system
}

// isDeleted reports whether an open file has no name any more.
func isDeleted(f *os.File) bool {
	info, err := f.Stat()
	if err != nil {
		return false
	}
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && st.Nlink == 0
}

func lockFile(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// syncDir makes a rename in a directory durable.
func syncDir(path string) error {
	dir, err := os.Open(path)
	if err != nil {
		return err
	}
	err = dir.Sync()
	if closed := dir.Close(); err == nil {
		err = closed
	}
	return err
}
