package slogshipdebug_test

import (
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/slogshipdebug"
)

// backend answers inside the process: with a status, or not at all if that is 0.
type backend struct{ status atomic.Int32 }

func answering(status int32) *backend {
	b := new(backend)
	b.status.Store(status)
	return b
}

func (b *backend) RoundTrip(r *http.Request) (*http.Response, error) {
	status := int(b.status.Load())
	if status == 0 {
		return nil, errors.New("connect: connection refused <b>")
	}
	return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("{}")), Request: r}, nil
}

// ship returns a Handler in t's bubble, with a minute between attempts.
func ship(t *testing.T, b *backend, o slogship.Options) *slogship.Handler {
	t.Helper()
	o.Client = &http.Client{Transport: b}
	o.OnError = func(error) {}
	o.MinBackoff, o.MaxBackoff = time.Minute, time.Minute
	h, err := slogship.New("http://logs.test/logs?source=s3cret", &o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { h.Close() })
	return h
}

// ask sends a request to what New returned.
func ask(d http.Handler, method, path, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, "http://app.test"+path, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

var tag = regexp.MustCompile(`<style>[^<]*</style>|<[^>]*>`)

// text is what a reader sees of a page, in one line.
func text(html string) string {
	return strings.Join(strings.Fields(tag.ReplaceAllString(html, " ")), " ") + " "
}

// The page says first whether delivery works and, where it does not, why, for how long,
// and when it is tried again; then what waits.
func TestPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := answering(200)
		h := ship(t, b, slogship.Options{MaxPending: 2000})
		d := slogshipdebug.New(h, nil)
		want := func(texts ...string) {
			t.Helper()
			got := text(ask(d, "GET", "/debug/slogship/", "").Body.String())
			for _, w := range texts {
				if !strings.Contains(got, w) {
					t.Errorf("the page has no %q:\n%s", w, got)
				}
			}
		}
		want("http://logs.test/logs", "Nothing has been logged yet", "As of 2000-01-01 00:00:00 UTC")
		log := slog.New(h)
		log.Info("a")
		want("Nothing has been delivered yet", "In memory, records 1 ", "Oldest, age 0s")
		time.Sleep(2 * time.Second)
		want("Delivery works", "Nothing waits", "Delivered 1 ", "Last accepted 1s ago")
		log.Info("b")
		want("Delivery works", "for the next batch")
		b.status.Store(0)
		time.Sleep(90 * time.Second)
		for range 2500 {
			log.Info("c")
		}
		want("Delivery has been failing for 1m", "connection refused &lt;b&gt;", "The next attempt is in ",
			"In memory, records 2,000 ", "Oldest, age 0s", "Dropped 501 ", "Overflow: memory was full 501 ")
		html := ask(d, "GET", "/debug/slogship/", "").Body.String()
		if n := strings.Count(html, `class="bad"`); n != 2 { // Dropped, and the reason
			t.Errorf("%d rows stand out, want 2", n)
		}
		b.status.Store(200)
		time.Sleep(2 * time.Minute)
		want("Delivery works", "Nothing waits", "Delivered 2,001 ")
		if got := ask(d, "GET", "/debug/slogship/", "").Body.String(); strings.Contains(got, "s3cret") || strings.Contains(got, "<form") {
			t.Error("the page has a secret, or a form without a level")
		}
	})
}

// The page runs no script, loads nothing, and is framed by nobody; nothing is cached.
func TestPageIsLockedUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := slogshipdebug.New(ship(t, answering(200), slogship.Options{}), nil)
		w := ask(d, "GET", "/", "")
		policy := w.Header().Get("Content-Security-Policy")
		for _, want := range []string{"default-src 'none'", "style-src 'sha256-", "form-action 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, want) {
				t.Errorf("the policy %q has no %q", policy, want)
			}
		}
		if strings.Contains(policy, "unsafe") || regexp.MustCompile(`<script|<link|src=|http-equiv`).MatchString(w.Body.String()) {
			t.Error("the page loads something, or the policy lets it")
		}
		for _, path := range []string{"/", "/stats", "/metrics", "/none"} {
			h := ask(d, "GET", path, "").Header()
			if h.Get("Cache-Control") != "no-store" || h.Get("X-Content-Type-Options") != "nosniff" {
				t.Errorf("%s: %v", path, h)
			}
		}
	})
}

// The last part of the path decides, wherever the handler is mounted, and with it the
// methods that are served.
func TestPaths(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := ship(t, answering(200), slogship.Options{})
		var level slog.LevelVar
		plain, levelled := slogshipdebug.New(h, nil), slogshipdebug.New(h, &slogshipdebug.Options{Level: &level})
		for _, c := range []struct {
			d            http.Handler
			method, path string
			status       int
			is           string // the content type's beginning, or what is allowed
		}{
			{plain, "GET", "/", 200, "text/html"},
			{plain, "HEAD", "/a/b/", 200, "text/html"},
			{plain, "GET", "/a/b/stats", 200, "application/json"},
			{plain, "GET", "/metrics", 200, "text/plain; version=0.0.4"},
			{plain, "GET", "/a/none", 404, "text/plain"},
			{plain, "GET", "/metrics/", 200, "text/html"},
			{plain, "POST", "/", 405, "GET, HEAD"},
			{plain, "DELETE", "/metrics", 405, "GET, HEAD"},
			{plain, "POST", "/a/level", 404, "text/plain"},
			{levelled, "GET", "/a/level", 405, "POST"},
		} {
			w := ask(c.d, c.method, c.path, "")
			is := w.Header().Get("Content-Type")
			if c.status == 405 {
				is = w.Header().Get("Allow")
			}
			if w.Code != c.status || !strings.HasPrefix(is, c.is) {
				t.Errorf("%s %s: %d, %s; want %d, %s", c.method, c.path, w.Code, is, c.status, c.is)
			}
		}
	})
}

// The form sets the level; a POST from another origin, a level that is none, and a long
// body do not.
func TestLevel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var level slog.LevelVar
		d := slogshipdebug.New(ship(t, answering(200), slogship.Options{Level: &level}), &slogshipdebug.Options{Level: &level})
		const other = "Sec-Fetch-Site"
		for _, c := range []struct {
			body   string
			header []string
			status int
			level  slog.Level
		}{
			{"level=DEBUG", nil, 303, slog.LevelDebug},
			{"level=warn%2B1", []string{other, "same-origin", "Origin", "http://app.test"}, 303, slog.LevelWarn + 1},
			{"level=INFO", []string{other, "cross-site"}, 403, slog.LevelWarn + 1},
			{"level=INFO", []string{other, "same-site"}, 403, slog.LevelWarn + 1},
			{"level=INFO", []string{"Origin", "http://evil.test"}, 403, slog.LevelWarn + 1},
			{"level=LOUD", nil, 400, slog.LevelWarn + 1},
			{"level=", nil, 400, slog.LevelWarn + 1},
			{"level=INFO&x=" + strings.Repeat("x", 2000), nil, 400, slog.LevelWarn + 1},
		} {
			w := ask(d, "POST", "/debug/slogship/level", c.body, c.header...)
			if w.Code != c.status || level.Level() != c.level {
				t.Errorf("%.20s %v: %d, %v; want %d, %v", c.body, c.header, w.Code, level.Level(), c.status, c.level)
			}
			if to := w.Header().Get("Location"); c.status == 303 && to != "./" {
				t.Errorf("leads to %q", to)
			}
		}
		if w := ask(d, "POST", "/level?level=INFO", ""); w.Code != 400 {
			t.Errorf("a level in the URL: %d", w.Code)
		}
		form := regexp.MustCompile(`(?s)<form method="post" action="level">.*<select id="level" name="level">.*<button>`)
		if !form.MatchString(ask(d, "GET", "/", "").Body.String()) {
			t.Error("the page has no form that posts a level")
		}
		for set, want := range map[slog.Level][]string{
			slog.LevelInfo:     {"DEBUG", "INFO selected", "WARN", "ERROR"},
			slog.LevelWarn + 1: {"DEBUG", "INFO", "WARN", "WARN&#43;1 selected", "ERROR"},
			-8:                 {"DEBUG-4 selected", "DEBUG", "INFO", "WARN", "ERROR"},
			12:                 {"DEBUG", "INFO", "WARN", "ERROR", "ERROR&#43;4 selected"},
		} {
			level.Set(set)
			var got []string
			for _, m := range regexp.MustCompile(`<option( selected)?>([^<]*)`).FindAllStringSubmatch(ask(d, "GET", "/", "").Body.String(), -1) {
				got = append(got, m[2]+m[1])
			}
			if !slices.Equal(got, want) {
				t.Errorf("%v: %q, want %q", set, got, want)
			}
		}
	})
}

// stats is Stats as slog logs it, and nothing else that slog adds.
func TestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var level slog.LevelVar
		b := answering(0)
		h := ship(t, b, slogship.Options{Level: &level})
		slog.New(h).Info("a")
		time.Sleep(2 * time.Second)
		var got struct {
			Endpoint, Level string
			Time            time.Time
			Stats           map[string]any
			Msg             *string
		}
		body := ask(slogshipdebug.New(h, &slogshipdebug.Options{Level: &level}), "GET", "/stats", "").Body.Bytes()
		if err := json.Unmarshal(body, &got); err != nil {
			t.Fatal(err)
		}
		if got.Endpoint != "http://logs.test/logs" || got.Level != "INFO" || !got.Time.Equal(time.Now()) || got.Msg != nil {
			t.Errorf("%s", body)
		}
		for _, a := range h.Stats().LogValue().Group() {
			if _, ok := got.Stats[a.Key]; !ok {
				t.Errorf("%s has no %q", body, a.Key)
			}
		}
		if err, _ := got.Stats["last_error"].(string); !strings.Contains(err, "connection refused") {
			t.Errorf("last_error is %q", err)
		}
	})
}

// sample is a line of the text format that is no comment.
var sample = regexp.MustCompile(`^(slogship_[a-z_]+)\{endpoint="http://logs.test/logs"(?:,reason="([a-z_]+)")?\} ([0-9.]+)$`)

// scrape reads metrics, and checks what the format and Prometheus's conventions ask for:
// HELP and TYPE before the samples, _total for counters and for nothing else.
func scrape(t *testing.T, d http.Handler) map[string]string {
	t.Helper()
	values, kind, name := map[string]string{}, "", ""
	body := ask(d, "GET", "/metrics", "").Body.String()
	if !strings.HasSuffix(body, "\n") {
		t.Error("the last line does not end")
	}
	for line := range strings.Lines(body) {
		line = strings.TrimSuffix(line, "\n")
		switch fields := strings.Fields(line); {
		case strings.HasPrefix(line, "# HELP "):
			name = fields[2]
		case strings.HasPrefix(line, "# TYPE "):
			if kind = fields[3]; fields[2] != name || strings.HasSuffix(name, "_total") != (kind == "counter") {
				t.Errorf("%q after the help of %s", line, name)
			}
		default:
			m := sample.FindStringSubmatch(line)
			if len(m) == 0 {
				t.Fatalf("%q is not a sample", line)
			}
			if m[1] != name {
				t.Errorf("%q after the help of %s", line, name)
			}
			values[strings.TrimPrefix(strings.TrimSuffix(m[1]+"/"+m[2], "/"), "slogship_")] = m[3]
		}
	}
	return values
}

// Each number of Stats is a metric, in base units.
func TestMetrics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := answering(200)
		h := ship(t, b, slogship.Options{MaxPending: 4, BatchRecords: 2})
		d := slogshipdebug.New(h, nil)
		if got := scrape(t, d); got["last_success_timestamp_seconds"] != "" || got["oldest_record_age_seconds"] != "0" {
			t.Errorf("before the first success: %v", got)
		}
		log := slog.New(slogship.NewRecorder(h, nil))
		log.Debug("kept")
		log.Info("a")
		time.Sleep(1500 * time.Millisecond)
		b.status.Store(503)
		for range 7 {
			log.Info("b")
		}
		time.Sleep(2500 * time.Millisecond)
		s, got := h.Stats(), scrape(t, d)
		size := got["pending_bytes"]
		for name, want := range map[string]string{
			"records_accepted_total": "8", "records_delivered_total": "1", "records_dropped_total/overflow": "3",
			"records_dropped_total/rejected": "0", "records_recorded_total": "1", "records_cut_total": "0",
			"pending_records": "4", "in_flight_records": "0", "spooled_records": "0", "requests_accepted_total": "1",
			"requests_under_way": "0", "delivery_failing": "1",
			"oldest_record_age_seconds": "2.5", "last_success_timestamp_seconds": "946684801",
		} {
			if got[name] != want {
				t.Errorf("%s is %q, want %q", name, got[name], want)
			}
		}
		if got["requests_retried_total"] != strconv.FormatInt(s.Retries, 10) {
			t.Errorf("%s retries, want %d", got["requests_retried_total"], s.Retries)
		}
		if size == "" || size == "0" || s.PendingBytes == 0 || got["delivery_failing_seconds"] == "0" || got["sent_bytes_total"] == "0" ||
			got["encoded_bytes_total"] == "0" {
			t.Errorf("%v", got)
		}
		b.status.Store(200)
		time.Sleep(5 * time.Minute)
		if got := scrape(t, d); got["delivery_failing"] != "0" || got["delivery_failing_seconds"] != "0" || got["oldest_record_age_seconds"] != "0" {
			t.Errorf("after recovery: %v", got)
		}
	})
}

// docs/monitoring.md has every metric, and neither it nor the dashboard has one that
// does not exist.
func TestMetricsAreDocumented(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := ship(t, answering(200), slogship.Options{})
		slog.New(h).Info("a")
		time.Sleep(2 * time.Second)
		exist := map[string]bool{}
		for name := range scrape(t, slogshipdebug.New(h, nil)) {
			name, _, _ = strings.Cut(name, "/")
			exist["slogship_"+name] = true
		}
		for _, file := range []string{"../docs/monitoring.md", "../docs/grafana.json"} {
			content, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			used := map[string]bool{}
			for _, name := range regexp.MustCompile(`\bslogship_[a-z_]+`).FindAllString(string(content), -1) {
				if used[name] = true; !exist[name] {
					t.Errorf("%s has %s, which does not exist", file, name)
				}
			}
			for name := range exist {
				if !used[name] && strings.HasSuffix(file, ".md") {
					t.Errorf("%s does not have %s", file, name)
				}
			}
			if strings.HasSuffix(file, ".json") && !json.Valid(content) {
				t.Errorf("%s is not JSON", file)
			}
		}
	})
}
