package slogship

import (
	"log/slog"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
)

// source is where a record was logged, and its members as JSON.
type source struct {
	slog.Source
	json []byte
}

// maxSources bounds the cache of sources. A program has fewer call sites;
// records with made-up program counters could have any number.
const maxSources = 1 << 16

var (
	sources     sync.Map // uintptr -> *source; a program counter always means the same
	sourceCount atomic.Int64
)

// sourceOf returns the source of pc, looked up and encoded once.
func sourceOf(pc uintptr) *source {
	if s, ok := sources.Load(pc); ok {
		return s.(*source)
	}
	f, _ := runtime.CallersFrames([]uintptr{pc}).Next()
	s := &source{Source: slog.Source{Function: f.Function, File: f.File, Line: f.Line}}
	s.json = appendSource(nil, &s.Source)
	if sourceCount.Load() < maxSources {
		if _, known := sources.LoadOrStore(pc, s); !known {
			sourceCount.Add(1)
		}
	}
	return s
}

func appendSource(dst []byte, s *slog.Source) []byte {
	dst = append(dst, `"function":`...)
	dst = AppendString(dst, s.Function)
	dst = append(dst, `,"file":`...)
	dst = AppendString(dst, s.File)
	dst = append(dst, `,"line":`...)
	return strconv.AppendInt(dst, int64(s.Line), 10)
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
