//go:build !unix

package tail

import (
	"errors"
	"io/fs"
	"os"
)

func keyOf(fs.FileInfo) key { return key{} }

func links(fs.FileInfo) uint64 { return 1 }

// lockFile refuses: files have no inode by which they could be told apart.
func lockFile(*os.File) error {
	return errors.New("files cannot be followed on this system yet")
}
