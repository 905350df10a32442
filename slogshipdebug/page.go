package slogshipdebug

import (
	"bytes"
	"crypto/sha256"
	_ "embed" // page.html and page.css
	"encoding/base64"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

var (
	//go:embed page.html
	pageHTML string
	//go:embed page.css
	pageCSS string
)

var pageTemplate = template.Must(template.New("page").Parse(pageHTML))

// policy allows the page its own style and its own form, and nothing else: no
// scripts, no frames, nothing from elsewhere.
var policy = func() string {
	sum := sha256.Sum256([]byte(pageCSS))
	return "default-src 'none'; style-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) +
		"'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}()

// page writes the page. It does not reload itself, which would take the reader's place
// in it away.
func (d *debug) page(w http.ResponseWriter, s slogship.Stats) {
	v := view{
		CSS:      template.CSS(pageCSS), //nolint:gosec // it is ours
		Endpoint: d.h.String(),
		Taken:    time.Now().UTC().Format("2006-01-02 15:04:05 UTC"),
		Stats:    s,
		State:    stateOf(s, time.Now()),
		Waiting:  waiting(s),
		Counts:   counts(s),
		Requests: requests(s),
	}
	for reason, n := range s.Dropped.All() {
		v.Dropped = append(v.Dropped, row{dropNames[reason], count(n), n > 0})
	}
	if d.level != nil {
		v.Level = d.level.Level().String()
		v.Levels = levels(d.level.Level())
	}
	var out bytes.Buffer
	if err := pageTemplate.Execute(&out, v); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Content-Security-Policy", policy)
	w.Header().Set("Referrer-Policy", "same-origin") // "no-referrer" would have the form's POST come from the origin "null"
	_, _ = w.Write(out.Bytes())
}

type view struct {
	CSS      template.CSS
	Endpoint string
	Taken    string
	Stats    slogship.Stats
	State    state
	Waiting  []row
	Counts   []row
	Dropped  []row
	Requests []row
	Level    string // "" if it cannot be changed
	Levels   []string
}

// A row is one number; Bad ones stand out.
type row struct {
	Name, Value string
	Bad         bool
}

// A state is what is to be known first.
type state struct {
	Class, Title, Why string
}

// stateOf says how delivery does and, where records wait, why.
func stateOf(s slogship.Stats, now time.Time) state {
	switch held := s.Pending + s.InFlight + s.Spooled; {
	case s.LastError != nil:
		why := s.LastError.Error()
		if in := s.NextAttempt.Sub(now); in > 0 {
			why += "\nThe next attempt is in " + span(in) + "."
		} else if s.Sending > 0 {
			why += "\nAn attempt is under way."
		}
		return state{"failing", "Delivery has been failing for " + span(now.Sub(s.FailingSince)), why}
	case s.LastSuccess.IsZero() && held == 0 && s.Accepted == 0:
		return state{"idle", "Nothing has been logged yet", ""}
	case s.LastSuccess.IsZero():
		return state{"idle", "Nothing has been delivered yet", ""}
	case held > 0:
		return state{"works", "Delivery works", "What waits is for the next batch, or under way."}
	}
	return state{"works", "Delivery works", "Nothing waits."}
}

func waiting(s slogship.Stats) []row {
	rows := []row{
		{"In memory, records", count(s.Pending), false},
		{"In memory, bytes", count(s.PendingBytes), false},
		{"In flight, records", count(s.InFlight), false},
	}
	if s.Spooled > 0 {
		rows = append(rows, row{"On disk, records", count(s.Spooled), false})
	}
	if !s.Oldest.IsZero() {
		rows = append(rows, row{"Oldest, age", span(time.Since(s.Oldest)), false})
	}
	return rows
}

func counts(s slogship.Stats) []row {
	return []row{
		{"Accepted", count(s.Accepted), false},
		{"Delivered", count(s.Delivered), false},
		{"Dropped", count(s.Dropped.Total()), s.Dropped.Total() > 0},
		{"Cut to MaxRecordBytes", count(s.Cut), false},
		{"Kept by recorders", count(s.Recorded), false},
	}
}

func requests(s slogship.Stats) []row {
	rows := []row{
		{"Accepted by the backend", count(s.Batches), false},
		{"Sent again", count(s.Retries), false},
		{"Under way", count(s.Sending), false},
		{"Bytes before compression", count(s.BytesEncoded), false},
		{"Bytes sent", count(s.BytesSent), false},
	}
	if !s.LastSuccess.IsZero() {
		rows = append(rows, row{"Last accepted", span(time.Since(s.LastSuccess)) + " ago", false})
	}
	return rows
}

// dropNames says what each reason of slogship.Dropped means.
var dropNames = map[string]string{
	"overflow":  "Overflow: memory was full",
	"rejected":  "Rejected by the backend",
	"too_large": "Too large",
	"discarded": "Discarded by the program",
	"closed":    "Closed: logged after Shutdown",
	"shutdown":  "Shutdown: not sent in time",
}

// levels is slog's four, and the one that is set.
func levels(set slog.Level) []string {
	var names []string
	shown := false
	for _, l := range []slog.Level{slog.LevelDebug, slog.LevelInfo, slog.LevelWarn, slog.LevelError} {
		if !shown && set < l {
			names, shown = append(names, set.String()), true
		}
		names = append(names, l.String())
		shown = shown || set == l
	}
	if !shown {
		names = append(names, set.String())
	}
	return names
}

// count is n with its thousands apart.
func count(n int64) string {
	digits := strconv.FormatInt(n, 10)
	var b strings.Builder
	for i, c := range digits {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteByte(',')
		}
		b.WriteRune(c)
	}
	return b.String()
}

// span is a duration as precise as it is worth.
func span(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Second:
		return d.Round(time.Millisecond).String()
	case d < time.Minute:
		return d.Round(time.Second / 10).String()
	}
	return d.Round(time.Second).String()
}
