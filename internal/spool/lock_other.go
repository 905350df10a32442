//go:build !darwin && !dragonfly && !freebsd && !linux && !netbsd && !openbsd && !windows

package spool

import (
	"errors"
	"fmt"
	"os"
)

// lockFile has no lock that ends with the process here, and without one two
// processes could write into one directory.
func lockFile(*os.File) error {
	return fmt.Errorf("spool: file locks: %w", errors.ErrUnsupported)
}
