package command

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"time"

	"github.com/slogship/slogship/cli/internal/tail"
	"github.com/slogship/slogship/lines"
)

// fileName is the attribute that names the file, as OpenTelemetry calls it.
const fileName = "log.file.path"

// follow ships the files of -follow.
func follow(c *config, stop <-chan os.Signal) (status int) {
	s, err := newShipper(c, true, stop)
	if err != nil {
		return c.env.failStart(c, err)
	}
	r := &records{s: s, decoder: lines.NewDecoder(&c.lines), place: newPlaceContext(s.ctx), outs: map[string]slog.Handler{}}
	o := tail.Options{
		Patterns: c.patterns,
		StateDir: c.stateDir,
		FromEnd:  c.fromEnd,
		MaxLine:  c.lines.MaxLine,
		Begins:   c.lines.Begins,
		Wait:     time.Second,
		Warn:     func(text string) { c.env.say("slogship: %s\n", text) },
	}
	f, err := tail.Open(o, tail.Sink{Take: r.take, Mark: s.h.Mark, Settled: s.h.Durable})
	if err != nil {
		return s.fail(err)
	}
	s.lag = f.Lag
	if err := s.begin(); err != nil {
		return s.fail(err)
	}
	ctx, cancel := context.WithCancel(s.ctx)
	go func() {
		select {
		case <-s.stopping:
			cancel()
			s.giveUp() // what waits for room is in its file
		case <-s.done:
			cancel()
		}
	}()
	if c.once {
		f.Once(ctx)
	} else {
		f.Run(ctx)
	}
	status = s.finishInput()
	if err := f.Close(); err != nil {
		c.env.say("slogship: positions cannot be saved: %v\n", err)
		return max(status, exitFailed)
	}
	return status
}

// records makes records of what the follower reads. It is used by one goroutine.
type records struct {
	s       *shipper
	decoder *lines.Decoder
	place   *placeContext
	outs    map[string]slog.Handler // by path
}

// maxOuts is for how many files a handler is remembered.
const maxOuts = 10_000

func (r *records) take(at tail.Place, record []byte, cut int) bool {
	if cut > 0 {
		record = bytes.ToValidUTF8(record, nil) // a character may have been cut in two
	}
	rec := r.decoder.Decode(record, time.Now())
	r.s.read.Add(int64(len(record) + cut + 1))
	if rec.Level < r.s.c.level {
		return r.s.ctx.Err() == nil
	}
	if cut > 0 {
		rec.AddAttrs(slog.Int("cut_bytes", cut))
	}
	out := r.outs[at.Path]
	if out == nil {
		if len(r.outs) >= maxOuts {
			clear(r.outs)
		}
		out = r.s.out.WithAttrs([]slog.Attr{slog.String(fileName, at.Path)})
		r.outs[at.Path] = out
	}
	r.place.set(at)
	_ = r.s.handle(r.place, out, rec) // it always returns nil
	return r.s.ctx.Err() == nil       // else rec may have been dropped for want of room
}
