module github.com/slogship/slogship/examples/loggers

go 1.25.0

// What is shown is what stands in this tree.
replace (
	github.com/slogship/slogship => ../../
	github.com/slogship/slogship/adapters/zap => ../../adapters/zap
)

require (
	github.com/rs/zerolog v1.35.1
	github.com/sirupsen/logrus v1.10.2
	github.com/slogship/slogship v0.0.0
	github.com/slogship/slogship/adapters/zap v0.0.0
	go.uber.org/zap v1.28.0
)

require (
	github.com/goccy/go-json v0.12.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	github.com/mattn/go-colorable v0.1.14 // indirect
	github.com/mattn/go-isatty v0.0.20 // indirect
	go.uber.org/multierr v1.10.0 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
