package slogship

import (
	"bytes"
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// source is where a record was logged, also as the members of a JSON object.
type source struct {
	pc uintptr
	slog.Source
	members []byte
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

// sourceOf returns the source of pc, looked up and encoded once.
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
	s := &source{pc: pc, Source: slog.Source{Function: f.Function, File: f.File, Line: f.Line}}
	s.members = appendSource(nil, &s.Source)
	if sourceCount.Load() < maxSources {
		if _, known := sources.LoadOrStore(pc, s); !known {
			sourceCount.Add(1)
		}
	}
	return s
}

// appendSource appends what is known of s, as members of a JSON object.
func appendSource(dst []byte, s *slog.Source) []byte {
	if s.Function != "" {
		dst = append(dst, `"function":`...)
		dst = append(AppendString(dst, s.Function), ',')
	}
	if s.File != "" {
		dst = append(dst, `"file":`...)
		dst = append(AppendString(dst, s.File), ',')
	}
	if s.Line != 0 {
		dst = append(dst, `"line":`...)
		dst = append(strconv.AppendInt(dst, int64(s.Line), 10), ',')
	}
	return bytes.TrimSuffix(dst, []byte{','})
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
