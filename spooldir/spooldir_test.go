package spooldir_test

import (
	"errors"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshiptest"
	"github.com/slogship/slogship/spooldir"
)

// left is a directory in which a Handler has left records, and their ids as they are
// sent later.
func left(t *testing.T, log func(l *slog.Logger)) (dir string, server *slogshiptest.Server) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "spool")
	server = slogshiptest.NewServer(t)
	server.Fail(slogshiptest.Failure{Status: http.StatusUnauthorized})
	h := handler(t, server, dir)
	log(slog.New(h))
	err := h.Close()
	var loss *slogship.LossError
	if !errors.As(err, &loss) || loss.Unsent != loss.Durable {
		t.Fatalf("Close: %v", err)
	}
	server.Recover()
	return dir, server
}

func handler(t *testing.T, server *slogshiptest.Server, dir string) *slogship.Handler {
	t.Helper()
	h, err := slogship.New(server.URL, &slogship.Options{
		Header: server.Header(), Spool: slogship.SpoolOptions{Dir: dir}, OnError: func(error) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// What Inspect shows is what a Handler sends then: in that order, with those ids.
func TestInspectShowsWhatIsSent(t *testing.T) {
	began := time.Now()
	dir, server := left(t, func(l *slog.Logger) {
		l.Info("one", "n", 1, "g", slog.GroupValue(slog.Bool("b", true)))
		l.Error("two", "err", &fs.PathError{Op: "open", Path: "x", Err: fs.ErrNotExist})
		l.Warn("three", "json", map[string]int{"a": 1}, "bytes", []byte("abc"))
	})
	var ids, messages, attrs []string
	r, err := spooldir.Inspect(dir, func(e *slogship.Event) error {
		ids, messages = append(ids, strings.Clone(e.ID)), append(messages, strings.Clone(e.Message))
		attrs = append(attrs, string(slogship.AppendAttrs(nil, e.Attrs)))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(attrs, "\n"); got != `"n":1,"g":{"b":true}`+"\n"+`"err":"open x: file does not exist"`+"\n"+`"json":{"a":1},"bytes":"YWJj"` {
		t.Errorf("the attributes are %s", got)
	}
	if !r.Sound() || r.Records != 3 || r.Files != 1 || r.Bytes == 0 || r.Newer != 0 ||
		r.Oldest.Before(began) || r.Newest.Before(r.Oldest) || r.Newest.After(time.Now()) {
		t.Errorf("the report is %+v", r)
	}
	if err := handler(t, server, dir).Close(); err != nil {
		t.Fatal(err)
	}
	for i, got := range server.Records() {
		if got.ID != ids[i] || got.Message != messages[i] {
			t.Errorf("record %d is %s %q, was shown as %s %q", i, got.ID, got.Message, ids[i], messages[i])
		}
	}
	if server.Len() != 3 {
		t.Errorf("%d records arrived", server.Len())
	}
	if r, err := spooldir.Inspect(dir, nil); err != nil || r.Records != 0 || !r.Sound() || !r.Oldest.IsZero() {
		t.Errorf("when all is sent the report is %+v, %v", r, err)
	}
}

// An error of the function ends Inspect.
func TestInspectEnds(t *testing.T) {
	dir, _ := left(t, func(l *slog.Logger) { l.Info("one"); l.Info("two") })
	enough, calls := errors.New("enough"), 0
	if _, err := spooldir.Inspect(dir, func(*slogship.Event) error { calls++; return enough }); !errors.Is(err, enough) || calls != 1 {
		t.Errorf("%v after %d calls", err, calls)
	}
}

// Damage is found, and the records that it does not touch are shown.
func TestInspectFindsDamage(t *testing.T) {
	dir, _ := left(t, func(l *slog.Logger) {
		for i := range 5000 {
			l.Info("a record, and some more text", "n", i)
		}
	})
	segments, err := filepath.Glob(filepath.Join(dir, "seg-*"))
	if err != nil || len(segments) != 1 {
		t.Fatal(segments, err)
	}
	f, err := os.OpenFile(segments[0], os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt([]byte("damage"), 80_000); err != nil {
		t.Fatal(err)
	}
	f.Close()
	shown := int64(0)
	r, err := spooldir.Inspect(dir, func(*slogship.Event) error { shown++; return nil })
	if err != nil {
		t.Fatal(err)
	}
	if r.Sound() || r.Damaged != 1 || r.Unreadable == 0 || r.Records != shown || r.Records+r.Unreadable != 5000 {
		t.Errorf("%d records shown; the report is %+v", shown, r)
	}
}

// Empty leaves nothing, and does not touch what a Handler uses.
func TestEmpty(t *testing.T) {
	dir, server := left(t, func(l *slog.Logger) { l.Info("one"); l.Info("two") })
	h := handler(t, server, filepath.Join(filepath.Dir(dir), "other"))
	if _, err := spooldir.Empty(filepath.Join(filepath.Dir(dir), "other")); !errors.Is(err, slogship.ErrLocked) {
		t.Errorf("in use: %v", err)
	}
	h.Close()
	if n, err := spooldir.Empty(dir); n != 2 || err != nil {
		t.Errorf("%d, %v", n, err)
	}
	if r, err := spooldir.Inspect(dir, nil); err != nil || r.Records != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	handler(t, server, dir).Close()
	if server.Len() != 0 {
		t.Errorf("%d records arrived", server.Len())
	}
}

// A directory that is no spool is not made one.
func TestNotSpool(t *testing.T) {
	dir := t.TempDir()
	for path, want := range map[string]error{dir: spooldir.ErrNotSpool, filepath.Join(dir, "none"): fs.ErrNotExist} {
		if _, err := spooldir.Inspect(path, nil); !errors.Is(err, want) {
			t.Errorf("Inspect: %v, want %v", err, want)
		}
		if _, err := spooldir.Empty(path); !errors.Is(err, want) {
			t.Errorf("Empty: %v, want %v", err, want)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) > 0 {
		t.Errorf("there is %v now, %v", entries, err)
	}
}
