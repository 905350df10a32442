package store

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations lead from each version of the schema to the next one: the first makes
// version 1 of an empty database. The version of a database is its user_version.
//
// To add a version:
//
//   - Append a script, and never change one that was released: databases of its
//     version are out there. It runs in one transaction together with the new
//     user_version, so that a database is of the one version or of the other.
//   - A script that replaces an index drops the old one first, or the file grows by
//     both. One that fills a table from rows may have 10 million of them to read.
//   - Give each new table a row in fillAll (schema_test.go), and write the small
//     database of the new version that all later ones are tested with:
//     go test -run TestMigrations ./internal/store -write
var migrations = []string{`
-- Names, each once: rows hold numbers.
CREATE TABLE sources   (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE templates (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE spannames (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);
CREATE TABLE routes    (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE);

-- id is ms<<20|seq, ns what is left of the time. msg is NULL where it is the template.
CREATE TABLE logs (
	id INTEGER PRIMARY KEY, ns INTEGER NOT NULL, src INTEGER NOT NULL, level INTEGER NOT NULL,
	tmpl INTEGER NOT NULL, msg TEXT, attrs TEXT, trace BLOB, span BLOB
);
-- Each of them ends in id, and so answers "the newest of" by a seek.
CREATE INDEX logs_src      ON logs(src);
CREATE INDEX logs_src_warn ON logs(src) WHERE level >= 4;
CREATE INDEX logs_src_error ON logs(src) WHERE level >= 8;
CREATE INDEX logs_warn     ON logs(id)  WHERE level >= 4;
CREATE INDEX logs_error    ON logs(id)  WHERE level >= 8;
CREATE INDEX logs_trace    ON logs(trace) WHERE trace IS NOT NULL;

CREATE TABLE spans (
	id INTEGER PRIMARY KEY, ns INTEGER NOT NULL, dur INTEGER NOT NULL, src INTEGER NOT NULL, name INTEGER NOT NULL,
	route INTEGER NOT NULL, kind INTEGER NOT NULL, failed INTEGER NOT NULL, entry INTEGER NOT NULL, status TEXT,
	trace BLOB NOT NULL, span BLOB NOT NULL, parent BLOB, attrs TEXT, events TEXT
);
CREATE UNIQUE INDEX spans_trace ON spans(trace, span);
CREATE INDEX spans_entry  ON spans(id)   WHERE entry = 1;
CREATE INDEX spans_name   ON spans(name) WHERE entry = 1;
CREATE INDEX spans_src    ON spans(src)  WHERE entry = 1;
CREATE INDEX spans_failed ON spans(id)   WHERE entry = 1 AND failed = 1;

-- Counts by minute and by hour; t is in seconds.
CREATE TABLE roll_1m (t INTEGER, src INTEGER, class INTEGER, n INTEGER NOT NULL, PRIMARY KEY (t, src, class)) WITHOUT ROWID;
CREATE TABLE roll_1h (t INTEGER, src INTEGER, class INTEGER, n INTEGER NOT NULL, PRIMARY KEY (t, src, class)) WITHOUT ROWID;
CREATE TABLE templates_1h (t INTEGER, tmpl INTEGER, n INTEGER NOT NULL, PRIMARY KEY (t, tmpl)) WITHOUT ROWID;

-- How long requests took: buckets are 15 % wide, see bucketOf.
CREATE TABLE routes_1m (t INTEGER, route INTEGER, bucket INTEGER, n INTEGER NOT NULL, failed INTEGER NOT NULL,
	PRIMARY KEY (t, route, bucket)) WITHOUT ROWID;
CREATE TABLE routes_1h (t INTEGER, route INTEGER, bucket INTEGER, n INTEGER NOT NULL, failed INTEGER NOT NULL,
	PRIMARY KEY (t, route, bucket)) WITHOUT ROWID;

-- Errors of one kind. resolved is when somebody said so, 0 if nobody has; times are in ms.
CREATE TABLE groups (
	id INTEGER PRIMARY KEY, src INTEGER NOT NULL, type TEXT NOT NULL, tmpl INTEGER NOT NULL, n INTEGER NOT NULL,
	first INTEGER NOT NULL, last INTEGER NOT NULL, sample INTEGER NOT NULL, resolved INTEGER NOT NULL DEFAULT 0,
	reopened INTEGER NOT NULL DEFAULT 0, UNIQUE (src, type, tmpl)
);
CREATE INDEX groups_last ON groups(last);
CREATE TABLE groups_1h (grp INTEGER, t INTEGER, n INTEGER NOT NULL, PRIMARY KEY (grp, t)) WITHOUT ROWID;

-- Which tokens occur in 1,024 rows whose keys are within lo and hi: Bloom filters, in
-- 16 parts by the token, so that looking one up reads a sixteenth.
CREATE TABLE filters (part INTEGER, block INTEGER, lo INTEGER NOT NULL, hi INTEGER NOT NULL, bits BLOB NOT NULL,
	PRIMARY KEY (part, block)) WITHOUT ROWID;
-- The same for the rows since the last block: plain tokens, a row for each commit.
CREATE TABLE fresh (id INTEGER PRIMARY KEY, n INTEGER NOT NULL, lo INTEGER NOT NULL, hi INTEGER NOT NULL, tokens BLOB NOT NULL);

-- What was received, by id: ranges of slogship's numbers for each sender, hashes of all others.
CREATE TABLE senders (prefix BLOB PRIMARY KEY, ranges BLOB NOT NULL, last INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE seen (gen INTEGER, hash INTEGER, PRIMARY KEY (gen, hash)) WITHOUT ROWID;
`, schemaRuns, schemaNameOfSource}

// migrate runs the scripts that the database has not seen. A script that fails
// leaves the database as the one before it did.
func migrate(db *sql.DB, scripts []string) error {
	var version int
	if err := db.QueryRowContext(context.Background(), "PRAGMA user_version").Scan(&version); err != nil {
		return err
	}
	if version > len(scripts) {
		return fmt.Errorf("the database is of version %d, this program knows up to %d: "+
			"use a newer slogship-viewer, or another directory", version, len(scripts))
	}
	for ; version < len(scripts); version++ {
		if err := migrateOnce(db, scripts[version], version+1); err != nil {
			return fmt.Errorf("migration to version %d: %w", version+1, err)
		}
	}
	return nil
}

func migrateOnce(db *sql.DB, script string, version int) error {
	ctx := context.Background()
	tx, err := db.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() //nolint:errcheck // after a commit it does nothing
	if _, err := tx.ExecContext(ctx, script); err != nil {
		return err
	}
	if _, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
		return err
	}
	return tx.Commit()
}
