// Package command is the command slogship: its flags, and what it does with them.
//
//	standard input -+
//	files ----------+-> lines -> records -> slogship.Handler -> backend
//	a command ------+                            |
//	                                      -spool, on disk
//
// It blocks instead of dropping, and says at the end what became of every line.
package command

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
)

// The exit statuses.
const (
	exitDelivered = 0
	exitFailed    = 1 // the input could not be read, the state not used
	exitUsage     = 2
	exitRefused   = 3 // something was refused, or too large
	exitUnsent    = 4 // something is undelivered, and lost
	exitSpooled   = 5 // something is undelivered, and all of it is in -spool
)

// Env is what a process has.
type Env struct {
	Stdin          io.Reader
	Stdout, Stderr io.Writer
	Getenv         func(string) string
}

// Main runs the command with the arguments after its name, and returns the exit
// status.
func Main(args []string, env Env) (status int) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, os.Interrupt, syscall.SIGTERM)
	defer signal.Stop(stop)

	name, run := "", shipInput
	if len(args) > 0 {
		switch args[0] {
		case "check":
			name, run, args = "check", check, args[1:]
		case "exec":
			name, run, args = "exec", execute, args[1:]
		case "spool":
			return spoolMain(args[1:], env, stop)
		case "help":
			args = []string{"-h"}
		}
	}
	c, err := parse(name, args, env)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDelivered
	case err != nil:
		env.say("slogship: %v\n", err)
		return exitUsage
	case c.version:
		_, _ = fmt.Fprintln(env.Stdout, version()) // who does not read on cannot be told
		return exitDelivered
	}
	return run(c, stop)
}

// say writes to standard error.
func (e Env) say(format string, args ...any) {
	_, _ = fmt.Fprintf(e.Stderr, format, args...) // there is nobody else to tell
}

// version is that of the module, as the go command has noted it.
func version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok || info.Main.Version == "" {
		return "slogship (unknown version)"
	}
	return "slogship " + info.Main.Version + " " + info.GoVersion
}

// stopped is a context that ends with the first signal, or with parent.
func stopped(parent context.Context, stop <-chan os.Signal) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(parent)
	go func() {
		select {
		case <-stop:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
