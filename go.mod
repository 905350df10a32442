module github.com/slogship/slogship

go 1.25.0

require (
	github.com/goccy/go-json v0.12.0
	github.com/hashicorp/go-retryablehttp v0.7.8
	github.com/klauspost/compress v1.20.3
	golang.org/x/exp v0.0.0-20260813180055-c1d0aacb2297
	golang.org/x/sys v0.47.0
)

require github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
