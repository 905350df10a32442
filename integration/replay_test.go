package integration

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/integration/server"
)

// A line is a line of a file.
type line struct {
	file   string
	number int
}

// stored is a line as a server has it.
type stored struct {
	line
	text string
	time time.Time
}

func newStored(t *testing.T, file, number, text any, at time.Time) stored {
	t.Helper()
	n, err := strconv.Atoi(fmt.Sprint(number))
	if err != nil {
		t.Fatal(err)
	}
	return stored{line{fmt.Sprint(file), n}, fmt.Sprint(text), at}
}

// replayFiles are the log files to ship and the text of their lines: those of
// the directory LOGS, or some made here.
func replayFiles(t *testing.T) (files []string, lines map[line]string) {
	t.Helper()
	dir := os.Getenv("LOGS")
	if dir == "" {
		dir = t.TempDir()
		for name, text := range madeLogs() {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(dir, "*.log"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no *.log in %s: %v", dir, err)
	}
	lines = map[line]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		number := 0
		for l := range strings.Lines(string(text)) {
			number++
			lines[line{file, number}] = valid(strings.TrimSuffix(strings.TrimSuffix(l, "\n"), "\r"))
		}
	}
	return files, lines
}

// madeLogs are files as Apache httpd, sshd and ZooKeeper write them.
func madeLogs() map[string]string {
	var httpd, sshd, zooKeeper strings.Builder
	at := time.Date(2015, 7, 29, 17, 41, 44, 747000000, time.UTC)
	for i := range 1000 {
		at = at.Add(time.Duration(i%7) * 333 * time.Millisecond)
		fmt.Fprintf(&httpd, "[%s] [%s] worker %d: script \"/var/www/é/%d.php\" took %d ms\n",
			at.Format("Mon Jan _2 15:04:05 2006"), []string{"notice", "error", "warn"}[i%3], i%9, i, i*17%1000)
		fmt.Fprintf(&sshd, "%s door sshd[%d]: Failed password for user%d from 192.0.2.%d port %d ssh2\n",
			at.Format("Jan _2 15:04:05"), 1000+i, i%50, i%256, 40000+i)
		fmt.Fprintf(&zooKeeper, "%s - %s  [QuorumPeer[myid=%d]/0:0:0:0:0:0:0:0:2181:Learner@%d] - session 0x%x\t\"quoted\" \\ %%\r\n",
			strings.Replace(at.Format("2006-01-02 15:04:05.000"), ".", ",", 1), []string{"INFO", "WARN", "ERROR"}[i%3], i%5, i%500, i)
	}
	httpd.WriteString("\n\tat a.line(Without.java:1)\nthe last, without an end, and not UTF-8: \xff")
	return map[string]string{"httpd.log": httpd.String(), "sshd.log": sshd.String(), "zookeeper.log": zooKeeper.String()}
}

// examples/replay ships log files into each server, and every line is there once
// as it was in its file, with the same time in all.
func TestReplay(t *testing.T) {
	files, lines := replayFiles(t)
	replay := filepath.Join(t.TempDir(), "replay")
	build := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", replay, "./examples/replay")
	build.Dir = ".."
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	ship := func(t *testing.T, args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), replay, append(args, files...)...).CombinedOutput()
		if err != nil {
			t.Errorf("%v", err)
		}
		t.Logf("%s", out)
	}
	begin := time.Now()
	var first map[line]stored // what the first server has
	want := func(t *testing.T, arrived []stored) {
		t.Helper()
		byLine := map[line]stored{}
		for _, s := range arrived {
			if _, ok := byLine[s.line]; ok {
				t.Errorf("line %d of %s is there twice", s.number, s.file)
			}
			byLine[s.line] = s
		}
		if len(byLine) != len(lines) {
			t.Errorf("%d lines are there, want %d", len(byLine), len(lines))
		}
		if first == nil {
			first = byLine
		}
		mistakes := 0
		for l, text := range lines {
			s := byLine[l]
			sameTime := s.time.Equal(first[l].time) || !s.time.Before(begin) && !first[l].time.Before(begin) // or it has none
			if s.text != text || !sameTime {
				if mistakes++; mistakes <= 10 {
					t.Errorf("line %d of %s: %s; time %v, in the first server %v", l.number, l.file, short(s.text, text), s.time, first[l].time)
				}
			}
		}
	}

	for _, format := range []string{"otlp", "otlp-json"} {
		t.Run(format, func(t *testing.T) {
			col := collector(t)
			before, err := col.Records()
			if err != nil {
				t.Fatal(err)
			}
			ship(t, "-format", format, "-url", col.Logs(), "--")
			const scope = "github.com/slogship/slogship"
			var arrived []stored
			old := 0
			for _, r := range before {
				if r.ScopeName == scope {
					old++
				}
			}
			for _, r := range collectedRecords(t, col, scope, old+len(lines))[old:] {
				attrs, err := collectedAttrs(r.Attributes)
				if err != nil {
					t.Fatal(err)
				}
				text, _ := collected(r.Body)
				at, err := strconv.ParseInt(r.TimeUnixNano, 10, 64)
				if err != nil {
					t.Fatal(err)
				}
				arrived = append(arrived, newStored(t, attrs["file"], attrs["line"], text, time.Unix(0, at)))
			}
			want(t, arrived)
		})
	}
	t.Run("clickhouse", func(t *testing.T) {
		c := clickHouse(t)
		table(t, c, "replay", "String", "Log") // a time with nanoseconds, in a server without DateTime64
		ship(t, "-format", "clickhouse", "-url", c.Insert("replay"), "--")
		rows, err := c.Rows("replay")
		if err != nil {
			t.Fatal(err)
		}
		var arrived []stored
		for _, r := range rows {
			var attrs struct {
				File string      `json:"file"`
				Line json.Number `json:"line"`
			}
			if err := json.Unmarshal([]byte(r.Attributes), &attrs); err != nil {
				t.Fatal(err)
			}
			at, err := time.Parse("2006-01-02 15:04:05", r.Timestamp)
			if err != nil {
				t.Fatal(err)
			}
			arrived = append(arrived, newStored(t, attrs.File, attrs.Line, r.Message, at))
		}
		want(t, arrived)
	})
	t.Run("loki", func(t *testing.T) {
		l := started[*server.Loki](t)(server.NewLoki(server.LokiConfig{AnyAge: true}))
		ship(t, "-format", "loki", "-url", l.Push(), "-header", "X-Scope-OrgID: replay", "--")
		const day = 24 * time.Hour
		days := map[time.Time]bool{time.Now().UTC().Truncate(day): true, begin.UTC().Truncate(day): true}
		for _, s := range first {
			days[s.time.UTC().Truncate(day)] = true
		}
		var arrived []stored
		for from := range days { // Loki would look at each between, too
			entries, err := l.Entries("replay", `{service_name="replay"}`, from, from.Add(day))
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range entries {
				arrived = append(arrived, newStored(t, e.Labels["file"], e.Metadata["line"], e.Line, time.Unix(0, e.Time)))
			}
		}
		want(t, arrived)
	})
}
