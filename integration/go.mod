module github.com/slogship/slogship/integration

go 1.26

replace github.com/slogship/slogship => ../

require github.com/slogship/slogship v0.0.0-00010101000000-000000000000

require (
	github.com/goccy/go-json v0.12.0 // indirect
	github.com/hashicorp/go-cleanhttp v0.5.2 // indirect
	github.com/hashicorp/go-retryablehttp v0.7.8 // indirect
	github.com/klauspost/compress v1.20.3 // indirect
	golang.org/x/sys v0.47.0 // indirect
)
