// Slogship ships lines as log records to an HTTP log backend: standard input,
// files that it follows through rotation, or the output of a command that it runs.
//
//	app 2>&1 | slogship -url http://loki:3100/loki/api/v1/push
//	slogship -to otlp -url http://collector:4318 -state /var/lib/slogship -follow '/var/log/app/*.log'
//	slogship exec -url URL -- app -port 8080
//	slogship check -url URL
//	slogship spool DIR list
//
// See slogship -h, and docs/command.md.
package main

import (
	"os"

	"github.com/slogship/slogship/cli/internal/command"
)

func main() {
	os.Exit(command.Main(os.Args[1:], command.Env{
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Getenv: os.Getenv,
	}))
}
