package slogship

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"runtime/debug"
	"strings"
	"time"
)

// maxCrash is how much of a crash's output is read, in bytes. The goroutine
// that crashed comes first; the rest are the stacks of the others.
const maxCrash = 64 << 10

// ReportCrash logs the crash of the previous run, and makes the Go runtime write a
// crash of this run to file, as well as to standard error. A crash is a panic that is
// not recovered, a fatal error such as a concurrent map write, or SIGABRT. If file has
// the crash of an earlier run, that is logged to h as one record of level ERROR. Call
// ReportCrash once, early in main:
//
//	if err := slogship.ReportCrash(h, "/var/lib/shop/crash"); err != nil {
//		...
//	}
//
// The record's time is that of the crash. Its message is the first line of the
// output, such as "panic: assignment to entry in nil map". Its attributes are
// "stack", the goroutine that crashed, and the group "crash", which describes
// the process that crashed: pid, start time, Go version, and the program's
// path, version and revision.
//
// The file is created with mode 0600. It is an error if it is a symbolic link, is not a
// regular file, belongs to another user, can be read or written by others, or is in use
// by another process: each process needs its own file. The file is emptied as soon as
// the record is logged to h. To be sure that this record is delivered, call
// [Handler.Flush] next.
//
// ReportCrash uses [debug.SetCrashOutput]: a program must not call that as well.
func ReportCrash(h slog.Handler, file string) error {
	f, err := openPrivate(file)
	if err != nil {
		return fmt.Errorf("slogship: ReportCrash: %w", err)
	}
	defer func() { _ = f.Close() }() // the runtime keeps a duplicate, and with it the lock
	if err := shipCrash(h, f); err != nil {
		return fmt.Errorf("slogship: ReportCrash: %w", err)
	}
	if err := f.Truncate(0); err != nil {
		return fmt.Errorf("slogship: ReportCrash: %w", err)
	}
	if _, err := f.Write(thisProcess().line()); err != nil {
		return fmt.Errorf("slogship: ReportCrash: %w", err)
	}
	if err := debug.SetCrashOutput(f, debug.CrashOptions{}); err != nil {
		return fmt.Errorf("slogship: ReportCrash: %w", err)
	}
	return nil
}

// process is the first line of the file: it says whose crash the rest is.
type process struct {
	PID      int       `json:"pid"`
	Started  time.Time `json:"started"`
	Go       string    `json:"go"`
	Path     string    `json:"path"`
	Version  string    `json:"version"`
	Revision string    `json:"revision"`
	Modified bool      `json:"modified"`
}

func thisProcess() process {
	p := process{PID: os.Getpid(), Started: time.Now()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return p
	}
	p.Go, p.Path, p.Version = info.GoVersion, info.Path, info.Main.Version
	for _, s := range info.Settings {
		switch s.Key {
		case "vcs.revision":
			p.Revision = s.Value
		case "vcs.modified":
			p.Modified = s.Value == "true"
		}
	}
	return p
}

func (p process) line() []byte {
	text, err := json.Marshal(p)
	if err != nil {
		return []byte("{}\n") // a clock beyond the year 9999
	}
	return append(text, '\n')
}

func (p process) attr() slog.Attr {
	return slog.Group("crash",
		"pid", p.PID, "started", p.Started, "go", p.Go,
		"path", p.Path, "version", p.Version, "revision", p.Revision, "modified", p.Modified)
}

// shipCrash logs what is in f, unless it holds only the line that an
// earlier run wrote at its start.
func shipCrash(h slog.Handler, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	text, err := io.ReadAll(io.LimitReader(f, maxCrash))
	if err != nil {
		return err
	}
	head, output, _ := bytes.Cut(text, []byte("\n"))
	var p process
	if json.Unmarshal(head, &p) != nil {
		output = text // somebody else's, or cut off: it is shipped as it is
	}
	if len(bytes.TrimSpace(output)) == 0 {
		return nil
	}
	message, stack := crashText(string(output))
	r := slog.NewRecord(info.ModTime(), slog.LevelError, message, 0)
	r.AddAttrs(slog.String("stack", stack), p.attr())
	return h.Handle(context.Background(), r)
}

// crashText divides the runtime's output into its first line and the first
// goroutine, which is the one that crashed.
//
//	panic: boom
//
//	goroutine 1 [running]:
//	main.main()
//		/src/main.go:7 +0x2c
//
//	goroutine 18 [select]:
//	...
func crashText(output string) (message, stack string) {
	message, rest, _ := strings.Cut(strings.TrimLeft(output, "\n"), "\n")
	at := strings.Index(rest, "goroutine ")
	if at < 0 {
		return message, strings.TrimSpace(rest)
	}
	stack, _, _ = strings.Cut(rest[at:], "\n\n")
	return message, strings.TrimSpace(stack)
}

var errNotPrivate = errors.New("want a regular file of this user that others can neither read nor write")
