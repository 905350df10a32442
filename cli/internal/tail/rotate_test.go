package tail

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// away has the follower die after it has handed over lines that nobody acknowledged.
func (tr *trial) away(lines ...string) {
	tr.t.Helper()
	tr.settled = false
	tr.write("a.log", strings.Join(lines, "\n")+"\n")
	tr.begin()
	tr.pass(2 * time.Second)
	tr.want(lines...)
	tr.crash()
	tr.Follower = nil
}

// wantAll wants what came since the last call, in any order.
func (tr *trial) wantAll(records ...string) {
	tr.t.Helper()
	slices.Sort(tr.got)
	slices.Sort(records)
	tr.want(records...)
}

// rotateByCopy copies and truncates a file.
func (tr *trial) rotateByCopy(from, to string) {
	tr.t.Helper()
	tr.copy(from, to)
	tr.do(os.Truncate(tr.path(from), 0))
}

// unique wants no two different records at one place: a backend that knows ids would
// keep the first one alone.
func (tr *trial) unique(records []string) {
	tr.t.Helper()
	at := map[string]string{}
	for i, p := range tr.places {
		if was, ok := at[p]; ok && was != records[i] {
			tr.t.Errorf("%s and %s are both at %s", was, records[i], p)
		}
		at[p] = records[i]
	}
}

// A file that is copied, truncated and written to between the start and the first
// look is read from the copy, also if nothing of it was acknowledged, so that only
// its first lines tell that it is another one.
func TestTruncatedAfterRestart(t *testing.T) {
	for _, settled := range []bool{false, true} {
		tr := follow(t)
		tr.away("1", "2")
		tr.settled = settled
		tr.begin()
		if settled {
			tr.pass(2 * time.Second)
			tr.got = nil
			tr.begin()
		}
		tr.write("a.log", "3\n")
		tr.rotateByCopy("a.log", "a.log.1")
		tr.write("a.log", "new 1\nnew 2\nnew 3\n")
		tr.pass(2 * time.Second)
		want := []string{"1", "2", "3", "new 1", "new 2", "new 3"}
		if settled {
			want = want[2:]
		}
		tr.wantAll(want...)
	}
}

// A file that is renamed while the next process looks for it is found, as is one
// whose new name is passed on while it looks.
func TestRenamedWhileLooking(t *testing.T) {
	move := func(tr *trial, names ...string) {
		for i := range names[1:] {
			tr.do(os.Rename(tr.path(names[i+1]), tr.path(names[i])))
		}
		tr.write("a.log", fmt.Sprintf("new %d\n", len(names)))
	}
	for _, first := range []bool{false, true} { // a rotation before the start, too
		tr := follow(t)
		tr.away("1", "2")
		tr.write("a.log", "3\n")
		if first {
			move(tr, "a.log.1", "a.log")
		}
		looks := 0
		tr.opts.listed = func() {
			switch looks++; {
			case looks > 1:
			case first:
				move(tr, "a.log.2", "a.log.1", "a.log")
			default:
				move(tr, "a.log.1", "a.log")
			}
		}
		tr.begin()
		tr.pass(time.Second)
		want := []string{"1", "2", "3", "new 2"}
		if first {
			want[3] = "new 3" // the file between was never seen
		}
		tr.wantAll(want...)
		if len(tr.warned) > 0 {
			t.Errorf("warned %q", tr.warned)
		}
	}
}

// A directory in which names never come to rest does not keep the follower.
func TestRestlessNames(t *testing.T) {
	tr := follow(t)
	tr.away("1")
	tr.do(os.Remove(tr.path("a.log")))
	looks := 0
	tr.opts.listed = func() {
		looks++
		tr.write(fmt.Sprintf("a.log.%d", looks), "other\n")
	}
	tr.begin()
	if looks != mostLooks || len(tr.warned) != 1 {
		t.Errorf("%d looks, warned %q", looks, tr.warned)
	}
}

// A file that was truncated and then renamed, before the next look, is read in both
// its lives.
func TestTruncatedAndRenamed(t *testing.T) {
	tr := follow(t)
	tr.write("a.log", "1\n2\n")
	tr.begin()
	tr.pass(time.Second)
	tr.write("a.log", "3\n")
	tr.rotateByCopy("a.log", "a.log.2")
	tr.write("a.log", "4\n")
	tr.do(os.Rename(tr.path("a.log"), tr.path("a.log.1")))
	tr.write("a.log", "5\n")
	tr.pass(time.Second)
	tr.wantAll("1", "2", "3", "4", "5")
	tr.pass(2 * renamedWait)
	if len(tr.files) != 1 {
		t.Errorf("%d files are followed, want 1", len(tr.files))
	}
}

// A file that was truncated and has grown to the very size that it had is another
// one, without another line and before it is let go of.
func TestTruncatedToSameSize(t *testing.T) {
	for _, text := range []string{"1\n2\n", ""} {
		tr := follow(t)
		tr.write("a.log", "0\n"+text)
		tr.begin()
		tr.pass(time.Second)
		tr.got = nil
		info, err := os.Stat(tr.path("a.log"))
		tr.do(err)
		tr.do(os.Truncate(tr.path("a.log"), 0))
		tr.write("a.log", strings.ToUpper(strings.ReplaceAll("0\n"+text, "0", "x")))
		tr.do(os.Chtimes(tr.path("a.log"), info.ModTime(), info.ModTime())) // within one step of its clock
		tr.do(os.Rename(tr.path("a.log"), tr.path("a.log.1")))
		tr.pass(time.Second)
		tr.want(strings.Fields("X " + text)...)
	}
}

// Files that begin with the same line are told apart by the lines after it: those
// that were there when the file was found, and those that were read since.
func TestSameFirstLine(t *testing.T) {
	for _, later := range []bool{false, true} {
		tr := follow(t)
		tr.settled = false
		text := "1\n2\n"
		if later {
			tr.write("a.log", "banner\n")
			tr.begin()
			tr.pass(time.Second)
		} else {
			text = "banner\n" + text
		}
		tr.write("a.log", text)
		if later {
			tr.pass(2 * time.Second)
		} else {
			tr.begin()
			tr.round(tr.now) // and a crash before anything more is noted
		}
		tr.want("banner", "1", "2")
		tr.crash()
		tr.Follower = nil

		tr.write("a.log", "3\n")
		tr.rotateByCopy("a.log", "a.log.1")
		tr.write("a.log", "banner\n4\n5\n6\n")
		tr.begin()
		tr.pass(time.Second)
		tr.unique(append([]string{"banner", "1", "2"}, tr.got...))
		tr.wantAll("banner", "1", "2", "3", "banner", "4", "5", "6")
	}
}

// Of two files with the content that was read the one that was written last has
// what came after it; the other is a backup.
func TestNewestCopy(t *testing.T) {
	for _, names := range [][2]string{{"a.log.1", "a.log.2"}, {"a.log.2", "a.log.1"}} {
		tr := follow(t)
		tr.away("1", "2")
		tr.copy("a.log", names[0])
		before := time.Now().Add(-time.Hour)
		tr.do(os.Chtimes(tr.path(names[0]), before, before))
		tr.write("a.log", "3\n")
		tr.rotateByCopy("a.log", names[1])
		tr.begin()
		tr.pass(time.Second)
		tr.want("1", "2", "3")
	}
}

// Lines that were seen, not read, and are in no copy are not lost without a word.
func TestTruncatedWithoutCopy(t *testing.T) {
	tr := follow(t)
	tr.write("a.log", "1\n2\n")
	tr.begin()
	tr.pass(time.Second)
	tr.do(os.Truncate(tr.path("a.log"), 0))
	tr.pass(time.Second)
	if len(tr.warned) > 0 {
		t.Errorf("nothing is lost, warned %q", tr.warned)
	}
	line := strings.Repeat("x", readBytes/2) + "\n"
	tr.write("a.log", line+line+line)
	tr.round(tr.now) // reads the first part of it
	tr.do(os.Truncate(tr.path("a.log"), 0))
	tr.pass(time.Second)
	if len(tr.warned) != 1 || !strings.Contains(tr.warned[0], fmt.Sprintf("after byte %d", len(line))) {
		t.Errorf("warned %q", tr.warned)
	}
}
