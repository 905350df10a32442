package tail

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/lines"
)

// trial is a Follower whose clock is the test's, and whose sink settles when told.
type trial struct {
	*Follower
	t       *testing.T
	dir     string
	opts    Options
	now     time.Time
	got     []string
	places  []string
	warned  []string
	settled bool
	stopAt  int // the sink does not take the record of this number; 0: it takes all
}

func follow(t *testing.T, change ...func(*Options)) *trial {
	t.Helper()
	tr := &trial{t: t, dir: t.TempDir(), now: time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC), settled: true}
	tr.opts = Options{Patterns: []string{filepath.Join(tr.dir, "*.log")}, StateDir: filepath.Join(tr.dir, "state"), MaxLine: 1 << 20, Wait: time.Second}
	for _, c := range change {
		c(&tr.opts)
	}
	return tr
}

// begin opens the follower, again if it was open: what was noted is all that it
// knows then, as after a crash.
func (tr *trial) begin() {
	tr.t.Helper()
	if tr.Follower != nil {
		tr.crash()
	}
	tr.opts.Warn = func(text string) { tr.warned = append(tr.warned, text) }
	f, err := Open(tr.opts, Sink{
		Take: func(at Place, record []byte, cut int) bool {
			if len(tr.got)+1 == tr.stopAt {
				return false
			}
			text := string(record)
			if cut > 0 {
				text = fmt.Sprintf("%d bytes and %d", len(record), cut)
			}
			tr.got = append(tr.got, text)
			tr.places = append(tr.places, hex.EncodeToString(at.File[:])+fmt.Sprint(at.Offset))
			return true
		},
		Mark:    func() slogship.Mark { return slogship.Mark{} },
		Settled: func(slogship.Mark, slogship.Mark) bool { return tr.settled },
	})
	if err != nil {
		tr.t.Fatal(err)
	}
	tr.Follower = f
}

func (tr *trial) crash() {
	for _, file := range tr.files {
		file.close()
	}
	tr.state.close()
}

// pass lets time pass, and the follower look.
func (tr *trial) pass(d time.Duration) {
	for end := tr.now.Add(d); !tr.now.After(end); tr.now = tr.now.Add(pollEvery) {
		for tr.round(tr.now) {
		}
	}
}

func (tr *trial) path(name string) string { return filepath.Join(tr.dir, name) }

func (tr *trial) write(name, text string) {
	tr.t.Helper()
	f, err := os.OpenFile(tr.path(name), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		tr.t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *trial) copy(from, to string) {
	text, err := os.ReadFile(tr.path(from))
	if err != nil {
		tr.t.Fatal(err)
	}
	if err := os.WriteFile(tr.path(to), text, 0o644); err != nil {
		tr.t.Fatal(err)
	}
}

func (tr *trial) do(err error) {
	tr.t.Helper()
	if err != nil {
		tr.t.Fatal(err)
	}
}

// want wants what came since the last call.
func (tr *trial) want(records ...string) {
	tr.t.Helper()
	if !slices.Equal(tr.got, records) {
		tr.t.Errorf("got %.200q, want %.200q", tr.got, records)
	}
	tr.got = nil
}

func TestLines(t *testing.T) {
	tr := follow(t)
	tr.write("a.log", "one\r\n\n  \ntwo\nthr")
	tr.begin()
	tr.pass(time.Second)
	tr.want("one", "two")
	tr.write("a.log", "ee")
	tr.pass(time.Second)
	tr.want()
	tr.write("a.log", "\nfour\n")
	tr.write("b.log", "new\n")
	tr.pass(time.Second)
	tr.want("three", "four", "new")
}

// A line beyond MaxLine is cut, even one that is longer than all buffers; it comes
// when its end does.
func TestLongLines(t *testing.T) {
	tr := follow(t, func(o *Options) { o.MaxLine = 1000 })
	tr.write("a.log", strings.Repeat("x", 1000)+"\n"+strings.Repeat("y", 300_000))
	tr.begin()
	tr.pass(time.Second)
	tr.want(strings.Repeat("x", 1000))
	tr.write("a.log", strings.Repeat("y", 900_000))
	tr.pass(time.Second)
	tr.want()
	tr.write("a.log", "y\nnext\n")
	tr.pass(time.Second)
	tr.want("1000 bytes and 1199001", "next")
	tr.write("a.log", strings.Repeat("z", 5000)+"\nlast\n")
	tr.pass(time.Second)
	tr.want(strings.Repeat("z", 5000), "last") // within a buffer: the Decoder's business
}

func TestLinesOfAnyLength(t *testing.T) {
	tr := follow(t)
	var want []string
	for _, n := range []int{1, tailBytes - 1, tailBytes, tailBytes + 1, readBytes - 1, readBytes, readBytes + 1, 3 * readBytes, 7} {
		want = append(want, strings.Repeat("x", n))
	}
	tr.write("a.log", strings.Join(want, "\n")+"\n")
	tr.begin()
	tr.pass(time.Second)
	tr.want(want...)
}

// A record of several lines ends where the next one begins, or after Wait.
func TestSeveralLines(t *testing.T) {
	tr := follow(t, func(o *Options) { o.Begins = lines.Unindented })
	tr.write("a.log", "a\n 1\n 2\nb\nc\n 1\n")
	tr.begin()
	tr.pass(500 * time.Millisecond)
	tr.want("a\n 1\n 2", "b")
	tr.write("a.log", " 2\n")
	tr.pass(700 * time.Millisecond)
	tr.want()
	tr.pass(time.Second)
	tr.want("c\n 1\n 2")
	tr.write("a.log", "d\n un")
	tr.pass(2 * time.Second)
	tr.want()
	tr.write("a.log", "finished\ne\n")
	tr.pass(2 * time.Second)
	tr.want("d\n unfinished", "e")
}

func TestLongRecordOfSeveralLines(t *testing.T) {
	tr := follow(t, func(o *Options) { o.Begins, o.MaxLine = lines.Unindented, readBytes })
	text := "a\n" + strings.Repeat(" x\n", readBytes)
	tr.write("a.log", text)
	tr.begin()
	tr.pass(3 * time.Second)
	if got := strings.Join(tr.got, "\n"); got != strings.TrimSuffix(text, "\n") || len(tr.got) < 2 {
		t.Errorf("%d records of %d bytes, want %d bytes", len(tr.got), len(got), len(text)-1)
	}
}

// A file that is renamed is read to its end, also by a writer that has not noticed.
func TestRenamed(t *testing.T) {
	tr := follow(t)
	tr.write("a.log", "1\n")
	tr.begin()
	tr.pass(time.Second)
	tr.write("a.log", "2\n")
	tr.do(os.Rename(tr.path("a.log"), tr.path("a.log.1")))
	tr.write("a.log", "new 1\n")
	tr.pass(time.Second)
	tr.write("a.log.1", "3\n4")
	tr.pass(10 * time.Second)
	tr.want("1", "2", "new 1", "3", "4")
	tr.pass(2 * renamedWait)
	if len(tr.files) != 1 {
		t.Errorf("%d files are followed, want 1", len(tr.files))
	}
}

// One that is renamed to what the pattern matches is still the same.
func TestRenamedWithinPattern(t *testing.T) {
	tr := follow(t)
	tr.write("a.log", "1\n")
	tr.begin()
	tr.pass(time.Second)
	tr.do(os.Rename(tr.path("a.log"), tr.path("b.log")))
	tr.pass(time.Second)
	tr.write("b.log", "2\n")
	tr.pass(3 * renamedWait)
	tr.write("b.log", "3\n")
	tr.pass(time.Second)
	tr.want("1", "2", "3")
}

func TestDeleted(t *testing.T) {
	tr := follow(t)
	tr.write("a.log", "1\n")
	tr.begin()
	tr.pass(time.Second)
	tr.write("a.log", "2\n3")
	tr.do(os.Remove(tr.path("a.log")))
	tr.pass(2 * deletedWait)
	tr.want("1", "2", "3")
	if len(tr.files) != 0 {
		t.Errorf("%d files are followed", len(tr.files))
	}
	tr.write("a.log", "4\n")
	tr.pass(time.Second)
	tr.want("4")
}

// What was not read before a truncation is read from the copy.
func TestCopyTruncate(t *testing.T) {
	tr := follow(t)
	tr.write("a.log", "first line\n2\n")
	tr.begin()
	tr.pass(time.Second)
	tr.write("a.log", "3\n")
	tr.copy("a.log", "a.log.1")
	tr.do(os.Truncate(tr.path("a.log"), 0))
	tr.write("a.log", "4\n")
	tr.pass(time.Second)
	slices.Sort(tr.got)
	tr.want("2", "3", "4", "first line")
	tr.write("a.log", "5\n")
	tr.pass(time.Second)
	tr.want("5")
	if len(tr.files) != 1 {
		t.Errorf("%d files are followed, want 1", len(tr.files))
	}
}

// A file that was truncated and has grown beyond the position is another one, even
// if lines of one length end alike, so that the bytes before the position are the same.
func TestTruncatedAndGrown(t *testing.T) {
	line := func(n int) string { return fmt.Sprintf("%04d", n) + strings.Repeat(" ", 2*tailBytes) + "end" }
	tr := follow(t)
	tr.write("a.log", line(1)+"\n"+line(2)+"\n")
	tr.begin()
	tr.pass(time.Second)
	tr.do(os.Truncate(tr.path("a.log"), 0))
	tr.write("a.log", line(3)+"\n"+line(4)+"\n"+line(5)+"\n")
	tr.pass(time.Second)
	tr.want(line(1), line(2), line(3), line(4), line(5))
	seen := map[string]bool{}
	for _, p := range tr.places {
		if seen[p] {
			t.Errorf("two records are at %s", p)
		}
		seen[p] = true
	}
}

// A writer that does not append leaves a hole after a truncation.
func TestTruncatedWithHole(t *testing.T) {
	tr := follow(t)
	tr.write("a.log", strings.Repeat("x", 300_000)+"\n")
	tr.begin()
	tr.pass(time.Second)
	tr.got = nil
	f, err := os.OpenFile(tr.path("a.log"), os.O_WRONLY, 0)
	tr.do(err)
	defer f.Close()
	tr.do(f.Truncate(0))
	_, err = f.WriteAt([]byte("after\n"), 600_001)
	tr.do(err)
	tr.pass(time.Second)
	tr.want("after")
}

// A restart goes on where the acknowledged ended, with the same places.
func TestRestart(t *testing.T) {
	tr := follow(t)
	tr.write("a.log", "1\n2\n")
	tr.begin()
	tr.pass(2 * time.Second)
	tr.settled = false
	tr.write("a.log", "3\n4\n")
	tr.pass(5 * time.Second)
	tr.want("1", "2", "3", "4")
	before := slices.Clone(tr.places[2:])
	tr.begin()
	tr.pass(time.Second)
	tr.want("3", "4")
	if after := tr.places[4:]; !slices.Equal(before, after) {
		t.Errorf("places are %v, were %v", after, before)
	}
	tr.settled = true
	tr.do(tr.Close())
	tr.Follower = nil
	tr.write("a.log", "5\n")
	tr.begin()
	tr.pass(time.Second)
	tr.want("5")
}

// The places of records are noted before the first one leaves: what a crash right
// after has sent again has the same ones.
func TestCrashAtOnce(t *testing.T) {
	tr := follow(t)
	tr.settled = false
	tr.write("a.log", "1\n2\n")
	tr.begin()
	tr.round(tr.now)
	tr.want("1", "2")
	tr.begin()
	tr.round(tr.now)
	tr.want("1", "2")
	if len(tr.places) != 4 || !slices.Equal(tr.places[:2], tr.places[2:]) {
		t.Errorf("places are %v", tr.places)
	}
}

// What happened while nobody followed: renamed, or copied and truncated, also with
// content that has not been acknowledged.
func TestRotatedWhileAway(t *testing.T) {
	for _, copied := range []bool{false, true} {
		for _, settled := range []bool{false, true} {
			tr := follow(t)
			tr.settled = settled
			tr.write("a.log", "1\n2\n")
			tr.begin()
			tr.pass(2 * time.Second)
			tr.want("1", "2")
			tr.crash()
			tr.Follower = nil
			tr.write("a.log", "3\n")
			if copied {
				tr.copy("a.log", "a.log.1")
				tr.do(os.Truncate(tr.path("a.log"), 0))
			} else {
				tr.do(os.Rename(tr.path("a.log"), tr.path("a.log.1")))
			}
			tr.write("a.log", "new\n")
			tr.begin()
			tr.pass(time.Second)
			want := []string{"1", "2", "3", "new"}
			if settled {
				want = want[2:]
			}
			tr.want(want...)
			if len(tr.warned) > 0 {
				t.Errorf("copied %t: warned %q", copied, tr.warned)
			}
		}
	}
}

func TestRotatedAwayForGood(t *testing.T) {
	tr := follow(t)
	tr.write("a.log", "1\n2\n")
	tr.begin()
	tr.pass(2 * time.Second)
	tr.do(os.Remove(tr.path("a.log")))
	tr.write("a.log", "other\n")
	tr.begin()
	tr.pass(time.Second)
	tr.want("1", "2", "other")
	if len(tr.warned) != 1 || !strings.Contains(tr.warned[0], "after byte 4") {
		t.Errorf("warned %q", tr.warned)
	}
}

// FromEnd is for files that are there at the very first start; it begins with a
// whole line.
func TestFromEnd(t *testing.T) {
	tr := follow(t, func(o *Options) { o.FromEnd = true })
	tr.write("a.log", "1\n2\nthr")
	tr.begin()
	tr.pass(time.Second)
	tr.write("a.log", "ee\n")
	tr.write("b.log", "b\n")
	tr.pass(2 * time.Second)
	tr.want("three", "b")
	tr.crash()
	tr.Follower = nil
	tr.write("c.log", "c\n")
	tr.begin()
	tr.pass(time.Second)
	tr.want("c")
}

// When the sink does not take a record, the position is before it.
func TestStopped(t *testing.T) {
	tr := follow(t)
	tr.stopAt = 3
	tr.write("a.log", "1\n2\n3\n4\n")
	tr.begin()
	tr.pass(time.Second)
	tr.want("1", "2")
	tr.stopAt = 0
	tr.do(tr.Close())
	tr.Follower = nil
	tr.begin()
	tr.pass(time.Second)
	tr.want("3", "4")
}

func TestOnce(t *testing.T) {
	tr := follow(t)
	tr.write("a.log", "1\n2")
	tr.write("b.log", "short")
	tr.write("c.log", "")
	tr.begin()
	tr.Once(t.Context())
	tr.want("1", "2", "short")
}

// A file that cannot be used stops the follower rather than being overwritten.
func TestState(t *testing.T) {
	tr := follow(t)
	tr.begin()
	if _, err := Open(tr.opts, Sink{}); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("two use one state: %v", err)
	}
	tr.do(tr.Close())
	tr.Follower = nil
	path := filepath.Join(tr.opts.StateDir, "positions.json")
	for _, text := range []string{"{", `{"version":2}`} {
		tr.do(os.WriteFile(path, []byte(text), 0o644))
		if _, err := Open(tr.opts, Sink{}); err == nil || !strings.Contains(err.Error(), "positions.json") {
			t.Errorf("%s is taken: %v", text, err)
		}
		if now, _ := os.ReadFile(path); !bytes.Equal(now, []byte(text)) {
			t.Errorf("%s was overwritten", text)
		}
	}
	if _, err := Open(Options{Patterns: []string{"["}}, Sink{}); err == nil {
		t.Error("a bad pattern is taken")
	}
}

func TestLag(t *testing.T) {
	tr := follow(t)
	tr.settled = false
	tr.write("a.log", "12345\n")
	tr.begin()
	tr.pass(time.Second)
	if b, f := tr.Lag(); b != 6 || f != 1 {
		t.Errorf("lag is %d bytes in %d files", b, f)
	}
	tr.settled = true
	tr.pass(time.Second)
	if b, f := tr.Lag(); b != 0 || f != 0 {
		t.Errorf("lag is %d bytes in %d files", b, f)
	}
}
