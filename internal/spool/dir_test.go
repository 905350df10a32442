package spool

import (
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Of 64 concurrent opens one gets the directory, and the others are told how to
// go on.
func TestOneOwner(t *testing.T) {
	dir := t.TempDir()
	var owners, locked atomic.Int32
	var owner atomic.Pointer[Spool]
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			s, err := Open(Options{Dir: dir})
			switch {
			case err == nil:
				owners.Add(1)
				owner.Store(s)
			case errors.Is(err, ErrLocked) && strings.Contains(err.Error(), dir) &&
				strings.Contains(err.Error(), "a directory of its own"):
				locked.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if owners.Load() != 1 || locked.Load() != 63 {
		t.Fatalf("%d owners, %d locked out", owners.Load(), locked.Load())
	}
	if err := owner.Load().Close(); err != nil {
		t.Fatal(err)
	}
	s := mustOpen(t, Options{Dir: dir})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	t.Log("64 concurrent opens: 1 owner, 63 ErrLocked")
}

// A directory, and files in it, that others could have planted are refused, and
// what the spool makes is for its user only.
func TestUnsafeDirectories(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("mode bits say nothing here")
	}
	refused := func(dir, why string) {
		t.Helper()
		s, err := Open(Options{Dir: dir})
		if err == nil {
			s.Close()
		}
		if !errors.Is(err, ErrUnsafe) || !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", dir, err, why)
		}
	}
	base := t.TempDir()

	open := filepath.Join(base, "open")
	os.Mkdir(open, 0o700)
	os.Chmod(open, 0o777)
	refused(open, "others (mode 0777")

	link := filepath.Join(base, "link")
	os.Mkdir(filepath.Join(base, "target"), 0o700)
	os.Symlink(filepath.Join(base, "target"), link)
	refused(link, "symbolic link")

	plain := filepath.Join(base, "plain")
	os.WriteFile(plain, nil, 0o600)
	refused(plain, "not a directory")

	if os.Geteuid() == 0 {
		theirs := filepath.Join(base, "theirs")
		os.Mkdir(theirs, 0o700)
		os.Chown(theirs, 12345, 12345)
		refused(theirs, "belongs to user 12345")
	}

	victim := filepath.Join(base, "victim")
	os.WriteFile(victim, []byte("precious"), 0o600)
	for _, name := range []string{"LOCK", "ACK", "META"} {
		dir := filepath.Join(base, "with"+name)
		os.Mkdir(dir, 0o700)
		os.Symlink(victim, filepath.Join(dir, name))
		refused(dir, "not a regular file")
	}

	// A link where a segment would be, or ACK's new version, leads nowhere.
	dir := filepath.Join(base, "spool", "deep")
	os.MkdirAll(dir, 0o700)
	os.Symlink(victim, filepath.Join(dir, segmentName(1)))
	os.Symlink(victim, filepath.Join(dir, "ACK.new"))
	s := mustOpen(t, Options{Dir: dir})
	mustAppend(t, s, 1, 10)
	if err := s.Sync(t.Context()); err != nil { // number 1 is taken: it goes on with another one
		s.Sync(t.Context())
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if b, _ := os.ReadFile(victim); string(b) != "precious" {
		t.Fatalf("the file outside is now %d bytes", len(b))
	}
	filepath.Walk(dir, func(path string, info os.FileInfo, err error) error {
		if info.Mode().IsRegular() && info.Mode().Perm() != fileMode || info.IsDir() && info.Mode().Perm() != dirMode {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return nil
	})
}

// A directory of a newer version is not touched.
func TestNewerVersion(t *testing.T) {
	m := newMemFS()
	b := encodeMeta()
	b[4]++
	for i := range 4 {
		b[12+i] = byte(checksum(crcInit, b[:12]) >> (8 * i))
	}
	f, _ := m.create(metaName)
	f.WriteAt(b, 0)
	if _, err := Open(manual(m)); !errors.Is(err, ErrVersion) {
		t.Fatal(err)
	}
}

// Options are checked, and a spool that is closed says so.
func TestOptions(t *testing.T) {
	for _, opts := range []Options{{}, {Dir: t.TempDir(), MaxBytes: -1}, {Dir: t.TempDir(), MaxBytes: 1000}, {Dir: t.TempDir(), Delay: -1}} {
		if s, err := Open(opts); err == nil {
			s.Close()
			t.Errorf("%+v is taken", opts)
		}
	}
	s := mustOpen(t, Options{Dir: t.TempDir()})
	s.Close()
	if _, err := s.Append(span(1, 1)); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := s.Read(new(Page)); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := s.WaitDurable(t.Context(), 1); !errors.Is(err, ErrClosed) {
		t.Error(err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
