package command

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/slogship/slogship/lines"
)

// execute runs a command and ships its outputs. Its exit status is the command's.
func execute(c *config, stop <-chan os.Signal) (status int) {
	none := make(chan os.Signal) // signals are the command's
	s, err := newShipper(c, false, none)
	if err != nil {
		return c.env.failStart(c, err)
	}
	if err := s.begin(); err != nil {
		return s.fail(err)
	}
	cmd := exec.Command(c.command[0], c.command[1:]...) //nolint:gosec,noctx // that is what it is for; it ends by itself
	cmd.WaitDelay = max(c.grace, time.Millisecond)      // a process that it leaves behind may hold its outputs
	cmd.Stdin = c.env.Stdin
	stdout, stderr := newOutput(s, "stdout", c.env.Stdout), newOutput(s, "stderr", c.env.Stderr)
	cmd.Stdout, cmd.Stderr = stdout, stderr

	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passedOn...)
	defer signal.Stop(signals)
	began := time.Now()
	if err := cmd.Start(); err != nil {
		s.fail(err)
		if errors.Is(err, exec.ErrNotFound) || errors.Is(err, os.ErrNotExist) {
			return 127 // as shells have it
		}
		return 126
	}
	pid := cmd.Process.Pid
	stdout.begin(pid)
	stderr.begin(pid)
	ended := make(chan struct{})
	go s.passOn(cmd.Process, signals, stop, ended)
	err = cmd.Wait()
	close(ended)
	time.AfterFunc(c.grace, s.giveUp)
	_ = stdout.w.Close() // an unfinished line
	_ = stderr.w.Close()

	code := exitCode(cmd.ProcessState)
	level := slog.LevelInfo
	if code != 0 {
		level = slog.LevelError
	}
	r := slog.NewRecord(time.Now(), level, "exited", 0)
	r.AddAttrs(slog.String("command", filepath.Base(c.command[0])), slog.Int("pid", pid), slog.Int("exit_code", code),
		slog.Duration("duration", time.Since(began)))
	if text := signalOf(cmd.ProcessState); text != "" {
		r.AddAttrs(slog.String("signal", text))
	}
	if s.Enabled(context.Background(), level) {
		_ = s.Handle(context.Background(), r) // it always returns nil
	}
	if err != nil && cmd.ProcessState == nil {
		c.env.say("slogship: %v\n", err)
	}
	s.finish(max(c.grace, time.Millisecond))
	return code
}

// passOn gives the command the signals that slogship gets, until it has ended. What
// a terminal sends, it sends to the command itself.
func (s *shipper) passOn(p *os.Process, signals, stop <-chan os.Signal, ended <-chan struct{}) {
	fromTerminal := isTerminal(s.c.env.Stdin)
	for {
		select {
		case sig := <-signals:
			if fromTerminal && (sig == os.Interrupt || sig == syscall.SIGQUIT) {
				continue
			}
			_ = p.Signal(sig) // it may have ended
		case <-stop: // a copy of these
		case <-ended:
			return
		}
	}
}

// output is one of the command's: an io.Writer that the os/exec package copies to.
// A command that writes before its pid is known waits for it.
type output struct {
	s      *shipper
	stream string
	tee    io.Writer
	w      *lines.Writer
	begun  chan struct{} // closed by begin
}

func newOutput(s *shipper, stream string, tee io.Writer) *output {
	o := &output{s: s, stream: stream, begun: make(chan struct{})}
	if s.c.tee {
		o.tee = tee
	}
	return o
}

func (o *output) begin(pid int) {
	o.w = lines.NewWriter(o.s.WithAttrs([]slog.Attr{slog.String("stream", o.stream), slog.Int("pid", pid)}), &o.s.c.lines)
	close(o.begun)
}

func (o *output) Write(p []byte) (int, error) {
	<-o.begun
	o.s.read.Add(int64(len(p)))
	if o.tee != nil {
		if _, err := o.tee.Write(p); err != nil {
			o.tee = nil // who does not read on cannot be told; the records go on
		}
	}
	return o.w.Write(p)
}
