package command

import (
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/slogship/slogship/lines"
)

const (
	chunkBytes = 64 << 10

	// inputIdle: after a signal, input is read on until nothing came for so long.
	inputIdle = 100 * time.Millisecond
)

// shipInput ships standard input, or the files of -follow.
func shipInput(c *config, stop <-chan os.Signal) (status int) {
	if len(c.patterns) > 0 {
		return follow(c, stop)
	}
	s, err := newShipper(c, false, stop)
	if err != nil {
		return c.env.failStart(c, err)
	}
	if err := s.begin(); err != nil {
		return s.fail(err)
	}
	w := lines.NewWriter(s, &c.lines)
	err = s.pump(c.env.Stdin, w)
	_ = w.Close() // an unfinished line; s has no Flush that could fail
	status = s.finishInput()
	if err != nil {
		c.env.say("slogship: standard input: %v\n", err)
		return max(status, exitFailed)
	}
	return status
}

// finishInput is finish after the end of the input: records have any time to be
// delivered; but with a spool, where they are safe, no longer than -grace without one
// that is.
func (s *shipper) finishInput() (status int) {
	if s.c.spool != "" {
		go s.endWhenStalled()
	}
	return s.finish(0)
}

// endWhenStalled ends the shipper once nothing was delivered for -grace. It ends with
// the shipper.
func (s *shipper) endWhenStalled() {
	ticker := time.NewTicker(max(s.c.grace/20, time.Millisecond))
	defer ticker.Stop()
	last, since := s.h.Stats().Delivered, time.Now()
	for {
		select {
		case <-s.done:
			return
		case <-ticker.C:
		}
		if n := s.h.Stats().Delivered; n != last {
			last, since = n, time.Now()
		} else if time.Since(since) >= s.c.grace {
			s.hardEnd()
			return
		}
	}
}

// fail ends a shipper that could not begin.
func (s *shipper) fail(err error) (status int) {
	s.c.quiet = true
	s.hardEnd()
	s.finish(0)
	s.c.env.say("slogship: %v\n", err)
	return exitFailed
}

// pump copies input to w, and to standard output with -tee, until it ends. After a
// signal it goes on as long as there is something to read, and watch lets it.
func (s *shipper) pump(in io.Reader, w io.Writer) error {
	chunks, free := make(chan chunk), make(chan []byte, 2)
	free <- make([]byte, chunkBytes)
	free <- make([]byte, chunkBytes)
	go readChunks(in, chunks, free, s.done)

	stopping := s.stopping
	var idle <-chan time.Time
	for {
		select {
		case got := <-chunks:
			s.read.Add(int64(len(got.data)))
			if len(got.data) > 0 {
				if s.c.tee {
					if _, err := s.c.env.Stdout.Write(got.data); err != nil {
						s.c.tee = false
						s.c.env.say("slogship: -tee: %v\n", err)
					}
				}
				if _, err := w.Write(got.data); err != nil {
					return err
				}
			}
			if got.ended {
				return got.err
			}
			free <- got.data[:cap(got.data)]
			if idle != nil {
				idle = time.After(inputIdle)
			}
		case <-stopping:
			stopping = nil
			idle = time.After(inputIdle)
			if s.deadline.IsZero() { // not by a signal
				return nil
			}
		case <-idle:
			return nil
		case <-s.ctx.Done():
			return nil
		}
	}
}

// chunk is what was read at once.
type chunk struct {
	data  []byte
	ended bool
	err   error // why; nil at the end of input
}

// readChunks reads until the end, or until done, in a goroutine of its own: a read
// cannot be interrupted.
func readChunks(in io.Reader, chunks chan<- chunk, free <-chan []byte, done <-chan struct{}) {
	for {
		var buf []byte
		select {
		case buf = <-free:
		case <-done:
			return
		}
		n, err := in.Read(buf)
		got := chunk{data: buf[:n], ended: err != nil}
		if !errors.Is(err, io.EOF) {
			got.err = err
		}
		select {
		case chunks <- got:
		case <-done:
			return
		}
		if err != nil {
			return
		}
	}
}

// begin starts what runs beside the shipping: metrics and progress.
func (s *shipper) begin() error {
	if s.c.metrics != "" {
		if err := s.serve(); err != nil {
			return fmt.Errorf("-metrics: %w", err)
		}
	}
	s.side.Go(s.showProgress)
	return nil
}
