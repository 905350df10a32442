package records

import (
	"context"
	"log/slog"
	"strconv"
)

// A Shape is a kind of log call: what the logger was given before, and what
// the call adds.
type Shape struct {
	Name string
	With func(*slog.Logger) *slog.Logger // nil: the logger as it is
	Log  func(ctx context.Context, l *slog.Logger, seq int)

	// Heavy shapes are logged a tenth as often.
	Heavy bool
}

// The shapes that are named elsewhere.
const (
	Five        = "five attributes" // the record that the other tables are about
	FiveWithTen = "five, ten by With"
	Bare        = "no attributes"
	BigGroup    = "a big group"
)

// Shapes are Five and further ones. Those after the second are the shapes of the
// benchmark of slog handlers at github.com/madkins23/go-slog.
func Shapes() []Shape {
	ten := func(l *slog.Logger) *slog.Logger { return l.With(Ten()...) }
	group := func(l *slog.Logger) *slog.Logger { return l.WithGroup("request") }
	return []Shape{
		{Name: Five, Log: Log},
		{Name: FiveWithTen, With: ten, Log: Log},
		{Name: Bare, Log: logBare},
		{Name: "ten attributes", Log: logTen},
		{Name: BigGroup, Log: logBigGroup, Heavy: true},
		{Name: "none, ten by With", With: ten, Log: logBare},
		{Name: "five, in a WithGroup", With: group, Log: Log},
	}
}

func logBare(ctx context.Context, l *slog.Logger, _ int) {
	l.LogAttrs(ctx, slog.LevelInfo, Message)
}

func logTen(ctx context.Context, l *slog.Logger, seq int) {
	l.LogAttrs(ctx, slog.LevelInfo, Message,
		slog.String("method", methods[seq%len(methods)]),
		slog.String("path", paths[seq%len(paths)]),
		slog.Int("status", statuses[seq%len(statuses)]),
		slog.Float64("elapsed_ms", elapsed[seq%len(elapsed)]),
		slog.Int("seq", seq),
		slog.String("host", "web-17"),
		slog.String("region", "eu-central-1"),
		slog.Int("shard", seq&15),
		slog.Bool("canary", seq&1 == 0),
		slog.Uint64("bytes", uint64(seq)*37),
	)
}

func logBigGroup(ctx context.Context, l *slog.Logger, _ int) {
	l.LogAttrs(ctx, slog.LevelInfo, Message, bigGroup)
}

// bigGroup is six levels of groups, each with three attributes and two groups
// below it: 63 groups. It is made once, so that what is measured is what a
// handler does with it.
var bigGroup = tree(6, "group")

func tree(levels int, name string) slog.Attr {
	attrs := []slog.Attr{slog.Int("level", levels), slog.String("name", name), slog.Bool("leaf", levels == 1)}
	if levels > 1 {
		for i := range 2 {
			attrs = append(attrs, tree(levels-1, name+"-"+strconv.Itoa(i)))
		}
	}
	return slog.Attr{Key: name, Value: slog.GroupValue(attrs...)}
}
