// Package tail follows files by name, through rotation, and knows how far what it
// read has been settled.
//
//	globs -> discover -> files -> read -> records -> Sink
//	                       ^                          |
//	           positions ("acknowledged up to") <- Settled
//
// One goroutine polls: it costs a stat for each file, and works on every file
// system. A file is what has one device and inode and has not been truncated; that
// it is still the same content is seen from its first line and from the bytes
// before the position, which are read again each time. When it is renamed or
// deleted its end is read before it is let go of; when it is truncated after it was
// copied (copytruncate), what was not read yet is read from the copy, if that is
// beside it.
//
// The package knows nothing of records, formats or flags.
package tail

import (
	"context"
	"errors"
	"io/fs"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/slogship/slogship"
)

const (
	pollEvery     = 100 * time.Millisecond
	discoverEvery = 250 * time.Millisecond
	saveEvery     = time.Second

	// A renamed file is kept open until nothing was added for so long: its writer
	// may not have noticed yet. A deleted one, which takes disk space, not so long.
	renamedWait = time.Minute
	deletedWait = 10 * time.Second
)

// A Place is where a record begins.
type Place struct {
	File   [16]byte // random, noted with the position before the first record leaves
	Offset int64
	Path   string // as the file is called now
}

// Sink is where records go.
type Sink struct {
	// Take takes a record without its line end, which it must not keep; cut is how
	// many bytes were left out at its end. It may wait. False means that it did
	// not, and that the follower is to stop.
	Take func(at Place, record []byte, cut int) bool

	// Mark and Settled are those of slogship.Handler.
	Mark    func() slogship.Mark
	Settled func(from, to slogship.Mark) bool
}

// Options say what is followed, and how.
type Options struct {
	Patterns []string // as path/filepath.Glob has them
	StateDir string   // where positions are kept; "" keeps none
	FromEnd  bool     // begin at the end of files that are there at the very first start

	MaxLine int                    // bytes of a record
	Begins  func(line []byte) bool // whether a line begins a record; nil: each does
	Wait    time.Duration          // how long a record of several lines waits for the next one

	Warn func(text string) // about files that cannot be read, and lines that are lost

	listed func() // of tests: called after files were listed, before they are opened
}

// Follower follows files. Its methods are called by one goroutine, but for Lag.
type Follower struct {
	opts  Options
	sink  Sink
	state *state
	files []*file // in the order in which they were found, what was rotated first
	buf   []byte

	first      bool // nothing was discovered yet, and there was no state
	discovered time.Time
	saved      time.Time
	dirty      bool
	warned     map[string]bool
	stopped    bool    // the sink did not take a record
	fresh      []*file // found by truncated

	lagBytes, lagFiles atomic.Int64
}

// Open reads the state, if there is one, and finds the files that it tells of. It
// fails if the state cannot be used, or is used by another process.
func Open(o Options, sink Sink) (*Follower, error) {
	for _, p := range o.Patterns {
		if _, err := filepath.Match(p, ""); err != nil {
			return nil, &fs.PathError{Op: "follow", Path: p, Err: err}
		}
	}
	st, entries, err := openState(o.StateDir)
	if err != nil {
		return nil, err
	}
	f := &Follower{
		opts: o, sink: sink, state: st,
		buf:    make([]byte, tailBytes+max(o.MaxLine, readBytes)+1),
		first:  !st.existed,
		warned: map[string]bool{},
	}
	f.resume(entries)
	return f, nil
}

// Run follows until ctx ends.
func (f *Follower) Run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case now := <-timer.C:
			more := f.round(now)
			if f.stopped {
				return
			}
			if more {
				timer.Reset(0)
			} else {
				timer.Reset(pollEvery)
			}
		}
	}
}

// Once reads what there is, to the end of each file, unfinished lines too.
func (f *Follower) Once(ctx context.Context) {
	for more := true; more; {
		more = f.round(time.Now())
		if ctx.Err() != nil || f.stopped {
			return
		}
	}
	for _, file := range f.files {
		f.finish(file)
	}
}

// round does all there is to do now, and reports whether there is more to read.
func (f *Follower) round(now time.Time) (more bool) {
	if now.Sub(f.discovered) >= discoverEvery {
		f.discovered = now
		f.discover(now)
	}
	f.settle()
	if f.identify() || f.dirty && now.Sub(f.saved) >= saveEvery {
		f.save(now)
	}
	var lag, behind int64
	all := f.files
	kept := all[:0]
	for i, file := range all {
		if f.read(file, now) {
			more = true
		}
		if f.stopped {
			kept = append(kept, all[i:]...)
			break
		}
		if file.done(now) {
			file.close()
			if len(file.waiting) == 0 {
				f.dirty = true
				continue
			}
		}
		if n := file.size - file.Offset; n > 0 {
			lag += n
			behind++
		}
		kept = append(kept, file)
	}
	clear(all[len(kept):])
	kept = append(kept, f.takeFresh()...)
	f.files = kept
	f.lagBytes.Store(lag)
	f.lagFiles.Store(behind)
	return more
}

// Lag is how many bytes of the files are not acknowledged yet, and how many files
// have such bytes. Any goroutine may call it.
func (f *Follower) Lag() (bytes, files int64) { return f.lagBytes.Load(), f.lagFiles.Load() }

// settle notes how far the files are acknowledged.
func (f *Follower) settle() {
	for _, file := range f.files {
		n := 0
		for n < len(file.waiting) && f.sink.Settled(file.waiting[n].from, file.waiting[n].to) {
			n++
		}
		if n > 0 {
			file.Offset, file.Tail = file.waiting[n-1].offset, file.waiting[n-1].tail
			file.waiting = append(file.waiting[:0], file.waiting[n:]...)
			f.dirty = true
		}
	}
}

// Close notes what is acknowledged by now, and closes everything. What was handed
// to the sink and is not settled will be read again by the next process.
func (f *Follower) Close() error {
	f.settle()
	for _, file := range f.files {
		file.close()
	}
	err := f.state.save(f.entries())
	f.state.close()
	return err
}

func (f *Follower) save(now time.Time) {
	f.saved, f.dirty = now, false
	if err := f.state.save(f.entries()); err != nil {
		f.dirty = true
		f.warnOnce("positions cannot be saved: " + err.Error())
	}
}

func (f *Follower) entries() []entry {
	var all []entry
	for _, file := range f.files {
		if file.HeadBytes > 0 {
			all = append(all, file.entry)
		}
	}
	return all
}

// discover finds new files, and those that are not where they were.
func (f *Follower) discover(now time.Time) {
	byKey := map[key]*file{}
	for _, file := range f.files {
		if file.f == nil || file.copied {
			continue
		}
		byKey[file.Key] = file
		if file.retired {
			continue
		}
		k, _, err := statKey(file.Path)
		if errors.Is(err, fs.ErrNotExist) || err == nil && k != file.Key {
			file.retire(now)
		}
	}
	for _, pattern := range f.opts.Patterns {
		paths, _ := filepath.Glob(pattern) // Open has checked it
		for _, path := range paths {
			k, info, err := statKey(path)
			if err != nil {
				if !errors.Is(err, fs.ErrNotExist) { // else it has gone meanwhile
					f.warnOnce(err.Error())
				}
				continue
			}
			if !info.Mode().IsRegular() {
				continue
			}
			if file := byKey[k]; file != nil {
				if file.retired { // renamed to what a pattern matches, too
					file.retired, file.Path = false, path
				}
				continue
			}
			file, err := openFile(path)
			if err != nil {
				f.warnOnce(err.Error())
				continue
			}
			if f.first && f.opts.FromEnd {
				file.skipToLastLine()
			}
			file.grown = now
			byKey[file.Key] = file
			f.files = append(f.files, file)
		}
	}
	f.first = false
}

// identify notes the first line of new files, as far as they have one, and reports
// whether there was any: that is to be saved before a record of them leaves.
func (f *Follower) identify() (some bool) {
	for _, file := range f.files {
		if file.HeadBytes == 0 && file.f != nil && file.identify() {
			some = true
		}
	}
	return some
}

func (f *Follower) warnOnce(text string) {
	if !f.warned[text] && len(f.warned) < 1000 {
		f.warned[text] = true
		f.opts.Warn(text)
	}
}
