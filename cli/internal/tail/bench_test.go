package tail

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/slogship/slogship"
)

// What looking costs when nothing is new: ten times a second so much, one in 2.5 of
// them with discovering.
//
//	go test -run '^$' -bench Round ./internal/tail
func BenchmarkRound(b *testing.B) {
	for _, files := range []int{1, 100, 1000} {
		for _, discovers := range []bool{false, true} {
			b.Run(fmt.Sprintf("files=%d/discovers=%t", files, discovers), func(b *testing.B) {
				dir := b.TempDir()
				for i := range files {
					if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.log", i)), []byte("a line\n"), 0o600); err != nil {
						b.Fatal(err)
					}
				}
				f, err := Open(Options{Patterns: []string{filepath.Join(dir, "*.log")}, MaxLine: 1 << 20, Warn: func(text string) { b.Error(text) }}, Sink{
					Take:    func(Place, []byte, int) bool { return true },
					Mark:    func() slogship.Mark { return slogship.Mark{} },
					Settled: func(_, _ slogship.Mark) bool { return true },
				})
				if err != nil {
					b.Fatal(err)
				}
				now := time.Now()
				for f.round(now) {
				}
				for b.Loop() {
					if discovers {
						now = now.Add(discoverEvery)
					}
					f.round(now)
				}
			})
		}
	}
}
