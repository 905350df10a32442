package slogship_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"

	"github.com/slogship/slogship"
)

// An earlier run crashed. This one logs it, and is then prepared for a crash of its
// own.
func ExampleReportCrash() {
	dir, err := os.MkdirTemp("", "crash")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "crash") // in an application: /var/lib/shop/crash
	crash := "panic: assignment to entry in nil map\n\ngoroutine 1 [running]:\nmain.main()\n"
	if err := os.WriteFile(file, []byte(crash), 0o600); err != nil {
		fmt.Println(err)
		return
	}

	h := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: keepStack}) // yours: slogship.New
	if err := slogship.ReportCrash(h, file); err != nil {
		fmt.Println(err)
	}
	_ = debug.SetCrashOutput(nil, debug.CrashOptions{}) // an application leaves it on
	// Output: level=ERROR msg="panic: assignment to entry in nil map" stack="goroutine 1 [running]:\nmain.main()"
}

// keepStack leaves out what differs from run to run.
func keepStack(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 || a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
