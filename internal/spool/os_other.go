//go:build !linux

package spool

import (
	"errors"
	"os"
)

// syncData is F_FULLFSYNC on Darwin, FlushFileBuffers on Windows.
func syncData(f *os.File) error { return f.Sync() }

func preallocate(*os.File, int64) error { return errors.ErrUnsupported }

func writeBack(*os.File, int64, int64) {}
