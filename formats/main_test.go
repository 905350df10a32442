package formats_test

import (
	"os"
	"testing"
)

// The examples take their credentials from the environment, as applications do, and
// New refuses empty ones.
func TestMain(m *testing.M) {
	for _, name := range []string{
		"AXIOM_TOKEN", "BETTERSTACK_SOURCE_TOKEN", "CLICKHOUSE_PASSWORD", "DD_API_KEY", "ES_API_KEY", "HONEYCOMB_API_KEY",
		"NEW_RELIC_LICENSE_KEY", "SEQ_API_KEY", "SPLUNK_HEC_TOKEN",
	} {
		if os.Getenv(name) == "" {
			os.Setenv(name, "example")
		}
	}
	m.Run()
}
