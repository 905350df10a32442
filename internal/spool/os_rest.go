//go:build !aix && !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd && !solaris && !windows

package spool

import (
	"io/fs"
	"os"
)

func checkOwner(string, fs.FileInfo) error { return nil }

func syncDirectory(f *os.File) error { return f.Sync() }

func isFull(error) bool { return false }
