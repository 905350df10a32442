package lines_test

import (
	"fmt"
	"log"
	"log/slog"
	"os"
	"time"

	"github.com/slogship/slogship/lines"
)

// Lines of different kinds become records with a time, a level and a message.
func Example() {
	h := slog.NewTextHandler(os.Stdout, nil) // or slogship's
	w := lines.NewWriter(h, nil)
	defer w.Close()

	fmt.Fprintln(w, `{"time":"2026-01-02T15:04:05Z","level":"warn","message":"disk almost full","free":{"mb":12}}`)
	fmt.Fprintln(w, `ts=2026-01-02T15:04:06Z level=error msg="no key fits" door=3`)
	fmt.Fprintln(w, `2026-01-02 15:04:07Z [error] no key fits`)
	// Output:
	// time=2026-01-02T15:04:05.000Z level=WARN msg="disk almost full" free.mb=12
	// time=2026-01-02T15:04:06.000Z level=ERROR msg="no key fits" door=3
	// time=2026-01-02T15:04:07.000Z level=ERROR msg="no key fits"
}

// Package log writes to slog.
func ExampleNewWriter() {
	h := slog.NewTextHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})
	w := lines.NewWriter(h, nil)
	defer w.Close()

	logger := log.New(w, "", log.LstdFlags)
	logger.Print("WARN no key fits")
	// Output: level=WARN msg="no key fits"
}

// A stack trace stays with its message.
func ExampleUnindented() {
	h := slog.NewJSONHandler(os.Stdout, &slog.HandlerOptions{ReplaceAttr: withoutTime})
	w := lines.NewWriter(h, &lines.Options{Begins: lines.Unindented})
	fmt.Fprint(w, "ERROR no key fits\n    at door.go:35\n    at main.go:12\ndone\n")
	w.Close()
	// Output:
	// {"level":"ERROR","msg":"no key fits\n    at door.go:35\n    at main.go:12"}
	// {"level":"INFO","msg":"done"}
}

func ExampleDecoder_Decode() {
	d := lines.NewDecoder(nil)
	r := d.Decode([]byte(`{"ts":1767366245,"level":40,"msg":"disk almost full","free":12}`), time.Now())
	fmt.Println(r.Time.Format(time.RFC3339), r.Level, r.Message)
	r.Attrs(func(a slog.Attr) bool {
		fmt.Println(a)
		return true
	})
	// Output:
	// 2026-01-02T15:04:05Z WARN disk almost full
	// free=12
}

// withoutTime removes the time, so that an example's output is always the same.
func withoutTime(_ []string, a slog.Attr) slog.Attr {
	if a.Key == slog.TimeKey {
		return slog.Attr{}
	}
	return a
}
