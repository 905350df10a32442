package tail

import (
	"errors"
	"io/fs"
	"os"
	"syscall"

	"golang.org/x/sys/windows"
)

// openShared opens a file for reading, and lets others rename and delete it meanwhile,
// which os.Open does not: a follower must not stop a rotation.
func openShared(path string) (*os.File, error) {
	name, err := syscall.UTF16PtrFromString(path)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	h, err := syscall.CreateFile(name, syscall.GENERIC_READ,
		syscall.FILE_SHARE_READ|syscall.FILE_SHARE_WRITE|syscall.FILE_SHARE_DELETE, nil,
		syscall.OPEN_EXISTING, syscall.FILE_ATTRIBUTE_NORMAL|syscall.FILE_FLAG_BACKUP_SEMANTICS, 0)
	if err != nil {
		return nil, &fs.PathError{Op: "open", Path: path, Err: err}
	}
	return os.NewFile(uintptr(h), path), nil
}

// statKey is what is at a path, and what the file system calls it, which only an open
// file tells. A file that cannot be opened is one that cannot be read.
func statKey(path string) (key, fs.FileInfo, error) {
	f, err := openShared(path)
	if err != nil {
		return key{}, nil, err
	}
	k, info, err := fileKey(f)
	return k, info, errors.Join(err, f.Close())
}

// fileKey is statKey of an open file: the volume's serial number, and the file's index
// in it, which NTFS keeps as long as the file exists.
func fileKey(f *os.File) (key, fs.FileInfo, error) {
	info, err := f.Stat()
	if err != nil {
		return key{}, nil, err
	}
	i, err := handleInfo(f)
	if err != nil {
		return key{}, nil, err
	}
	return key{uint64(i.VolumeSerialNumber), uint64(i.FileIndexHigh)<<32 | uint64(i.FileIndexLow)}, info, nil
}

// isDeleted reports whether an open file has no name any more.
func isDeleted(f *os.File) bool {
	i, err := handleInfo(f)
	return err == nil && i.NumberOfLinks == 0
}

func handleInfo(f *os.File) (i syscall.ByHandleFileInformation, err error) {
	err = syscall.GetFileInformationByHandle(syscall.Handle(f.Fd()), &i)
	return i, err
}

func lockFile(f *os.File) error {
	return windows.LockFileEx(windows.Handle(f.Fd()),
		windows.LOCKFILE_EXCLUSIVE_LOCK|windows.LOCKFILE_FAIL_IMMEDIATELY, 0, 1, 0, &windows.Overlapped{})
}

// syncDir has nothing to do: NTFS logs its metadata in order.
func syncDir(string) error { return nil }
