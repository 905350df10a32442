package formats_test

import (
	"fmt"
	"log/slog"
	"os"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/formats"
)

// otelVariables are usually set where the program is deployed.
var otelVariables = map[string]string{
	"OTEL_EXPORTER_OTLP_ENDPOINT": "http://collector:4318",
	"OTEL_SERVICE_NAME":           "shop",
	"OTEL_BLRP_SCHEDULE_DELAY":    "2000",
}

// The variables are usually set where the program is deployed.
func ExampleOTLPFromEnv() {
	for name, value := range otelVariables {
		os.Setenv(name, value)
	}
	defer func() {
		for name := range otelVariables {
			os.Unsetenv(name)
		}
	}()

	endpoint, opts, err := formats.OTLPFromEnv()
	if err != nil {
		fmt.Println(err)
		return
	}
	opts.Level = slog.LevelDebug // the variables do not set it
	h, err := slogship.New(endpoint, opts)
	if err != nil {
		fmt.Println(err)
		return
	}
	defer h.Close()
	fmt.Println(h, opts.FlushInterval)
	// Output: http://collector:4318/v1/logs 2s
}
