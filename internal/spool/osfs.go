package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

const (
	dirMode  = 0o700
	fileMode = 0o600
)

// osDir is a directory of the operating system. It is held open (os.Root), so
// no later rename or symbolic link leads the spool to another place.
type osDir struct {
	root     *os.Root
	path     string
	lockFile *os.File
}

// openDir opens the directory of a spool, and makes it where create is set. It
// refuses what others could have planted, or could change.
func openDir(path string, create bool) (*osDir, error) {
	if path == "" {
		return nil, errors.New("spool: no directory given")
	}
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) && create {
		if err := os.MkdirAll(path, dirMode); err != nil {
			return nil, err
		}
		if err := syncParent(path); err != nil {
			return nil, err
		}
		info, err = os.Lstat(path)
	}
	if err != nil {
		return nil, err
	}
	if info.Mode()&fs.ModeSymlink != 0 {
		return nil, refuse(path, "is a symbolic link; give the directory that it leads to")
	}
	if !info.IsDir() {
		return nil, refuse(path, "is not a directory")
	}
	root, err := os.OpenRoot(path)
	if err != nil {
		return nil, err
	}
	// What was opened is judged, not what the path names at another moment.
	if info, err = root.Stat("."); err == nil {
		err = checkOwner(path, info)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return &osDir{root: root, path: path}, nil
}

func refuse(path, why string) error {
	return fmt.Errorf("%w: %s %s", ErrUnsafe, path, why)
}

// checkFile refuses what is not a regular file: a symbolic link would lead
// elsewhere, a pipe would wait.
func (d *osDir) checkFile(name string) error {
	info, err := d.root.Lstat(name)
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return refuse(filepath.Join(d.path, name), "is not a regular file")
	}
	return nil
}

func (d *osDir) lock() error {
	const name = "LOCK"
	if err := d.checkFile(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE, fileMode)
	if err != nil {
		return err
	}
	if err = lockFile(f); err != nil {
		if errors.Is(err, ErrLocked) {
			err = fmt.Errorf("%w: %s%s; every handler needs a directory of its own",
				ErrLocked, d.path, ownerOf(f))
		}
		return errors.Join(err, f.Close())
	}
	d.lockFile = f
	// Only for the text of ErrLocked: the lock holds without it.
	if f.Truncate(0) == nil {
		_, _ = f.WriteAt([]byte(strconv.Itoa(os.Getpid())+"\n"), 0)
	}
	return nil
}

// ownerOf says which process wrote itself into the lock file.
func ownerOf(f *os.File) string {
	b := make([]byte, 20)
	n, _ := f.ReadAt(b, 0)
	pid, err := strconv.Atoi(strings.TrimSpace(string(b[:n])))
	if err != nil {
		return ""
	}
	return fmt.Sprintf(" (by process %d)", pid)
}

func (d *osDir) create(name string) (file, error) {
	f, err := d.root.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_EXCL, fileMode)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d *osDir) open(name string, write bool) (file, error) {
	if err := d.checkFile(name); err != nil {
		return nil, err
	}
	flag := os.O_RDONLY
	if write {
		flag = os.O_RDWR
	}
	f, err := d.root.OpenFile(name, flag, 0)
	if err != nil {
		return nil, err
	}
	return osFile{f}, nil
}

func (d *osDir) list(sub string) ([]fs.FileInfo, error) {
	f, err := d.root.Open(sub)
	if err != nil {
		return nil, err
	}
	entries, err := f.ReadDir(-1)
	if err := errors.Join(err, f.Close()); err != nil {
		return nil, err
	}
	var infos []fs.FileInfo
	for _, e := range entries {
		if !e.Type().IsRegular() {
			continue
		}
		info, err := d.root.Lstat(filepath.Join(sub, e.Name()))
		if errors.Is(err, fs.ErrNotExist) {
			continue // removed since
		}
		if err != nil {
			return nil, err
		}
		infos = append(infos, info)
	}
	slices.SortFunc(infos, func(a, b fs.FileInfo) int { return cmp.Compare(a.Name(), b.Name()) })
	return infos, nil
}

func (d *osDir) mkdir(name string) error {
	err := d.root.Mkdir(name, dirMode)
	if !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := d.root.Lstat(name)
	if err == nil && !info.IsDir() {
		err = refuse(filepath.Join(d.path, name), "is not a directory")
	}
	return err
}

func (d *osDir) rename(from, to string) error { return d.root.Rename(from, to) }
func (d *osDir) remove(name string) error     { return d.root.Remove(name) }

func (d *osDir) syncDir() error {
	f, err := d.root.Open(".")
	if err != nil {
		return err
	}
	return errors.Join(syncDirectory(f), f.Close())
}

func (d *osDir) close() error {
	var err error
	if d.lockFile != nil {
		err = d.lockFile.Close()
	}
	return errors.Join(err, d.root.Close())
}

// syncParent makes the entry of a new directory durable.
func syncParent(path string) error {
	f, err := os.Open(filepath.Dir(path))
	if errors.Is(err, fs.ErrPermission) {
		return nil // it can be entered, not read: it is not ours to sync
	}
	if err != nil {
		return err
	}
	return errors.Join(syncDirectory(f), f.Close())
}

type osFile struct{ *os.File }

func (f osFile) sync() error                  { return syncData(f.File) }
func (f osFile) writeBack(off, size int64)    { writeBack(f.File, off, size) }
func (f osFile) preallocate(size int64) error { return preallocate(f.File, size) }

func (f osFile) size() (int64, error) {
	info, err := f.Stat()
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}
