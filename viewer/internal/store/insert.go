package store

import (
	"errors"
	"strings"

	"modernc.org/sqlite"
)

// perInsert is how many rows one statement inserts: each statement costs, and the
// driver looks for each parameter among all of them. Of 10, 20 and 50, 20 takes the
// least CPU (BenchmarkIngest in the module's root).
const perInsert = 20

const logColumns = 9

// maxTries is how far a key is counted up that another row has.
const maxTries = 1 << 16

var (
	insertOne  = "INSERT INTO logs VALUES " + placeholders(1)
	insertMany = "INSERT INTO logs VALUES " + placeholders(perInsert)
)

func placeholders(rows int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?,", logColumns), ",") + ")"
	return strings.TrimSuffix(strings.Repeat(row+",", rows), ",")
}

// inserter collects rows of logs for statements that insert many.
type inserter struct {
	args []any
}

func (in *inserter) reset() { in.args = in.args[:0] }

func (in *inserter) add(w *writer, id, src, tmpl int64, r *logRow) error {
	var msg, trace, span any
	if r.Message != r.tmpl || w.s.names.name(templates, tmpl) != r.tmpl {
		msg = r.Message
	}
	if r.Trace != [16]byte{} {
		trace = r.Trace[:]
	}
	if r.Span != [8]byte{} {
		span = r.Span[:]
	}
	in.args = append(in.args, id, max(r.Time, 0)%1e6, src, int64(r.Level), tmpl, msg, nullText(r.Attrs), trace, span)
	if len(in.args) == perInsert*logColumns {
		return in.many(w)
	}
	return nil
}

// flush inserts what is left.
func (in *inserter) flush(w *writer) error {
	err := in.singly(w)
	in.reset()
	return err
}

func (in *inserter) many(w *writer) error {
	_, err := w.exec(insertMany, in.args...)
	if isConstraint(err) {
		err = in.singly(w) // the statement has inserted none of them
	}
	in.reset()
	return err
}

// singly inserts row by row. A key that is taken is counted up.
func (in *inserter) singly(w *writer) error {
	for row := in.args; len(row) > 0; row = row[logColumns:] {
		_, err := w.exec(insertOne, row[:logColumns]...)
		for tries := 0; isConstraint(err) && tries < maxTries; tries++ {
			id := row[0].(int64) + 1
			row[0] = id
			if _, err = w.exec(insertOne, row[:logColumns]...); err == nil {
				w.filters.widen(id)
			}
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// isConstraint reports whether a key or a unique index refused a row.
func isConstraint(err error) bool {
	var e *sqlite.Error
	return errors.As(err, &e) && e.Code()&0xff == 19 // SQLITE_CONSTRAINT
}

func null(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func nullText(b []byte) any {
	if len(b) == 0 || string(b) == "{}" || string(b) == "[]" {
		return nil
	}
	return string(b)
}

func nullBlob(b []byte) any {
	for _, c := range b {
		if c != 0 {
			return b
		}
	}
	return nil
}
