//go:build darwin || dragonfly || freebsd || linux || netbsd || openbsd

package slogship

import (
	"errors"
	"fmt"
	"os"
	"syscall"
)

// openPrivate opens file, which is made if it does not exist, for this process
// alone. The lock is that of the open file, so that a duplicate of it keeps it.
func openPrivate(file string) (f *os.File, err error) {
	f, err = os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0o600)
	if err != nil {
		return nil, err // its text names the file
	}
	defer func() {
		if err != nil {
			_ = f.Close() // err says more
		}
	}()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	sys, ok := info.Sys().(*syscall.Stat_t)
	if !ok || !info.Mode().IsRegular() || int(sys.Uid) != os.Geteuid() || info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("%s is %v: %w", file, info.Mode(), errNotPrivate)
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return nil, fmt.Errorf("%s is in use by another process, want a file of its own for each process", file)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: lock: %w", file, err)
	}
	return f, nil
}
