package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// stdinName is what standard input is called on the command line.
const stdinName = "-"

// An input is a file, or standard input.
type input struct {
	name string
	io.ReadCloser
}

// openAll opens all files before the first line is shipped. On error it
// returns those that it has opened.
func openAll(ctx context.Context, names []string, stdin io.Reader) (files []input, err error) {
	seen := false
	for _, name := range names {
		if name == stdinName {
			if seen {
				return files, errors.New("- is given twice: standard input can be read once")
			}
			seen = true
			files = append(files, input{"standard input", interruptible(ctx, stdin)})
			continue
		}
		f, err := os.Open(name)
		if err != nil {
			return files, err
		}
		files = append(files, input{name, f})
		if info, err := f.Stat(); err == nil && info.IsDir() {
			return files, fmt.Errorf("%s is a directory", name)
		}
	}
	return files, nil
}

func closeAll(files []input) {
	for _, f := range files {
		_ = f.Close() // it was only read
	}
}

// interruptible reads from r until ctx ends. A read of standard input may wait
// for ever, and cannot be ended: it is left to a goroutine, which ends with it,
// or with the program.
func interruptible(ctx context.Context, r io.Reader) io.ReadCloser {
	out, in := io.Pipe()
	context.AfterFunc(ctx, func() { _ = in.Close() }) // the reader sees the end of the file
	go func() {
		_, err := io.Copy(in, r)
		_ = in.CloseWithError(err) // nil is the end of the file
	}()
	return out
}
