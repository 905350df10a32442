package integration

import (
	"fmt"
	"os"
	"sync"
	"testing"

	"github.com/slogship/slogship/integration/server"
)

// The servers that several tests share. Each test has its own tenant, table or
// scope in them.
var (
	loki = shared(func() (*server.Loki, error) {
		return server.NewLoki(server.LokiConfig{Limits: map[string]string{
			"tenant-limited": "ingestion_rate_mb: 0.1, ingestion_burst_size_mb: 0.1",
			"stream-limited": "per_stream_rate_limit: 100KB, per_stream_rate_limit_burst: 100KB",
			"long0":          "max_line_size: 1KB",
			"long1":          "max_line_size: 1KB",
			"long2":          "max_line_size: 1KB",
		}})
	})
	collector = shared(func() (*server.Collector, error) {
		return server.NewCollector(server.CollectorConfig{})
	})
	clickHouse = shared(server.NewClickHouse)
)

var closers []func() error // of the shared servers; guarded by what starts them

func TestMain(m *testing.M) {
	for _, name := range []string{"LOKI", "OTELCOL", "CLICKHOUSE", "SLOGSHIP"} {
		if os.Getenv(name) == "" {
			fmt.Fprintf(os.Stderr, "integration: %s is not set: run make, which installs the servers and names them\n", name)
			os.Exit(1)
		}
	}
	code := m.Run()
	for _, c := range closers {
		if err := c(); err != nil {
			fmt.Fprintln(os.Stderr, "integration:", err)
			code = 1
		}
	}
	os.Exit(code)
}

// running is a server.
type running interface {
	Start() error
	Close() error
}

// shared returns a function that starts a server when it is first called.
func shared[S running](prepare func() (S, error)) func(*testing.T) S {
	once := sync.OnceValues(func() (s S, err error) {
		if s, err = prepare(); err != nil {
			return s, err
		}
		closers = append(closers, s.Close)
		return s, s.Start()
	})
	return func(t *testing.T) S {
		t.Helper()
		s, err := once()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
}

// own has a server of the test's own closed at its end. It is called with what
// prepared it.
func own[S running](t *testing.T) func(S, error) S {
	return func(s S, err error) S {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
}

// started is own, and starts it.
func started[S running](t *testing.T) func(S, error) S {
	return func(s S, err error) S {
		t.Helper()
		s = own[S](t)(s, err)
		if err := s.Start(); err != nil {
			t.Fatal(err)
		}
		return s
	}
}
