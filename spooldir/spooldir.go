// Package spooldir reads a directory of [slogship.SpoolOptions] without a Handler: how
// many records are in it, whether its files are damaged, and what the records say.
//
//	report, err := spooldir.Inspect("/var/lib/shop/logs", func(e *slogship.Event) error {
//		fmt.Println(e.Time, e.Message)
//		return nil
//	})
//
// To send the records in a directory, make a Handler with the directory and call its
// Flush. The records keep their ids. The command "slogship spool" inspects, sends and
// empties a directory, too.
package spooldir

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/internal/record"
	"github.com/slogship/slogship/internal/spool"
)

// ErrNotSpool is matched by the error of [Inspect] and [Empty] if no Handler ever used
// the directory.
var ErrNotSpool = errors.New("spooldir: not a spool")

// Report is what [Inspect] finds in a directory.
type Report struct {
	Records        int64     // records that are neither delivered nor dropped, and readable
	Oldest, Newest time.Time // when the first and the last of them was logged; zero if there is none

	Files int
	Bytes int64 // of the files, quarantine aside

	// Unreadable is the number of records that cannot be read because of damage, and
	// Damaged the number of damaged places. A Handler skips these records, and counts
	// them in Dropped.Corrupt. An unfinished write at the end, which a crash leaves, is
	// not damage.
	Unreadable int64
	Damaged    int

	// Newer is how many of Records were written by a newer version of slogship. This
	// version cannot decode them, and its Handler would drop them.
	Newer int64

	// AckDamaged reports whether the file ACK, which says which records were delivered,
	// is damaged. A Handler may then send the records again that were delivered last,
	// with the same ids.
	AckDamaged bool

	// Overflow and Corrupt are how many records Handlers have dropped since the
	// directory was created: at SpoolOptions.MaxBytes, and because of damage.
	Overflow, Corrupt int64

	Quarantine int64 // bytes in the directory quarantine: copies of what was damaged
}

// Sound reports whether nothing is damaged.
func (r *Report) Sound() bool { return r.Unreadable == 0 && r.Damaged == 0 && !r.AckDamaged }

// Inspect reads all files of a directory and checks every checksum. It changes nothing.
// A Handler may use the directory meanwhile; the counts are then those of one moment
// during the call.
//
// If each is not nil, it is called with each record that a Handler would send, in the
// same order, except those counted in [Report.Newer]. The Event and its slices are
// valid until each returns. If each returns an error, Inspect stops and returns it.
func Inspect(dir string, each func(e *slogship.Event) error) (*Report, error) {
	if err := check(dir); err != nil {
		return nil, err
	}
	in := inspector{each: each, decoder: record.NewDecoder(values{})}
	found, err := spool.Inspect(dir, in.page)
	if err != nil {
		return nil, err
	}
	r := &in.report
	r.Records, r.Unreadable, r.Damaged = found.Records-in.undecodable, found.Missing+in.undecodable, found.Bad
	r.Files, r.Bytes, r.Quarantine = len(found.Segments), found.UsedBytes, found.Kept
	r.AckDamaged = found.AckBad
	r.Overflow, r.Corrupt = found.Lost.Dropped, found.Lost.Corrupt+found.Lost.Torn
	return r, nil
}

// Empty drops all records in a directory, and returns their number. Its error matches
// [slogship.ErrLocked] if a Handler uses the directory.
func Empty(dir string) (int64, error) {
	if err := check(dir); err != nil {
		return 0, err
	}
	n, err := spool.Empty(spool.Options{Dir: dir, Version: record.Version})
	if err != nil {
		return n, fmt.Errorf("spooldir: %w", err)
	}
	return n, nil
}

// check returns an error unless dir is a directory that a Handler has used.
func check(dir string) error {
	if _, err := os.Stat(dir); err != nil {
		return fmt.Errorf("spooldir: %w", err)
	}
	for _, name := range []string{"LOCK", "META", "ACK"} {
		if _, err := os.Lstat(filepath.Join(dir, name)); !errors.Is(err, fs.ErrNotExist) {
			return nil
		}
	}
	return fmt.Errorf("%w: %s has none of its files LOCK, META and ACK", ErrNotSpool, dir)
}

// inspector decodes the records of one call of Inspect.
type inspector struct {
	report      Report
	each        func(e *slogship.Event) error
	decoder     *record.Decoder
	record      record.Record
	undecodable int64 // checked, but not records
}

func (in *inspector) page(p *spool.Page) error {
	if p.Version != record.Version {
		in.report.Newer += int64(len(p.Sizes))
		return nil
	}
	data := p.Data
	for i, size := range p.Sizes {
		if err := in.one(data[:size], p.Prefix, p.First+uint64(i)); err != nil {
			return err
		}
		data = data[size:]
	}
	return nil
}

func (in *inspector) one(b []byte, prefix spool.Prefix, seq uint64) error {
	if err := in.decoder.Decode(b, &in.record); err != nil {
		in.undecodable++
		return nil //nolint:nilerr // one record is lost, as it is to a Handler
	}
	in.record.ID = hex.EncodeToString(prefix[:]) + fmt.Sprintf("%016x", seq)
	in.report.Newest = in.record.Observed
	if in.report.Oldest.IsZero() {
		in.report.Oldest = in.record.Observed
	}
	if in.each == nil {
		return nil
	}
	return in.each((*slogship.Event)(&in.record))
}

// values makes the values of an Event that are not scalars.
type values struct{}

func (values) JSON(text string) any { return &slogship.JSON{Text: text} }

func (values) Bytes(data []byte) any { return &slogship.Bytes{Data: data} }

func (values) Error(text, typ string, stack []slog.Source) any {
	return &slogship.Error{Text: text, Type: typ, Stack: stack}
}
