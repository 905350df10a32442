package main

import (
	"bufio"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/slogship/slogship/slogshiptest"
)

// /metrics and /healthz tell what happens: while delivery works, while it fails, and
// when it works again.
func TestMetrics(t *testing.T) {
	t.Parallel()
	s := slogshiptest.NewServer(t, slogshiptest.Elasticsearch)
	p := slogshipWith(t, s, "-metrics", ":0", "-interval", "10ms", "-spool", filepath.Join(t.TempDir(), "spool"), "-progress", "0")
	p.Stderr = nil
	stderr, err := p.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := p.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(); err != nil {
		t.Fatal(err)
	}
	said := bufio.NewReader(stderr)
	line, err := said.ReadString('\n')
	address := regexp.MustCompile(`http://127\.0\.0\.1:\d+/`).FindString(line)
	if err != nil || address == "" {
		t.Fatalf("it says %q, %v", line, err)
	}
	go io.Copy(io.Discard, said)

	// until waits until a metric has a value, and returns all of them.
	until := func(metric, value string) map[string]string {
		t.Helper()
		for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
			_, text := get(t, address+"metrics")
			if all := parseMetrics(t, text); all[metric] == value {
				return all
			} else if time.Since(began) > time.Minute {
				t.Fatalf("%s is %s, want %s:\n%s", metric, all[metric], value, text)
			}
		}
	}
	fmt.Fprint(in, "one\ntwo\n")
	all := until("slogship_records_delivered_total", "2")
	for metric, want := range map[string]string{
		"slogship_input_bytes_total": "8", "slogship_records_accepted_total": "2", "slogship_records_held": "0", "slogship_failing": "0",
		`slogship_records_dropped_total{reason="rejected"}`: "0", "slogship_spool_records": "0", "slogship_spool_unprotected_records": "0",
	} {
		if all[metric] != want {
			t.Errorf("%s is %q, want %s", metric, all[metric], want)
		}
	}
	if all["slogship_requests_accepted_total"] == "0" || all["slogship_sent_bytes_total"] == "0" || all["slogship_encoded_bytes_total"] == "0" {
		t.Errorf("nothing was sent: %v", all)
	}
	if status, text := get(t, address+"healthz"); status != http.StatusOK || text != "ok\n" {
		t.Errorf("healthz: %d %q", status, text)
	}

	s.Fail(slogshiptest.Failure{Status: http.StatusServiceUnavailable})
	fmt.Fprint(in, "three\n")
	until("slogship_failing", "1")
	if status, text := get(t, address+"healthz"); status != http.StatusServiceUnavailable || !strings.HasPrefix(text, "failing since 2") || !strings.Contains(text, "503") {
		t.Errorf("healthz: %d %q", status, text)
	}
	until("slogship_records_held", "1")
	s.Recover()
	until("slogship_failing", "0")
	until("slogship_records_delivered_total", "3")
	if status, _ := get(t, address+"nothing"); status != http.StatusNotFound {
		t.Errorf("another path: %d", status)
	}
	in.Close()
	if err := p.Wait(); err != nil {
		t.Error(err)
	}
}

func get(t *testing.T, url string) (status int, text string) {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

var sample = regexp.MustCompile(`^([a-z_]+(?:\{reason="[a-z_]+"\})?) (-?\d+)$`)

// parseMetrics reads Prometheus' text format as far as the command writes it: a metric
// has its help and its type, once, before its samples.
func parseMetrics(t *testing.T, text string) map[string]string {
	t.Helper()
	all, typed := map[string]string{}, map[string]bool{}
	for line := range strings.Lines(text) {
		line = strings.TrimSuffix(line, "\n")
		if strings.HasPrefix(line, "# HELP ") {
			continue
		}
		if rest, ok := strings.CutPrefix(line, "# TYPE "); ok {
			name, kind, _ := strings.Cut(rest, " ")
			if typed[name] || kind != "counter" && kind != "gauge" || (kind == "counter") != strings.HasSuffix(name, "_total") {
				t.Errorf("%q", line)
			}
			typed[name] = true
			continue
		}
		m := sample.FindStringSubmatch(line)
		if m == nil {
			t.Fatalf("not a sample: %q", line)
		}
		if name, _, _ := strings.Cut(m[1], "{"); !typed[name] {
			t.Errorf("%s has no type", name)
		}
		all[m[1]] = m[2]
	}
	return all
}
