package slogshipdebug

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/slogship/slogship"
)

// metrics writes Prometheus's text format. Each sample has the label endpoint, so that
// the handlers of one process can be told apart. docs/monitoring.md has the names.
func (d *debug) metrics(w http.ResponseWriter, s slogship.Stats) {
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	m := metrics{endpoint: escaped(d.h.String())}
	m.counter("records_accepted", "Records given to the handler.", s.Accepted)
	m.counter("records_delivered", "Records that the backend acknowledged.", s.Delivered)
	m.head("records_dropped_total", "counter", "Records given up, by reason.")
	for reason, n := range s.Dropped.All() {
		m.sample("records_dropped_total", `,reason="`+reason+`"`, float64(n))
	}
	m.counter("records_cut", "Records shortened to MaxRecordBytes.", s.Cut)
	m.counter("records_recorded", "Records kept by flight recorders, shipped or not.", s.Recorded)
	m.gauge("pending_records", "Records waiting in memory.", float64(s.Pending))
	m.gauge("pending_bytes", "Bytes of captured records waiting in memory.", float64(s.PendingBytes))
	m.gauge("in_flight_records", "Records in the batch being sent.", float64(s.InFlight))
	m.gauge("spooled_records", "Records waiting on disk.", float64(s.Spooled))
	m.gauge("oldest_record_age_seconds", "Age of the oldest record held in memory, 0 if there is none.", age(s.Oldest))
	m.counter("requests_accepted", "Requests that the backend accepted.", s.Batches)
	m.counter("requests_retried", "Requests that sent records again.", s.Retries)
	m.gauge("requests_under_way", "Requests without an answer yet.", float64(s.Sending))
	m.counter("encoded_bytes", "Bytes of request bodies before compression.", s.BytesEncoded)
	m.counter("sent_bytes", "Bytes of request bodies after compression.", s.BytesSent)
	failing := 0.0
	if s.LastError != nil {
		failing = 1
	}
	m.gauge("delivery_failing", "1 while delivery fails, else 0.", failing)
	m.gauge("delivery_failing_seconds", "How long delivery has been failing, 0 while it works.", age(s.FailingSince))
	if !s.LastSuccess.IsZero() {
		m.gauge("last_success_timestamp_seconds", "When the backend last accepted a request, in Unix time.",
			float64(s.LastSuccess.UnixMilli())/1e3)
	}
	_, _ = w.Write(m.out.Bytes())
}

// age is how long ago t was, in seconds; 0 for the zero time.
func age(t time.Time) float64 {
	if t.IsZero() {
		return 0
	}
	return max(time.Since(t).Seconds(), 0)
}

type metrics struct {
	endpoint string // escaped
	out      bytes.Buffer
}

func (m *metrics) counter(name, help string, n int64) {
	name += "_total"
	m.head(name, "counter", help)
	m.sample(name, "", float64(n))
}

func (m *metrics) gauge(name, help string, value float64) {
	m.head(name, "gauge", help)
	m.sample(name, "", value)
}

// head writes what comes before the samples of a metric. help has no backslash and no
// end of line.
func (m *metrics) head(name, kind, help string) {
	m.out.WriteString("# HELP slogship_" + name + " " + help + "\n# TYPE slogship_" + name + " " + kind + "\n")
}

func (m *metrics) sample(name, labels string, value float64) {
	m.out.WriteString("slogship_" + name + `{endpoint="` + m.endpoint + `"` + labels + "} " +
		strconv.FormatFloat(value, 'f', -1, 64) + "\n")
}

// escaped is s as the value of a label.
func escaped(s string) string {
	return strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`).Replace(strings.ToValidUTF8(s, "\uFFFD"))
}
