package store

import (
	"database/sql"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

// A database that another process holds is an error in words; nothing was kept, and
// what is sent again afterwards is kept once.
func TestLockedDatabase(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{wait: time.Millisecond})
	l := at(0, "kept")
	l.ID = fmt.Sprintf("%032x%016x", 7, 1)
	other, err := sql.Open("sqlite", dsn(filepath.Join(dir, "viewer.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	err = s.Append(t.Context(), &Batch{Logs: []event.Log{l}})
	if err == nil || !strings.Contains(err.Error(), "nothing was kept: another process holds the database") {
		t.Errorf("the answer is %v", err)
	}
	if p := s.find(t, Selection{}, 0, 10); len(p.Records) != 0 {
		t.Errorf("%d records are there", len(p.Records))
	}
	if _, err := other.Exec("ROLLBACK"); err != nil {
		t.Fatal(err)
	}
	s.must(t, l)
	s.must(t, l)
	if got := messages(s.find(t, Selection{}, 0, 10)); got != "kept" {
		t.Errorf("found %q", got)
	}
}

// A database that another process holds while the viewer starts is an error in words.
func TestLockedAtStart(t *testing.T) {
	dir := t.TempDir()
	other, err := sql.Open("sqlite", dsn(filepath.Join(dir, "viewer.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	if _, err := other.Exec("CREATE TABLE theirs(x); BEGIN EXCLUSIVE"); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{wait: time.Millisecond}); err == nil || !strings.Contains(err.Error(), "another process holds the database") {
		t.Errorf("Open: %v", err)
	}
}

// Whatever pages of the file are overwritten: what is said is that the database is
// damaged, and a record that was acknowledged is there or cannot be asked for.
func TestDamagedFile(t *testing.T) {
	whole := t.TempDir()
	s := open(t, whole, Options{})
	fillAll(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	file, err := os.ReadFile(filepath.Join(whole, "viewer.db"))
	if err != nil {
		t.Fatal(err)
	}
	const page = 8192
	said := 0
	damaged := func(err error) bool {
		if err != nil && !strings.Contains(err.Error(), "the database is damaged") {
			t.Errorf("it is not said plainly: %v", err)
		}
		if err != nil {
			said++
		}
		return err != nil
	}
	rnd := rand.New(rand.NewPCG(5, 6))
	for n := range len(file)/page + 20 {
		dir := t.TempDir()
		bad := []byte(string(file))
		first, pages := n, 1
		if first >= len(file)/page { // then several at once
			first, pages = rnd.IntN(len(file)/page), 1+rnd.IntN(20)
		}
		for i := max(first*page, 100); i < min((first+pages)*page, len(bad)); i++ { // the header stays
			bad[i] = byte(rnd.Uint32())
		}
		if err := os.WriteFile(filepath.Join(dir, "viewer.db"), bad, 0o600); err != nil {
			t.Fatal(err)
		}
		var background error
		s, err := Open(dir, Options{Fast: true, now: func() time.Time { return noon }, OnError: func(err error) { background = err }})
		if damaged(err) {
			continue
		}
		for i := range 3 {
			err := s.Append(t.Context(), &Batch{Logs: []event.Log{at(time.Hour+time.Duration(i)*time.Second, fmt.Sprint("new ", i))}})
			if damaged(err) {
				continue
			}
			p, err := s.Scan(t.Context(), &Selection{}, 0, 1, false, Budget{Time: time.Minute})
			if !damaged(err) && messages(p) != fmt.Sprint("new ", i) {
				t.Errorf("page %d: acknowledged, and not there: %q", first, messages(p))
			}
		}
		if err := s.Close(); err != nil {
			damaged(err)
		}
		damaged(background)
	}
	if said < 20 {
		t.Errorf("only %d damages were seen", said)
	}
}

// A closed store has let go of its files: all is in the one of the database. Its
// pages are of the size that was asked for, and given back when they are free.
func TestClosedFiles(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir, Options{})
	fillAll(t, s)
	for pragma, want := range map[string]string{"page_size": "8192", "auto_vacuum": "2", "journal_mode": "wal"} {
		if got := column(t, s.read, "PRAGMA "+pragma); got[0] != want {
			t.Errorf("%s is %s, want %s", pragma, got[0], want)
		}
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 2 || entries[0].Name() != "viewer.db" || entries[1].Name() != "viewer.lock" {
		t.Errorf("the directory has %v, %v", entries, err)
	}
}

// Whatever SQLite says is still there for who looks for it.
func TestPlain(t *testing.T) {
	if err := errors.New("other"); !errors.Is(plain(err), err) || plain(nil) != nil {
		t.Errorf("%v, %v", plain(err), plain(nil))
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "viewer.db"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, Options{}); err == nil || !strings.Contains(err.Error(), "the file cannot be opened") {
		t.Errorf("a directory in its place: %v", err)
	}
}
