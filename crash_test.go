package slogship_test

import (
	"bytes"
	"encoding/json"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship"
)

// crashFile, set in the environment, makes TestMain's process one that crashes.
const crashFile = "SLOGSHIP_TEST_CRASH"

// TestCrashingProcess is the process that crashes in the tests below.
func TestCrashingProcess(t *testing.T) {
	file := os.Getenv(crashFile)
	if file == "" {
		t.Skip("a process of the tests below")
	}
	if err := slogship.ReportCrash(slog.DiscardHandler, file); err != nil {
		t.Fatal(err)
	}
	if os.Getenv("SLOGSHIP_TEST_CRASH_NOT") != "" {
		return
	}
	go explode()
	select {}
}

func explode() {
	var m map[string]int
	m["x"] = 1
}

func runChild(t *testing.T, file string, env ...string) {
	t.Helper()
	c := exec.Command(os.Args[0], "-test.run=^TestCrashingProcess$")
	c.Env = append(append(os.Environ(), crashFile+"="+file), env...)
	_ = c.Run() // it crashes
}

// report calls ReportCrash and returns the records that it logs.
func report(t *testing.T, file string) (records []map[string]any) {
	t.Helper()
	var log bytes.Buffer
	if err := slogship.ReportCrash(slog.NewJSONHandler(&log, nil), file); err != nil {
		t.Fatal(err)
	}
	stopReporting(t)
	for line := range strings.Lines(log.String()) {
		var r map[string]any
		if err := json.Unmarshal([]byte(line), &r); err != nil {
			t.Fatal(err)
		}
		records = append(records, r)
	}
	return records
}

func stopReporting(t *testing.T) {
	t.Helper()
	if err := debug.SetCrashOutput(nil, debug.CrashOptions{}); err != nil {
		t.Fatal(err)
	}
}

// What a process leaves behind in a crash is logged by the next one, once.
func TestReportCrash(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crash")
	before := time.Now().Add(-time.Second).Truncate(time.Second)
	runChild(t, file)
	records := report(t, file)
	if len(records) != 1 {
		t.Fatalf("%d records, want 1", len(records))
	}
	r := records[0]
	if r["level"] != "ERROR" || r["msg"] != "panic: assignment to entry in nil map" {
		t.Errorf("level and message are %v and %q", r["level"], r["msg"])
	}
	at, err := time.Parse(time.RFC3339Nano, r["time"].(string))
	if err != nil || at.Before(before) || at.After(time.Now().Add(time.Second)) {
		t.Errorf("the record's time is %v, want that of the crash", r["time"])
	}
	stack, _ := r["stack"].(string)
	if !strings.HasPrefix(stack, "goroutine ") || !strings.Contains(stack, "explode") || strings.Contains(stack, "\n\n") {
		t.Errorf("the stack is not that of the goroutine that crashed:\n%s", stack)
	}
	crash, _ := r["crash"].(map[string]any)
	if pid, _ := crash["pid"].(float64); pid == 0 || int(pid) == os.Getpid() {
		t.Errorf("crash.pid is %v, want that of the process that crashed", crash["pid"])
	}
	if crash["go"] == "" || crash["path"] == "" {
		t.Errorf("crash is %v, want the program's build info", crash)
	}
	if again := report(t, file); len(again) != 0 {
		t.Errorf("the next start logs it again: %v", again)
	}
}

// A process that ends well leaves nothing to log.
func TestReportCrashWithoutCrash(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crash")
	runChild(t, file, "SLOGSHIP_TEST_CRASH_NOT=1")
	if records := report(t, file); len(records) != 0 {
		t.Errorf("records: %v, want none", records)
	}
}

// Text without the first line of ours, and without a goroutine, is logged too.
func TestReportCrashOfForeignText(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crash")
	if err := os.WriteFile(file, []byte("\nfatal error: out of memory\nand more\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	records := report(t, file)
	if len(records) != 1 || records[0]["msg"] != "fatal error: out of memory" || records[0]["stack"] != "and more" {
		t.Errorf("records: %v", records)
	}
}

// A file that others could write to, and a symbolic link, are refused.
func TestReportCrashRefusesUnsafeFiles(t *testing.T) {
	dir := t.TempDir()
	target, link, open := filepath.Join(dir, "target"), filepath.Join(dir, "link"), filepath.Join(dir, "open")
	for _, name := range []string{target, open} {
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(target, link); err != nil {
		t.Skipf("no symbolic links here: %v", err)
	}
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{link, open, dir, filepath.Join(dir, "none", "crash")} {
		if err := slogship.ReportCrash(slog.DiscardHandler, file); err == nil || !strings.Contains(err.Error(), filepath.Base(file)) {
			t.Errorf("%s: error %v, want one that names the file", file, err)
			stopReporting(t)
		}
	}
}

// A second process cannot take the file of a running one.
func TestReportCrashLocksTheFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "crash")
	if err := slogship.ReportCrash(slog.DiscardHandler, file); err != nil {
		t.Fatal(err)
	}
	defer stopReporting(t)
	if err := slogship.ReportCrash(slog.DiscardHandler, file); err == nil || !strings.Contains(err.Error(), "in use by another process") {
		t.Errorf("error %v, want that the file is in use", err)
	}
}
