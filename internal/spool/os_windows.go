package spool

import (
	"errors"
	"io/fs"
	"os"

	"golang.org/x/sys/windows"
)

// checkOwner leaves Windows to its inherited access lists: mode bits say
// nothing there.
func checkOwner(string, fs.FileInfo) error { return nil }

// syncDirectory has nothing to do: NTFS logs its metadata in order.
func syncDirectory(*os.File) error { return nil }

func isFull(err error) bool {
	return errors.Is(err, windows.ERROR_DISK_FULL) || errors.Is(err, windows.ERROR_HANDLE_DISK_FULL)
}

func lockFile(f *os.File) error {
	// Far beyond the end, so that the text in the file can be read by others.
	at := &windows.Overlapped{OffsetHigh: 1}
	err := windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, at)
	if errors.Is(err, windows.ERROR_LOCK_VIOLATION) || errors.Is(err, windows.ERROR_IO_PENDING) {
		return ErrLocked
	}
	return err
}
