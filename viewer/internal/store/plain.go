package store

import (
	"errors"
	"fmt"

	"modernc.org/sqlite"
)

// plain says in words what SQLite's error means to whoever reads it: on the status
// page, in a sender's answer, or in a terminal.
func plain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	var says string
	switch e.Code() & 0xff {
	case 5, 6: // SQLITE_BUSY, SQLITE_LOCKED
		says = "another process holds the database"
	case 8: // SQLITE_READONLY
		says = "the database may only be read"
	case 10: // SQLITE_IOERR
		says = "the disk does not do what it is told"
	case 11: // SQLITE_CORRUPT
		says = "the database is damaged: move viewer.db, viewer.db-wal and viewer.db-shm away, and a new one is made"
	case 13: // SQLITE_FULL
		says = "the disk is full"
	case 14: // SQLITE_CANTOPEN
		says = "the file cannot be opened"
	case 26: // SQLITE_NOTADB
		says = "viewer.db is no database of the viewer's: it is left as it is"
	default:
		return err
	}
	return fmt.Errorf("%s: %w", says, err)
}
