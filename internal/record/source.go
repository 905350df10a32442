package record

import (
	"encoding/binary"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
)

// source is the captured form of where a record was logged, or of a frame of a stack.
type source struct {
	pc uintptr
	slog.Source
	members []byte // a section of what is known; empty if nothing is
	frame   []byte // function, file, line, as they stand in the entry of an error
}

// maxSources bounds the cache of sources. A program has fewer call sites;
// records with made-up program counters could have any number.
const maxSources = 1 << 16

var (
	sources     sync.Map // uintptr -> *source; a program counter always means the same
	sourceCount atomic.Int64

	// recentSources spares most records the map: 3 ns instead of 14.
	recentSources [256]atomic.Pointer[source]
)

// sourceOf returns the source of pc, looked up and captured once.
func sourceOf(pc uintptr) *source {
	recent := &recentSources[pc>>2%uintptr(len(recentSources))]
	if s := recent.Load(); s != nil && s.pc == pc {
		return s
	}
	if s, ok := sources.Load(pc); ok {
		recent.Store(s.(*source))
		return s.(*source)
	}
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	s := newSource(pc, slog.Source{Function: f.Function, File: f.File, Line: f.Line})
	if sourceCount.Load() < maxSources {
		if _, known := sources.LoadOrStore(pc, s); !known {
			sourceCount.Add(1)
		}
	}
	return s
}

func newSource(pc uintptr, src slog.Source) *source {
	s := &source{pc: pc, Source: src}
	s.frame = appendFrame(nil, &src)
	if members := sourceGroup(&src).Group(); len(members) > 0 {
		o := output{buf: binary.LittleEndian.AppendUint32(nil, uint32(len(members)))}
		for _, m := range members {
			o.scalar(m.Key, m.Value)
		}
		s.members = o.buf
	}
	return s
}

// appendFrame appends s as it stands in the entry of an error.
func appendFrame(dst []byte, s *slog.Source) []byte {
	dst = appendString(appendString(dst, s.Function), s.File)
	return binary.AppendUvarint(dst, uint64(max(s.Line, 0)))
}

// sourceGroup is s as a group of its fields that are not empty, as
// slog.JSONHandler writes it.
func sourceGroup(s *slog.Source) slog.Value {
	if s == nil {
		return slog.GroupValue()
	}
	var attrs []slog.Attr
	if s.Function != "" {
		attrs = append(attrs, slog.String("function", s.Function))
	}
	if s.File != "" {
		attrs = append(attrs, slog.String("file", s.File))
	}
	if s.Line != 0 {
		attrs = append(attrs, slog.Int("line", s.Line))
	}
	return slog.GroupValue(attrs...)
}
