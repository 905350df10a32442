package store

import (
	"database/sql"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/viewer/internal/event"
)

var writeVersion = flag.Bool("write", false, "write testdata/version-N.sql of the newest schema")

func versionFile(version int) string { return fmt.Sprintf("testdata/version-%d.sql", version) }

// A database of each version of the schema opens with this program, has the tables
// and indexes of a new one, answers every question with what it answered before,
// and takes more. testdata has a small one of each version, as SQL.
func TestMigrations(t *testing.T) {
	if *writeVersion {
		writeNewest(t)
	}
	fresh := t.TempDir()
	open(t, fresh, Options{})
	want := schemaOf(t, fresh)
	for version := 1; version <= len(migrations); version++ {
		t.Run(fmt.Sprint(version), func(t *testing.T) {
			script, err := os.ReadFile(versionFile(version))
			if errors.Is(err, fs.ErrNotExist) {
				t.Fatalf("there is no database of version %d: go test -run TestMigrations ./internal/store -write", version)
			} else if err != nil {
				t.Fatal(err)
			}
			dir := t.TempDir()
			build(t, dir, string(script))
			s := open(t, dir, Options{})
			if got := schemaOf(t, dir); !slices.Equal(got, want) {
				t.Errorf("the schema is\n%s\nthat of a new database is\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
			}
			checkAll(t, s)
			fillAll(t, s) // all that has an id or a key of its own is known already
			checkAll(t, s)
			if version >= 2 {
				checkRuns(t, s)
			}
			fillRuns(t, s)
			checkRuns(t, s)
			s.must(t, event.Log{Time: noon.Add(time.Hour).UnixNano(), Source: "new", Message: "after the migration"})
			if got := messages(s.find(t, Selection{Sources: []string{"new"}}, 0, 10)); got != "after the migration" {
				t.Errorf("a new record comes back as %q", got)
			}
		})
	}
}

// fillAll puts a row into every table. Records and spans have ids: a second time
// nothing changes.
func fillAll(t *testing.T, s *Store) {
	t.Helper()
	var logs []event.Log
	for i := range 1100 { // more than a block of the token filter
		l := at(time.Duration(i)*time.Millisecond, fmt.Sprintf("user %d came", i))
		l.ID = fmt.Sprintf("%032x%016x", 7, i)
		l.Attrs = fmt.Appendf(nil, `{"user":{"id":%d}}`, i)
		logs = append(logs, l)
	}
	odd := at(-time.Hour, "it broke")
	odd.ID, odd.Level, odd.Source, odd.Attrs = "b4a1", 8, "web", []byte(`{"exception":{"type":"net.OpError"}}`)
	odd.Trace, odd.Span = [16]byte{1}, [8]byte{2}
	span := event.Span{
		Start: noon.UnixNano(), Duration: 5e6, Source: "web", Name: "GET /cart", Route: "GET /cart", Kind: 2, Failed: true,
		Status: "out of stock", Trace: [16]byte{1}, ID: [8]byte{2}, Attrs: []byte(`{"a":1}`), Events: []byte(`[{"name":"e","time":1}]`),
	}
	if err := s.Append(t.Context(), &Batch{Logs: append(logs, odd), Spans: []event.Span{span}}); err != nil {
		t.Fatal(err)
	}
}

// fillRuns puts a row into every table that version 2 has more.
func fillRuns(t *testing.T, s *Store) {
	t.Helper()
	row := func(id string, level int, message, attrs string) event.Log {
		return event.Log{ID: id, Time: noon.UnixNano(), Source: "jobs", Run: "jobs-1", Level: level, Message: message, Attrs: []byte(attrs)}
	}
	span := event.Span{
		Start: noon.Add(-time.Hour).UnixNano(), Duration: 5e6, Source: "jobs", Run: "jobs-1", Name: "POST /run", Route: "POST /run", Kind: 2,
		Trace: [16]byte{2}, ID: [8]byte{2},
	}
	if err := s.Append(t.Context(), &Batch{Spans: []event.Span{span}, Logs: []event.Log{
		row("b4a2", 8, "it broke", `{"exception":{"type":"net.OpError"}}`),
		row("b4a3", 0, processMessage, `{"process":{"run":"x","cpu":0.5,"cpus":2,"memory":1000,"heap":500,"goroutines":7,"gcs":1,"pause_ns":20}}`),
		row("b4a4", 4, lossMessage, `{"lost":7,"dropped":{"overflow":7},"from":"2026-05-04T11:59:00Z","to":"2026-05-04T12:00:00Z"}`),
	}}); err != nil {
		t.Fatal(err)
	}
}

// checkAll finds what fillAll has put there, by each table.
func checkAll(t *testing.T, s *Store) {
	t.Helper()
	find := func(text string) string {
		sel := Selection{Tokens: event.AppendWords(nil, []byte(text)), Match: func(r *Record) bool {
			return slices.Contains(strings.Fields(r.Message), text)
		}}
		return messages(s.find(t, sel, 0, 10))
	}
	if block, rest := find("77"), find("1099"); block != "user 77 came" || rest != "user 1099 came" {
		t.Errorf("by the token filter: %q, and in the block that is not full %q", block, rest)
	}
	level := 8
	for name, sel := range map[string]Selection{
		"source": {Sources: []string{"web"}}, "level": {MinLevel: &level, To: noon.UnixMilli()}, "both": {Sources: []string{"web"}, MinLevel: &level},
		"trace": {Trace: &[16]byte{1}},
	} {
		if p := s.find(t, sel, 0, 10); messages(p) != "it broke" || string(p.Records[0].Attrs) != `{"exception":{"type":"net.OpError"}}` {
			t.Errorf("by %s: %+v", name, p.Records)
		}
	}
	h, err := s.Histogram(t.Context(), &Selection{}, 10, Budget{})
	if err != nil || h.By["api"] != 1100 || h.By["web"] != 1 {
		t.Errorf("the histogram is %+v, %v", h, err)
	}
	hours, err := s.Templates(t.Context(), 0, 0, 10)
	if err != nil || len(hours) < 2 || hours[0] != (NameCount{"user <*> came", 1100}) {
		t.Errorf("the templates are %v, %v", hours, err)
	}
	groups, err := s.Groups(t.Context(), false, 0, 10, noon)
	groups = slices.DeleteFunc(groups, func(g Group) bool { return g.Source != "web" })
	if err != nil || len(groups) != 1 || groups[0].Type != "net.OpError" || groups[0].N != 1 || slices.Max(groups[0].Hours) != 1 {
		t.Errorf("the groups are %+v, %v", groups, err)
	}
	spans, _, err := s.Traces(t.Context(), TraceSelection{Name: "GET /cart", Source: "web", Failed: true}, 0, 10, Budget{})
	if err != nil || len(spans) != 1 || spans[0].Status != "out of stock" || string(spans[0].Events) != `[{"name":"e","time":1}]` {
		t.Errorf("the traces are %+v, %v", spans, err)
	}
	routes, err := s.Routes(t.Context(), noon.UnixMilli()-1, noon.UnixMilli()+60_000)
	if err != nil || len(routes.Routes) != 1 || routes.Routes[0].N != 1 || routes.Routes[0].Failed != 1 {
		t.Errorf("the routes are %+v, %v", routes, err)
	}
}

// checkRuns finds what is kept of runs.
func checkRuns(t *testing.T, s *Store) {
	t.Helper()
	runs, err := s.Runs(t.Context(), RunSelection{Source: "jobs"}, 10)
	if err != nil || len(runs) != 1 || runs[0].Name != "jobs-1" || runs[0].Levels.Error != 1 || runs[0].Requests != 1 {
		t.Fatalf("the runs are %+v, %v", runs, err)
	}
	d, err := s.Run(t.Context(), runs[0].ID)
	if err != nil || len(d.Errors) != 1 || d.Errors[0].Type != "net.OpError" || len(d.Routes) != 1 || d.Bars[len(d.Bars)-1] != [2]int64{2, 1} {
		t.Errorf("the run is %+v, %v", d, err)
	}
	list, err := s.Processes(t.Context(), 0, noon.Add(-time.Hour).UnixMilli(), noon.Add(time.Minute).UnixMilli())
	if err != nil || len(list) != 1 || len(list[0].Points) != 1 || list[0].Points[0].Goroutines != 7 {
		t.Errorf("the processes are %+v, %v", list, err)
	}
	lost, err := s.Losses(t.Context(), &Selection{})
	if err != nil || len(lost) != 1 || lost[0].N != 7 || lost[0].Source != "jobs" {
		t.Errorf("the losses are %+v, %v", lost, err)
	}
}

// build makes the database of a script, as a program of its version left it.
func build(t *testing.T, dir, script string) {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, "viewer.db"), "page_size(8192)", "auto_vacuum(INCREMENTAL)", "journal_mode(WAL)"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec(script); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// schemaOf returns the statements that made the tables and indexes.
func schemaOf(t *testing.T, dir string) []string {
	t.Helper()
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, "viewer.db"), "query_only(1)"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return column(t, db, "SELECT type || ' ' || name || ': ' || coalesce(sql, '') FROM sqlite_schema ORDER BY type, name")
}

func column(t *testing.T, db *sql.DB, query string) (values []string) {
	t.Helper()
	rows, err := db.Query(query)
	if err := each(rows, err, func() error {
		var v string
		err := rows.Scan(&v)
		values = append(values, v)
		return err
	}); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return values
}

// writeNewest writes a small database of the newest version, as SQL.
func writeNewest(t *testing.T) {
	t.Helper()
	dir := t.TempDir()
	s := open(t, dir, Options{})
	fillAll(t, s)
	fillRuns(t, s)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, "viewer.db"), "query_only(1)"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	var out strings.Builder
	for _, statement := range column(t, db, "SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL ORDER BY rowid") {
		fmt.Fprintf(&out, "%s;\n", statement)
	}
	for _, table := range column(t, db, "SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY rowid") {
		columns := column(t, db, fmt.Sprintf("SELECT 'quote(' || name || ')' FROM pragma_table_info('%s')", table))
		rows := column(t, db, fmt.Sprintf("SELECT %s FROM %s", strings.Join(columns, " || ',' || "), table))
		if len(rows) == 0 {
			t.Errorf("no row in table %s: fillAll is to make one", table)
		}
		for _, row := range rows {
			fmt.Fprintf(&out, "INSERT INTO %s VALUES (%s);\n", table, row)
		}
	}
	fmt.Fprintf(&out, "PRAGMA user_version = %d;\n", len(migrations))
	if err := os.WriteFile(versionFile(len(migrations)), []byte(out.String()), 0o600); err != nil {
		t.Fatal(err)
	}
}

// A newer schema than this program's is refused, in words, and left as it is.
func TestNewerSchema(t *testing.T) {
	dir := t.TempDir()
	build(t, dir, "CREATE TABLE tomorrow(a); PRAGMA user_version = 99")
	before := schemaOf(t, dir)
	_, err := Open(dir, Options{})
	if err == nil || !strings.Contains(err.Error(), "version 99") || !strings.Contains(err.Error(), "newer slogship-viewer") {
		t.Errorf("Open: %v", err)
	}
	if after := schemaOf(t, dir); !slices.Equal(after, before) {
		t.Errorf("the schema is now %v", after)
	}
}

// A migration that fails says which, and leaves the version before it: the next
// start tries again.
func TestFailedMigration(t *testing.T) {
	dir := t.TempDir()
	db, err := sql.Open("sqlite", dsn(filepath.Join(dir, "viewer.db")))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	scripts := []string{"CREATE TABLE a(x)", "CREATE TABLE b(x); INSERT INTO b VALUES (1); CREATE TABLE a(x)"}
	if err := migrate(db, scripts); err == nil || !strings.Contains(err.Error(), "migration to version 2") {
		t.Errorf("migrate: %v", err)
	}
	if got := column(t, db, "SELECT name FROM sqlite_schema"); !slices.Equal(got, []string{"a"}) {
		t.Errorf("tables %v", got)
	}
	scripts[1] = "CREATE TABLE b(x)"
	for range 2 { // the second time there is nothing to do
		if err := migrate(db, scripts); err != nil {
			t.Error(err)
		}
	}
	if got := column(t, db, "SELECT name FROM sqlite_schema"); !slices.Equal(got, []string{"a", "b"}) {
		t.Errorf("tables %v", got)
	}
	if v := column(t, db, "PRAGMA user_version"); v[0] != "2" {
		t.Errorf("version %s", v[0])
	}
}
