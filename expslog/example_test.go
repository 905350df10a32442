package expslog_test

import (
	"log/slog"
	"os"

	xslog "golang.org/x/exp/slog"

	"github.com/slogship/slogship/expslog"
)

// An application still on golang.org/x/exp/slog logs through any handler of
// log/slog; slogship's Handler is one.
func Example() {
	h := slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey && len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		},
	})

	logger := xslog.New(expslog.New(h)).With("service", "billing")
	logger.Warn("invoice late", xslog.Group("invoice", "id", 42, "days", 3))
	// Output: {"level":"WARN","msg":"invoice late","service":"billing","invoice":{"id":42,"days":3}}
}
