package store

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

// mounted names a directory with a small file system of its own, for the process
// that TestFullDisk starts.
const mounted = "SLOGSHIP_VIEWER_SMALL_DISK"

// A disk that is really full: batches are refused in words, each that was
// acknowledged is there whole and no other is, and with room again all goes on.
func TestFullDisk(t *testing.T) {
	if dir := os.Getenv(mounted); dir != "" {
		fullDisk(t, dir)
		return
	}
	dir := t.TempDir()
	mount := exec.CommandContext(t.Context(), "unshare", "-rm", "sh", "-c", "mount -t tmpfs -o size=6m tmpfs "+dir)
	if out, err := mount.CombinedOutput(); err != nil {
		t.Skipf("a file system of one's own cannot be had here: %v, %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "unshare", "-rm", "sh", "-c", `mount -t tmpfs -o size=6m tmpfs "$0" && exec "$1" -test.run='^TestFullDisk$' -test.v`,
		dir, os.Args[0])
	cmd.Env = append(os.Environ(), mounted+"="+dir)
	if out, err := cmd.CombinedOutput(); err != nil || !strings.Contains(string(out), "--- PASS: TestFullDisk") {
		t.Errorf("%v\n%s", err, out)
	}
}

func fullDisk(t *testing.T, dir string) {
	var fs syscall.Statfs_t
	if err := syscall.Statfs(dir, &fs); err != nil || fs.Blocks*uint64(fs.Bsize) != 6<<20 {
		t.Fatalf("%s is not the small disk: %v", dir, err)
	}
	filler := filepath.Join(dir, "filler")
	if err := os.WriteFile(filler, make([]byte, 2<<20), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, dir, Options{OnError: func(err error) { t.Log(err) }}) // retention may fail, too
	const size = 50
	kept := map[string]bool{}
	refused := 0
	batch := func(n int) (logs []event.Log) {
		for i := range size {
			l := at(time.Duration(n*size+i)*time.Millisecond, fmt.Sprintf("batch%d", n))
			l.ID = fmt.Sprintf("%032x%016x", 7, n*size+i)
			l.Attrs = fmt.Appendf(nil, `{"text":%q}`, strings.Repeat("x", 300))
			logs = append(logs, l)
		}
		return logs
	}
	n := 0
	for ; refused < 5; n++ {
		switch err := s.Append(t.Context(), &Batch{Logs: batch(n)}); {
		case err == nil:
			kept[fmt.Sprintf("batch%d", n)] = true
		case strings.Contains(err.Error(), "nothing was kept: the disk is full"):
			refused++
		default:
			t.Fatalf("it is not said plainly: %v", err)
		}
	}
	check := func() {
		t.Helper()
		found := map[string]int{}
		for cursor := int64(0); ; {
			p := s.find(t, Selection{}, cursor, 500)
			for i := range p.Records {
				found[p.Records[i].Message]++
			}
			if cursor = p.Next; cursor == 0 {
				break
			}
		}
		for message, times := range found {
			if !kept[message] || times != size {
				t.Errorf("%s is there %d times, acknowledged: %t", message, times, kept[message])
			}
		}
		if len(found) != len(kept) || len(kept) == 0 {
			t.Errorf("%d batches are there, %d were acknowledged", len(found), len(kept))
		}
	}
	check()
	if err := os.Remove(filler); err != nil {
		t.Fatal(err)
	}
	for i := range n { // all of them again, as senders do
		s.must(t, batch(i)...)
		kept[fmt.Sprintf("batch%d", i)] = true
	}
	check()
}
