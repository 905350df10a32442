package spool

import (
	"math/rand/v2"
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
				if _, err := st.crashes(rng, 16); err != nil {
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
