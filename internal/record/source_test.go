package record

import (
	"log/slog"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// A source is looked up and captured once, by whomever, and is what slog says.
func TestSourceIsCached(t *testing.T) {
	pc, held := callerPC(), sourceCount.Load()
	first := sourceOf(pc)
	if n := sourceCount.Load() - held; n != 1 {
		t.Errorf("a new source counts as %d", n)
	}
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			if sourceOf(pc) != first {
				t.Error("looked up again")
			}
		})
	}
	wg.Wait()
	r := slog.Record{PC: pc}
	if want := *r.Source(); first.Source != want || !strings.HasSuffix(first.File, "source_test.go") {
		t.Errorf("got %+v, want %+v", first.Source, want)
	}
	if n := testing.AllocsPerRun(100, func() { sourceOf(pc) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

// Program counters that were made up do not fill the memory.
func TestSourceCacheIsBounded(t *testing.T) {
	held := sourceCount.Load()
	defer sourceCount.Store(held)
	sourceCount.Store(maxSources)
	pc := callerPC()
	if first, second := sourceOf(pc), sourceOf(pc); first == second {
		t.Error("the cache took one more than it may hold")
	}
	if s := sourceOf(pc); !strings.Contains(s.Function, "TestSourceCacheIsBounded") {
		t.Errorf("beyond the bound a source is %+v", s.Source)
	}
}

// What is not known of a source is left out.
func TestUnknownSource(t *testing.T) {
	for _, tt := range []struct {
		src  slog.Source
		want string
	}{
		{slog.Source{}, `{}`},
		{slog.Source{Function: `f"`}, `{"function":"f\""}`},
		{slog.Source{File: "a.go", Line: 7}, `{"file":"a.go","line":7}`},
		{slog.Source{Function: "f", File: "a.go", Line: 7}, `{"function":"f","file":"a.go","line":7}`},
	} {
		if got := string(objectOf(sourceGroup(&tt.src).Group())); got != tt.want {
			t.Errorf("%+v is %s, want %s", tt.src, got, tt.want)
		}
	}
	if s := sourceOf(1); s.members != nil {
		t.Errorf("nothing is known of program counter 1, but %q", s.members)
	}
}

// ReplaceAttr may write to the source that it is shown: the next record has its own.
func TestSourceIsNotShared(t *testing.T) {
	o := options()
	o.AddSource = true
	o.ReplaceAttr = func(_ []string, a slog.Attr) slog.Attr {
		if src, ok := a.Value.Any().(*slog.Source); ok {
			src.File = "short/" + filepath.Base(src.File)
		}
		return a
	}
	s, pc := New(o), callerPC()
	for range 3 {
		r := slog.Record{PC: pc}
		if got := string(objectOf(captured(t, s, r).Source)); !strings.Contains(got, `"file":"short/source_test.go"`) {
			t.Errorf("the source is %s", got)
		}
	}
	if src := sourceOf(pc); strings.HasPrefix(src.File, "short/") {
		t.Errorf("the source for all became %+v", src.Source)
	}
}

// Program counters with the same place among the recent ones are told apart.
func TestRecentSourcesAreToldApart(t *testing.T) {
	pc := callerPC()
	first := sourceOf(pc)
	sourceOf(pc) // it is a recent one now
	if other := sourceOf(pc + 4*uintptr(len(recentSources))); other == first || other.pc == pc {
		t.Errorf("the source of another program counter is %+v", other.Source)
	}
	if again := sourceOf(pc); again != first {
		t.Errorf("the source became %+v", again.Source)
	}
}
