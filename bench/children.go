package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"time"

	"github.com/slogship/slogship/bench/measure"
	"github.com/slogship/slogship/bench/receiver"
)

// A child is this program again, with a subcommand: a receiver, or one
// measurement. It ends when it is done, when its time is up, or when its
// standard input is closed, so that none outlives the run.
func child(ctx context.Context, args ...string) (*exec.Cmd, io.WriteCloser, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, nil, err
	}
	cmd := exec.CommandContext(ctx, self, args...)
	// No variable of the environment configures a peer behind our back.
	cmd.Env = []string{"HOME=" + os.TempDir(), "NO_PROXY=*"}
	cmd.WaitDelay = 5 * time.Second
	stdin, err := cmd.StdinPipe()
	return cmd, stdin, err
}

// endWithParent ends the process when its standard input is closed.
func endWithParent() {
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin)
		os.Exit(3)
	}()
}

// resultMark begins the line of standard output that is a child's result; a
// peer may print what it likes beside it.
const resultMark = "\x01result "

// run measures s in a process of its own, at most for limit, and decodes the
// sample into out.
func run(ctx context.Context, s measure.Spec, limit time.Duration, out any) error {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	spec, err := json.Marshal(s)
	if err != nil {
		return err
	}
	cmd, stdin, err := child(ctx, "measure", string(spec))
	if err != nil {
		return err
	}
	defer stdin.Close()
	stderr := &tail{}
	cmd.Stderr = stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	found := false
	lines := bufio.NewReader(stdout)
	for {
		l, err := lines.ReadString('\n')
		if r, ok := strings.CutPrefix(l, resultMark); ok {
			if err := json.Unmarshal([]byte(r), out); err != nil {
				return err
			}
			found = true
		}
		if err != nil {
			break
		}
	}
	err = cmd.Wait()
	if found {
		return nil
	}
	if ctx.Err() != nil {
		err = errors.Join(err, ctx.Err())
	}
	return fmt.Errorf("%s %s: no result: %w: %s", s.Kind, s.Peer, err, stderr.last())
}

// measureMain is the child's side of run.
func measureMain(spec string) error {
	endWithParent()
	var s measure.Spec
	if err := json.Unmarshal([]byte(spec), &s); err != nil {
		return err
	}
	result, err := measure.Run(context.Background(), s)
	if err != nil {
		return err
	}
	b, err := json.Marshal(result)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(os.Stdout, "\n%s%s\n", resultMark, b)
	return err
}

// startReceiver starts a receiver process; it ends with stop.
func startReceiver(ctx context.Context) (c receiver.Control, stop func(), err error) {
	cmd, stdin, err := child(ctx, "receiver")
	if err != nil {
		return "", nil, err
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	if err := cmd.Start(); err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = stdin.Close()
		_ = cmd.Wait()
	}
	l, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("receiver: %w", err)
	}
	return receiver.Control(strings.TrimSpace(l)), stop, nil
}

// receiverMain is the child's side of startReceiver.
func receiverMain() error {
	r, err := receiver.Listen()
	if err != nil {
		return err
	}
	fmt.Println(r.Control())
	endWithParent()
	select {}
}

// tail keeps the end of what is written to it.
type tail struct{ b []byte }

func (t *tail) Write(p []byte) (int, error) {
	t.b = append(t.b, p...)
	if len(t.b) > 1<<16 {
		t.b = append([]byte(nil), t.b[len(t.b)-1<<12:]...)
	}
	return len(p), nil
}

func (t *tail) last() []byte {
	b := bytes.TrimSpace(t.b)
	return b[max(0, len(b)-500):]
}
