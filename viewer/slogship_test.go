package viewer

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
	"github.com/slogship/slogship/viewer/agent"
)

// What a slogship handler sends over HTTP, with agent.Start and Options.LossRecord,
// is one run with its process, and with a gap where records were lost.
func TestSlogship(t *testing.T) {
	for name, way := range map[string]struct {
		path   string
		format slogship.Format
	}{
		"Logflare": {"/logs?source=shop", nil},
		"OTLP":     {"/v1/logs", formats.OTLP(formats.OTLPOptions{Resource: []slog.Attr{slog.String("service.name", "shop")}})},
		"OTLP, JSON": {"/v1/logs", formats.OTLP(formats.OTLPOptions{
			Encoding: formats.OTLPJSON, Resource: []slog.Attr{slog.String("service.name", "shop")},
		})},
	} {
		t.Run(name, func(t *testing.T) {
			v := start(t, nil)
			var away atomic.Bool
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if away.Load() {
					w.WriteHeader(http.StatusServiceUnavailable)
					return
				}
				v.ServeHTTP(w, r)
			}))
			defer server.Close()
			h, err := slogship.New(server.URL+way.path, &slogship.Options{
				Format: way.format, LossRecord: true, MaxPending: 10, BatchRecords: 5, MinBackoff: time.Millisecond, MaxBackoff: time.Millisecond,
				FlushInterval: time.Millisecond, OnError: func(error) {}, // the outage is meant
			})
			if err != nil {
				t.Fatal(err)
			}
			defer h.Close()
			flush := func() {
				t.Helper()
				var lost *slogship.LossError // is meant
				if err := h.Flush(t.Context()); err != nil && (!errors.As(err, &lost) || t.Context().Err() != nil) {
					t.Fatal(err)
				}
			}
			log := slog.New(h)
			log.Error("it broke")
			a := agent.Start(h, nil)
			time.Sleep(2 * time.Millisecond) // an interval that is not zero
			a.Stop()
			flush()

			away.Store(true)
			for i := range 30 {
				log.Info(fmt.Sprintf("order %d paid", i))
			}
			away.Store(false)
			flush()
			told := func() (n float64) {
				for _, l := range list(v.get(t, "/api/histogram", "q", "source:shop"), "losses") {
					n += l.(map[string]any)["n"].(float64)
				}
				return n
			}
			lost := h.Stats().Dropped.Overflow
			if lost == 0 {
				t.Fatal("no record was dropped")
			}
			for range 1000 { // a report goes with the next batch, and a second one with that after it
				if told() == float64(lost) {
					break
				}
				log.Info("later")
				flush()
			}
			if n := told(); n != float64(lost) {
				t.Errorf("the gaps are of %v records, want %d", n, lost)
			}

			runs := list(v.get(t, "/api/runs", "source", "shop"), "runs")
			if len(runs) != 1 {
				t.Fatalf("the runs are %v", runs)
			}
			run := runs[0].(map[string]any)
			if levels := run["levels"].(map[string]any); run["sampled"] == 0.0 || levels["error"] != 1.0 || levels["info"].(float64) < 5 {
				t.Errorf("the run is %v", run)
			}
			processes := list(v.get(t, "/api/processes", "last", "15m"), "processes")
			if len(processes) != 1 || len(list(processes[0].(map[string]any), "points")) == 0 {
				t.Errorf("the processes are %v", processes)
			}
		})
	}
}
