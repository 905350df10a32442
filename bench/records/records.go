// Package records makes the records that every peer is given: one message and
// five scalar attributes, as a web server would log a request. The values are
// a function of the sequence number, so that the receiver can tell a record
// that arrived whole from one that did not.
package records

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"strconv"
)

// Message is the message of all records.
const Message = "request served"

// Keys are the keys of the attributes, in order. The last is the marker that
// the receiver counts.
var Keys = [...]string{"method", "path", "status", "elapsed_ms", "seq"}

var (
	methods  = [...]string{"GET", "GET", "GET", "POST", "PUT", "GET", "DELETE", "GET"}
	statuses = [...]int{200, 200, 204, 200, 404, 200, 500, 302}
	paths    [64]string
	elapsed  [256]float64
)

func init() {
	for i := range paths {
		paths[i] = "/api/v1/tenants/" + strconv.Itoa(i*37%64) + "/items/" + strconv.Itoa(10_000+i*911)
	}
	for i := range elapsed {
		elapsed[i] = math.Round(1e3*math.Exp(float64(i%61)/10)) / 1e3
	}
}

// Log logs record seq: the same call for every peer.
func Log(ctx context.Context, l *slog.Logger, seq int) {
	l.LogAttrs(ctx, slog.LevelInfo, Message,
		slog.String("method", methods[seq%len(methods)]),
		slog.String("path", paths[seq%len(paths)]),
		slog.Int("status", statuses[seq%len(statuses)]),
		slog.Float64("elapsed_ms", elapsed[seq%len(elapsed)]),
		slog.Int("seq", seq),
	)
}

// Ten are ten attributes to be given once, by With.
func Ten() []any {
	return []any{
		slog.String("service", "checkout"),
		slog.String("version", "v1.42.7"),
		slog.String("region", "eu-central-1"),
		slog.String("zone", "eu-central-1b"),
		slog.String("host", "web-17"),
		slog.Int("pid", 4711),
		slog.Int("shard", 12),
		slog.Bool("canary", false),
		slog.Float64("sample_rate", 0.25),
		slog.String("deployment", "blue"),
	}
}

// Wrong says in what a record that arrived as seq differs from what was
// logged, and "" if in nothing. The values are compared as text, because some
// peers write all attributes as strings.
func Wrong(seq int, message string, attrs map[string]any) string {
	if message != Message {
		return fmt.Sprintf("message %q", message)
	}
	want := [...]string{
		methods[seq%len(methods)],
		paths[seq%len(paths)],
		strconv.Itoa(statuses[seq%len(statuses)]),
		fmt.Sprint(elapsed[seq%len(elapsed)]),
		strconv.Itoa(seq),
	}
	for i, k := range Keys {
		if got := text(attrs[k]); got != want[i] {
			return fmt.Sprintf("%s is %q, want %q", k, got, want[i])
		}
	}
	return ""
}

// text writes numbers alike, whether they arrived as float64, integer or string.
func text(v any) string {
	if f, ok := v.(float64); ok && f == math.Trunc(f) && math.Abs(f) < 1<<53 {
		return strconv.FormatInt(int64(f), 10)
	}
	return fmt.Sprint(v)
}
