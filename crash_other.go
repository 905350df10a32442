//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package slogship

import (
	"fmt"
	"os"
)

// openPrivate opens file, which is made if it does not exist. Windows keeps
// other users out by the directory's permissions.
func openPrivate(file string) (*os.File, error) {
	info, err := os.Lstat(file)
	if err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is %v: %w", file, info.Mode(), errNotPrivate)
	}
	return os.OpenFile(file, os.O_RDWR|os.O_CREATE|os.O_APPEND, 0o600)
}
