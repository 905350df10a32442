// Drivers measures the two pure Go drivers of SQLite side by side, with the
// viewer's table of logs and its pragmas: what a row costs to insert, and what the
// pages' questions cost.
//
//	cd viewer/measure/drivers && go run . -rows 1000000
//
// It is a module of its own, so that the viewer does not depend on both.
package main

import (
	"context"
	"database/sql"
	"flag"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	_ "github.com/ncruces/go-sqlite3/driver"
	_ "modernc.org/sqlite"
)

const (
	schema = `CREATE TABLE logs (id INTEGER PRIMARY KEY, ns INTEGER NOT NULL, src INTEGER NOT NULL, level INTEGER NOT NULL,
	tmpl INTEGER NOT NULL, msg TEXT, attrs TEXT, trace BLOB, span BLOB);
CREATE INDEX logs_src       ON logs(src);
CREATE INDEX logs_src_warn  ON logs(src) WHERE level >= 4;
CREATE INDEX logs_src_error ON logs(src) WHERE level >= 8;
CREATE INDEX logs_warn      ON logs(id)  WHERE level >= 4;
CREATE INDEX logs_error     ON logs(id)  WHERE level >= 8;
CREATE INDEX logs_trace     ON logs(trace) WHERE trace IS NOT NULL;
CREATE TABLE roll (t INTEGER, src INTEGER, class INTEGER, n INTEGER NOT NULL, PRIMARY KEY (t, src, class)) WITHOUT ROWID;`
	transaction = 5000
	columns     = 9
)

func main() {
	rows := flag.Int("rows", 1_000_000, "how many rows")
	flag.Parse()
	for round := range 2 {
		for _, name := range []string{"sqlite", "sqlite3"} {
			if err := measure(name, *rows, round); err != nil {
				fmt.Fprintln(os.Stderr, "drivers:", name, err)
				os.Exit(1)
			}
		}
	}
}

var titles = map[string]string{"sqlite": "modernc.org/sqlite", "sqlite3": "ncruces/go-sqlite3"}

func measure(driver string, rows, round int) error {
	dir, err := os.MkdirTemp("", "viewer-drivers-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	pragmas := []string{"page_size(8192)", "journal_mode(WAL)", "synchronous(FULL)", "cache_size(-32000)", "wal_autocheckpoint(4000)"}
	db, err := sql.Open(driver, "file:"+filepath.Join(dir, "x.db")+"?"+url.Values{"_pragma": pragmas}.Encode())
	if err != nil {
		return err
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	var version string
	if err := db.QueryRow("SELECT sqlite_version()").Scan(&version); err != nil {
		return err
	}
	if _, err := db.Exec(schema); err != nil {
		return err
	}
	fmt.Printf("\n## %s (SQLite %s), round %d\n\n", titles[driver], version, round+1)
	conn, err := db.Conn(context.Background())
	if err != nil {
		return err
	}
	defer conn.Close()
	next := 0
	for _, many := range []int{1, 20} {
		start := time.Now()
		if next, err = insert(conn, next, rows/2, many); err != nil {
			return err
		}
		fmt.Printf("insert, %2d rows a statement  %8.0f rows/s\n", many, float64(rows/2)/time.Since(start).Seconds())
	}
	return ask(conn, next)
}

// insert puts n rows into the table, many with one statement.
func insert(conn *sql.Conn, first, n, many int) (next int, err error) {
	ctx := context.Background()
	row := "(" + strings.Repeat("?,", columns-1) + "?)"
	stmt, err := conn.PrepareContext(ctx, "INSERT INTO logs VALUES "+strings.Repeat(row+",", many-1)+row)
	if err != nil {
		return 0, err
	}
	defer stmt.Close()
	for done := 0; done < n; done += transaction {
		if _, err := conn.ExecContext(ctx, "BEGIN IMMEDIATE"); err != nil {
			return 0, err
		}
		args := make([]any, 0, columns*many)
		for i := range transaction {
			k := int64(first + done + i)
			level, msg := k%10/8*4, any(nil)
			if k%3 == 0 {
				msg = fmt.Sprintf("charged card ending in %d", k%10_000)
			}
			attrs := fmt.Sprintf(`{"method":"GET","route":"/orders/{id}","status":200,"latency_ms":%d.%d,"user":{"id":%d,"plan":"gold"},"request":{"id":"r%d"}}`,
				k%500, k%1000, k*7919%100_000, k)
			if args = append(args, k<<20|k&0xfffff, k%1e6, k%8, level, k%40, msg, attrs, nil, nil); len(args) == cap(args) {
				if _, err := stmt.ExecContext(ctx, args...); err != nil {
					return 0, err
				}
				args = args[:0]
			}
		}
		for m := range int64(5) { // rollups
			if _, err := conn.ExecContext(ctx, "INSERT INTO roll VALUES (?,?,?,1000) ON CONFLICT DO UPDATE SET n = n + 1000", int64(done/transaction), m, 2); err != nil {
				return 0, err
			}
		}
		if _, err := conn.ExecContext(ctx, "COMMIT"); err != nil {
			return 0, err
		}
	}
	return first + n, nil
}

// ask measures what pages ask.
func ask(conn *sql.Conn, rows int) error {
	ctx := context.Background()
	const list = "SELECT id, ns, src, level, tmpl, msg, attrs, trace, span FROM logs "
	middle := int64(rows/2) << 20
	for _, q := range []struct {
		what, query string
		args        []any
		times       int
	}{
		{"the latest 100", list + "NOT INDEXED ORDER BY id DESC LIMIT 100", nil, 200},
		{"a page in the middle", list + "NOT INDEXED WHERE id < ? ORDER BY id DESC LIMIT 100", []any{middle}, 200},
		{"a page by source", list + "INDEXED BY logs_src WHERE src = 3 AND id < ? ORDER BY id DESC LIMIT 100", []any{middle}, 200},
		{"20,000 rows, looked at", list + "NOT INDEXED WHERE id < ? ORDER BY id DESC LIMIT 20000", []any{middle}, 10},
		{"a histogram", "SELECT t, src, class, n FROM roll", nil, 100},
	} {
		stmt, err := conn.PrepareContext(ctx, q.query)
		if err != nil {
			return err
		}
		var took []time.Duration
		for range q.times {
			start := time.Now()
			if err := read(stmt, q.args); err != nil {
				return fmt.Errorf("%s: %w", q.what, err)
			}
			took = append(took, time.Since(start))
		}
		if err := stmt.Close(); err != nil {
			return err
		}
		slices.Sort(took)
		fmt.Printf("%-28s p50 %v, p95 %v\n", q.what, took[len(took)/2].Round(time.Microsecond), took[len(took)*95/100].Round(time.Microsecond))
	}
	return nil
}

func read(stmt *sql.Stmt, args []any) error {
	rows, err := stmt.Query(args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	names, err := rows.Columns()
	if err != nil {
		return err
	}
	var numbers [5]int64
	var texts [4]sql.RawBytes
	into := []any{&numbers[0], &numbers[1], &numbers[2], &numbers[3], &numbers[4], &texts[0], &texts[1], &texts[2], &texts[3]}
	for rows.Next() {
		if err := rows.Scan(into[:len(names)]...); err != nil {
			return err
		}
	}
	return rows.Err()
}
