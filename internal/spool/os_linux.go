package spool

import (
	"errors"
	"os"

	"golang.org/x/sys/unix"
)

// syncData leaves out what a reader does not need, the times of the inode.
func syncData(f *os.File) error {
	for {
		if err := unix.Fdatasync(int(f.Fd())); !errors.Is(err, unix.EINTR) {
			return err
		}
	}
}

// writeBack does not wait, so it does not see, or take from the next sync, the error of
// a page that was not written.
func writeBack(f *os.File, off, size int64) {
	_ = unix.SyncFileRange(int(f.Fd()), off, size, unix.SYNC_FILE_RANGE_WRITE)
}

func preallocate(f *os.File, size int64) error {
	for {
		err := unix.Fallocate(int(f.Fd()), 0, 0, size)
		switch {
		case errors.Is(err, unix.EINTR):
			continue
		case errors.Is(err, unix.EOPNOTSUPP), errors.Is(err, unix.ENOSYS):
			return errors.ErrUnsupported
		}
		return err
	}
}
