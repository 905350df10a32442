package tail

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

const stateVersion = 1

// state is the directory that keeps positions from one process to the next:
//
//	positions.json    replaced as a whole: the old one or the new one, never a part
//	lock              held by the process that uses it
type state struct {
	dir     string // "": nothing is kept
	lock    *os.File
	existed bool // there were positions
}

type positions struct {
	Version int     `json:"version"`
	Files   []entry `json:"files"`
}

func openState(dir string) (*state, []entry, error) {
	s := &state{dir: dir}
	if dir == "" {
		return s, nil, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, nil, err
	}
	var err error
	if s.lock, err = os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o644); err != nil {
		return nil, nil, err
	}
	if err := lockFile(s.lock); err != nil {
		_ = s.lock.Close() // nothing was written
		return nil, nil, fmt.Errorf("%s is used by another process; give each process a -state of its own: %w", dir, err)
	}
	text, err := os.ReadFile(s.path())
	if errors.Is(err, fs.ErrNotExist) {
		return s, nil, nil
	}
	var p positions
	if err == nil {
		err = json.Unmarshal(text, &p)
	}
	if err == nil && p.Version != stateVersion {
		err = fmt.Errorf("it is of version %d, want %d", p.Version, stateVersion)
	}
	for i := 0; err == nil && i < len(p.Files); i++ {
		err = p.Files[i].check()
	}
	if err != nil {
		s.close()
		return nil, nil, fmt.Errorf("%s cannot be used (move it away to begin anew): %w", s.path(), err)
	}
	s.existed = true
	return s, p.Files, nil
}

// check returns an error unless e is what save may have written.
func (e *entry) check() error {
	switch id, err := hex.DecodeString(e.ID); {
	case err != nil || len(id) != 16:
		return fmt.Errorf("the ID of %s is %q, want 32 hexadecimal digits", e.Path, e.ID)
	case e.Offset < 0:
		return fmt.Errorf("the Offset of %s is %d, want at least 0", e.Path, e.Offset)
	case e.HeadBytes < 1 || e.HeadBytes > headBytes:
		return fmt.Errorf("the HeadBytes of %s are %d, want 1 to %d", e.Path, e.HeadBytes, headBytes)
	case len(e.Tail) > tailBytes || int64(len(e.Tail)) > e.Offset:
		return fmt.Errorf("the Tail of %s has %d bytes, want at most %d and at most Offset", e.Path, len(e.Tail), tailBytes)
	}
	return nil
}

func (s *state) path() string { return filepath.Join(s.dir, "positions.json") }

// save replaces the positions, so that they outlive a crash of the machine.
func (s *state) save(files []entry) error {
	if s.dir == "" {
		return nil
	}
	text, err := json.MarshalIndent(positions{stateVersion, files}, "", "\t")
	if err != nil {
		return err
	}
	next := s.path() + ".new"
	if err := writeSynced(next, text); err != nil {
		return err
	}
	if err := os.Rename(next, s.path()); err != nil {
		return err
	}
	return syncDir(s.dir)
}

func writeSynced(path string, text []byte) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if _, err = f.Write(text); err == nil {
		err = f.Sync()
	}
	return errors.Join(err, f.Close())
}

func (s *state) close() {
	if s.lock != nil {
		_ = s.lock.Close() // and with that lets go of the lock
	}
}
