package command

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"
)

// serve serves /metrics and /healthz until the shipper ends.
func (s *shipper) serve() error {
	var lc net.ListenConfig
	l, err := lc.Listen(s.hard, "tcp", s.c.metrics)
	if err != nil {
		return err
	}
	if !s.c.quiet {
		s.c.env.say("slogship: metrics at http://%s/metrics\n", l.Addr())
	}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /metrics", s.serveMetrics)
	mux.HandleFunc("GET /healthz", s.serveHealth)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 5 * time.Second}
	s.side.Go(func() { _ = server.Serve(l) }) // ends with Shutdown
	s.side.Go(func() {
		<-s.done
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		_ = server.Shutdown(ctx) // a scrape that lasts longer is cut off
		_ = server.Close()
	})
	return nil
}

// serveHealth says 200 while delivery works, else 503 and why.
func (s *shipper) serveHealth(w http.ResponseWriter, _ *http.Request) {
	stats := s.h.Stats()
	if stats.LastError == nil {
		_, _ = fmt.Fprintln(w, "ok")
		return
	}
	w.WriteHeader(http.StatusServiceUnavailable)
	_, _ = fmt.Fprintf(w, "failing since %s: %v\n", stats.FailingSince.UTC().Format(time.RFC3339), stats.LastError)
}

// serveMetrics writes the text format 0.0.4 of Prometheus.
func (s *shipper) serveMetrics(w http.ResponseWriter, _ *http.Request) {
	stats := s.h.Stats()
	var b strings.Builder
	metric := func(kind, name, help string, value int64) {
		fmt.Fprintf(&b, "# HELP slogship_%s %s\n# TYPE slogship_%s %s\nslogship_%s %d\n", name, help, name, kind, name, value)
	}
	metric("counter", "input_bytes_total", "Bytes of input read.", s.read.Load())
	metric("counter", "records_accepted_total", "Records taken from the input.", stats.Accepted)
	metric("counter", "records_delivered_total", "Records acknowledged by the backend.", stats.Delivered)
	fmt.Fprint(&b, "# HELP slogship_records_dropped_total Records given up, by reason.\n# TYPE slogship_records_dropped_total counter\n")
	for reason, n := range stats.Dropped.All() {
		fmt.Fprintf(&b, "slogship_records_dropped_total{reason=%q} %d\n", reason, n)
	}
	metric("gauge", "records_held", "Records in memory or on disk, in flight too.", stats.Pending+stats.InFlight+stats.Spooled)
	metric("counter", "records_cut_total", "Records shortened.", stats.Cut)
	metric("counter", "requests_accepted_total", "Requests that the backend accepted.", stats.Batches)
	metric("counter", "requests_repeated_total", "Requests that send records again.", stats.Retries)
	metric("counter", "encoded_bytes_total", "Bytes of requests before compression.", stats.BytesEncoded)
	metric("counter", "sent_bytes_total", "Bytes of requests after compression.", stats.BytesSent)
	var failing int64
	if stats.LastError != nil {
		failing = 1
	}
	metric("gauge", "failing", "1 while delivery fails.", failing)
	if s.c.spool != "" {
		metric("gauge", "spool_records", "Records that are on disk only.", stats.Spooled)
		metric("gauge", "spool_bytes", "Bytes of the files in the spool.", stats.SpooledBytes)
		metric("gauge", "spool_unprotected_records", "Records that are in memory only, because they are not due on disk yet or the disk fails.", stats.Unprotected)
	}
	if s.lag != nil {
		bytes, files := s.lag()
		metric("gauge", "lag_bytes", "Bytes of followed files that are not acknowledged yet.", bytes)
		metric("gauge", "lag_files", "Followed files that have such bytes.", files)
	}
	w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
	_, _ = w.Write([]byte(b.String()))
}
