package formats

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
)

// Of elements of one name the last is left, however many there are, and all
// others stay as they are.
func TestDropOverruled(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 2000 {
		n := 1 + r.IntN(10)
		if r.IntN(4) == 0 {
			n = fewElements - 2 + r.IntN(300)
		}
		names := 1 + r.IntN(2*n)
		type member struct {
			name  string
			value int
		}
		var all []member
		last := map[string]int{}
		for i := range n {
			all = append(all, member{fmt.Sprint("n", r.IntN(names)), i})
			last[all[i].name] = i
		}
		const before = `{"n0":"stays",`
		text, want := []byte(before), []byte(before)
		for i, m := range all {
			text = fmt.Appendf(text, `"%s":"%d",`, m.name, m.value)
			if last[m.name] == i {
				want = fmt.Appendf(want, `"%s":"%d",`, m.name, m.value)
			}
		}
		text, want = text[:len(text)-1], want[:len(want)-1]
		if got := dropOverruled(text, len(before), 1, nextMetadata); !bytes.Equal(got, want) {
			t.Fatalf("%s\nwant %s", got, want)
		}
	}
}
