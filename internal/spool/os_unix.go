//go:build aix || darwin || dragonfly || freebsd || linux || netbsd || openbsd || solaris

package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// checkOwner refuses a directory that is another user's, or that others may
// write to: they could plant files, or replace ours.
func checkOwner(path string, info fs.FileInfo) error {
	st, ok := info.Sys().(*syscall.Stat_t)
	if !ok {
		return refuse(path, "has no owner that can be read")
	}
	if uid := os.Geteuid(); int(st.Uid) != uid {
		return refuse(path, fmt.Sprintf("belongs to user %d, and this process runs as %d", st.Uid, uid))
	}
	if perm := info.Mode().Perm(); perm&0o022 != 0 {
		return refuse(path, fmt.Sprintf("may be written to by others (mode %#o, want %#o)", perm, dirMode))
	}
	return nil
}

func syncDirectory(f *os.File) error { return f.Sync() }

// isFull reports whether a write failed because there is no room.
func isFull(err error) bool {
	return errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT)
}
