//go:build !windows && (!unix || solaris || aix)

package store

import "os"

// lockFile opens the file. On these systems nothing keeps two viewers apart but
// whoever starts them.
func lockFile(path string) (*os.File, error) { return os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600) }
