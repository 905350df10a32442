package slogship

import (
	"log/slog"
	"strings"
	"testing"
)

// A reserved name, or one with underscores after it, gets one more underscore; all
// others stay. No name depends on another one.
func TestReservedNames(t *testing.T) {
	r, err := newReservedNames([]string{"level", "context", "_id", "x__", "", "level"})
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"level": "level_", "level_": "level__", "level____": "level_____",
		"context": "context_", "_id": "_id_", "_id_": "_id__",
		"_cut": "_cut_", "_cut_": "_cut__",
		"x__": "x___", "x____": "x_____", "x_": "x_", "x": "x",
		"": "_", "_": "__", "___": "____",
		"levels": "levels", "level_x": "level_x", "leve": "leve", "_level": "_level", "Level": "Level", "cut": "cut", "id_": "id_", "leven_": "leven_",
		"é_": "é_", "level\xff": "level\xff",
	} {
		attrs := []slog.Attr{slog.Int("a", 1), slog.Int(name, 2)}
		r.rename(attrs)
		if attrs[1].Key != want || attrs[0].Key != "a" || attrs[1].Value.Int64() != 2 {
			t.Errorf("%q became %q, want %q", name, attrs[1].Key, want)
		}
	}
	attrs := []slog.Attr{slog.Group("level", slog.Int("level", 1))}
	if r.rename(attrs); attrs[0].Key != "level_" || attrs[0].Value.Group()[0].Key != "level" {
		t.Errorf("a group became %v", attrs)
	}
}

// Two reserved names that differ in underscores only cannot both be kept free.
func TestReservedNamesMayCollide(t *testing.T) {
	for _, names := range [][]string{{"level", "level_"}, {"a", "x__", "x"}, {"_cut_"}, {"", "_"}} {
		if _, err := newReservedNames(names); err == nil || !strings.Contains(err.Error(), "Layout.Reserved") {
			t.Errorf("%q: %v", names, err)
		}
	}
	for _, names := range [][]string{nil, {"level", "levels", "_level", "_cut"}} {
		if _, err := newReservedNames(names); err != nil {
			t.Errorf("%q: %v", names, err)
		}
	}
}

// Renaming an ordinary record's attributes takes no memory, nor does a reserved
// name.
func TestRenameDoesNotAllocate(t *testing.T) {
	r, err := newReservedNames([]string{"level", "context"})
	if err != nil {
		t.Fatal(err)
	}
	attrs := make([]slog.Attr, 3)
	if n := testing.AllocsPerRun(100, func() {
		attrs[0].Key, attrs[1].Key, attrs[2].Key = "level", "user_id", "customer_"
		r.rename(attrs)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
