package command

import (
	"context"
	"encoding/hex"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/cli/internal/tail"
	"github.com/slogship/slogship/formats"
	"github.com/slogship/slogship/slogshiptest"
)

// The id of a record is made of its place, which does not arrive itself: of every
// record, however long.
func TestPlace(t *testing.T) {
	s := slogshiptest.NewServer(t, slogshiptest.VictoriaLogs)
	h, err := slogship.New(s.URL, &slogship.Options{
		Format: placedFormat{formats.VictoriaLogs(formats.VictoriaLogsOptions{})}, ContextAttrs: placeAttrs, MaxRecordBytes: 1000,
	})
	if err != nil {
		t.Fatal(err)
	}
	c := newPlaceContext(t.Context())
	file := [16]byte{0x12, 15: 0xff}
	out := h.WithAttrs([]slog.Attr{slog.String("a", "b")})
	for i := range 3 {
		r := slog.NewRecord(time.Now(), slog.LevelInfo, fmt.Sprint(i, strings.Repeat("x", i*800)), 0)
		r.AddAttrs(slog.String("long", strings.Repeat("y", i*800)))
		c.set(tail.Place{File: file, Offset: int64(i) << 33})
		out.Handle(c, r)
	}
	slog.New(h).Info("without a place")
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	for i, r := range s.Records() {
		if strings.Contains(string(r.Raw), "slogship.place") {
			t.Errorf("the place arrived: %s", r.Raw)
		}
		want := hex.EncodeToString(file[:]) + fmt.Sprintf("%016x", int64(i)<<33)
		if (r.ID == want) != (i < 3) || len(r.ID) != 48 {
			t.Errorf("record %d has the id %s, want %s", i, r.ID, want)
		}
	}
	if s.Len() != 4 {
		t.Fatalf("%d records arrived", s.Len())
	}
}

// A record of a file costs no memory of its own for its place.
func TestPlaceAllocates(t *testing.T) {
	c := newPlaceContext(context.Background())
	if n := testing.AllocsPerRun(100, func() {
		c.set(tail.Place{Offset: 7})
		if len(placeAttrs(c)) != 1 {
			t.Fatal("there is no place")
		}
	}); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func TestWithout(t *testing.T) {
	r := slog.NewRecord(time.Time{}, slog.LevelWarn, "m", 0)
	r.AddAttrs(slog.Int("a", 1), slog.Int("b", 2), slog.Group("g", slog.Int("a", 3), slog.Group("h", slog.Int("c", 4))))
	got := without(map[string]bool{"a": true, "g.h.c": true}, r)
	var text []string
	got.Attrs(func(a slog.Attr) bool {
		text = append(text, a.String())
		return true
	})
	if s := strings.Join(text, " "); s != "b=2 g=[a=3]" || got.Level != slog.LevelWarn || got.Message != "m" {
		t.Errorf("got %s", s)
	}
}
