package spool

import (
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// fsMutations take one operation away, as if its line were deleted.
var fsMutations = []struct {
	name   string
	ignore func(op, name string) bool
}{
	{"segments are not synced", func(op, name string) bool { return op == "sync" && strings.HasPrefix(name, segmentPrefix) }},
	{"the directory is not synced", func(op, _ string) bool { return op == "syncdir" }},
	{"ACK is not synced before segments are unlinked", func(op, name string) bool { return op == "sync" && name == ackName }},
	{"ACK is not written", func(op, name string) bool { return op == "write" && name == ackName }},
	{"a new ACK is not synced before it is renamed", func(op, name string) bool { return op == "sync" && name == ackName+newName }},
}

// Without any one of the syncs and writes the suite finds a violation.
func TestMutationsOfTheDisk(t *testing.T) {
	if raceEnabled {
		t.Skip("runs without the race detector")
	}
	for _, mut := range fsMutations {
		found := ""
		for seed := uint64(0); seed < 40 && found == ""; seed++ {
			states, err := trace(seed, 200, mut.ignore)
			if err != nil {
				found = err.Error()
				break
			}
			rng := rand.New(rand.NewPCG(seed, 3))
			for _, st := range states {
				if _, _, err := st.crashes(rng, 16); err != nil {
					found = err.Error()
					break
				}
			}
		}
		if found == "" {
			t.Errorf("%s: nothing notices", mut.name)
			continue
		}
		t.Logf("%s: %s", mut.name, found)
	}
}

// sourceMutations break one rule each, in the source. The suite is run with each
// of them.
var sourceMutations = []struct{ name, file, old, broken string }{
	{
		"a segment is durable without the directory", "sync.go",
		"if w.dirDirty {", "if false {",
	},
	{
		"only the active segment is synced", "sync.go",
		"if seg.synced >= seg.limit {", "if seg.synced >= seg.limit || seg != w.active {",
	},
	{
		"a failed sync is tried again on the same file", "sync.go",
		"s.giveUp(segs[i:])", "_ = segs[i:]",
	},
	{
		"a failed sync is forgotten", "sync.go",
		"s.giveUp(segs[i:])\n\t\t\treturn", "_ = i; s.noteSynced(seg); continue\n\t\t\treturn",
	},
	{
		"what has to be written again counts as durable", "sync.go",
		"if q := s.buffer.queue; len(q) > 0 && q[0].numbered {", "if q := s.buffer.queue; false && q[0].numbered {",
	},
	{
		"older frames are not read back after a failed sync", "sync.go",
		"rescues = append(rescues, rescue{", "_ = append(rescues, rescue{",
	},
	{
		"a segment goes before its frames were written again", "sync.go",
		"w, q := &s.w, s.buffer.queue\n\treturn len", "w, q := &writer{}, []*frame(nil)\n\treturn len",
	},
	{
		"ACK is not written before unlink", "remove.go",
		"if err := s.writeAck(); err != nil {", "if err := error(nil); err != nil {",
	},
	{
		"ACK is not synced before unlink", "remove.go",
		"if err := w.ack.sync(); err != nil {", "if err := error(nil); err != nil {",
	},
	{
		"unlink is tried no second time", "remove.go",
		"return fmt.Errorf(\"remove %s: %w\", name, err)", "_ = fmt.Sprint(name); w.doomed = nil; return nil",
	},
	{
		"drop-oldest is not counted", "remove.go",
		"s.lost.Dropped += n", "s.lost.Dropped += 0 * n",
	},
	{
		"the bound is not kept", "remove.go",
		"room := s.bytes+size <= s.opts.MaxBytes", "room := true",
	},
	{
		"the durable slot of ACK is overwritten", "ack.go",
		"k.slot = 1 - k.slot", "k.slot = 0",
	},
	{
		"the oldest slot of ACK wins", "ack.go",
		"a.generation > newest.generation", "a.generation < newest.generation",
	},
	{
		"the sequence goes on below what ACK knows", "recover.go",
		"next := max(w.writtenSeq, s.settled.through)", "next := end.seq",
	},
	{
		"what an earlier process wrote counts as durable", "recover.go",
		"w.unsynced = append(w.unsynced, seg)", "s.closeSegment(seg)",
	},
	{
		"the torn tail ends the spool: frames after a hole are not read", "scan.go",
		"if off > c.off && h.decode(b, c.number)", "if false && h.decode(b, c.number)",
	},
	{
		"payloads are not checked", "scan.go",
		"checksum(crcInit, c.payload) != c.h.crc", "false",
	},
	{
		"headers are not checked", "format.go",
		"binary.LittleEndian.Uint32(b[84:]) != checksum(crcInit, b[:84])", "false",
	},
	{
		"losses are not counted when they are read", "read.go",
		"s.countLost(n, end)", "s.countLost(0*n, end)",
	},
	{
		"what was written twice is read twice", "read.go",
		"if h.prefix == t.prefix && h.first <= t.last {", "if false {",
	},
	{
		"a newer copy is not preferred to a hole", "read.go",
		"if h.ordinal > r.track.expect && h.ordinal >= r.again {", "if false {",
	},
	{
		"Read does not go back", "append.go",
		"s.rewind = min(s.rewind, from)", "s.rewind = min(s.rewind, maxSeq)",
	},
	{
		"without ACK nothing is ever settled", "recover.go",
		"s.settled.add(1, first-1)", "s.settled.add(1, 0)",
	},
	{
		"Read returns what the caller has", "read.go",
		"first, n := s.only.next(r.seq, h.last())", "first, n := seqSet{{r.seq, h.last()}}.next(r.seq, h.last())",
	},
	{
		"settled records are read", "recover.go",
		"s.only.add(first, first+n-1)", "s.only.add(1, next-1)",
	},
	{
		"a frame that fails goes to the same segment again", "writer.go",
		"s.retire()\n\t\tif isFull", "if isFull",
	},
	{
		"what is settled is written", "writer.go",
		"f.last() <= s.settled.through {", "false {",
	},
}

// Each rule that is broken makes the suite fail. It takes a compiler and
// minutes: SPOOL_SOAK=1, or SPOOL_MUTATE with a part of a name.
func TestMutationsOfTheSource(t *testing.T) {
	only := os.Getenv("SPOOL_MUTATE")
	if !soak && only == "" {
		for _, mut := range sourceMutations { // they match, at least
			if b, err := os.ReadFile(mut.file); err != nil || strings.Count(string(b), mut.old) != 1 {
				t.Errorf("%s: %d matches in %s (%v)", mut.name, strings.Count(string(b), mut.old), mut.file, err)
			}
		}
		t.Skipf("%d mutations, run by make soak", len(sourceMutations))
	}
	caught := 0
	for _, mut := range sourceMutations {
		if only != "" && only != "all" && !strings.Contains(mut.name, only) {
			continue
		}
		source, err := os.ReadFile(mut.file)
		if err != nil {
			t.Fatal(err)
		}
		dir := t.TempDir()
		path, _ := filepath.Abs(mut.file)
		broken := filepath.Join(dir, mut.file)
		os.WriteFile(broken, []byte(strings.Replace(string(source), mut.old, mut.broken, 1)), 0o600)
		overlay, _ := json.Marshal(map[string]any{"Replace": map[string]string{path: broken}})
		os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600)
		cmd := exec.Command("go", "test", "-failfast", "-timeout", "3m", "-overlay", filepath.Join(dir, "overlay.json"), "-skip", "Mutations", ".")
		cmd.Env = append(os.Environ(), "SPOOL_SOAK=", "SPOOL_MUTATE=", "SPOOL_QUICK=1", "SPOOL_KILLS=20", "GOFLAGS=-vet=off")
		out, err := cmd.CombinedOutput()
		switch text := string(out); {
		case err == nil:
			t.Errorf("%s: the suite passes", mut.name)
		case strings.Contains(text, "build failed"):
			t.Errorf("%s: %s", mut.name, text)
		default:
			caught++
			first, _, _ := strings.Cut(text[max(strings.Index(text, "--- FAIL"), 0):], " (")
			t.Logf("%s: %s", mut.name, first)
		}
	}
	t.Logf("%d of %d mutations make the suite fail", caught, len(sourceMutations))
}
