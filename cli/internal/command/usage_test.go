package command

import (
	"bytes"
	"flag"
	"io"
	"strings"
	"testing"
)

// The help explains every flag, in lines of a terminal's width, and shows nothing of
// the environment.
func TestUsage(t *testing.T) {
	for _, name := range []string{"", "exec", "check", "spool ship"} {
		var out bytes.Buffer
		env := Env{Stdout: &out, Stderr: io.Discard, Getenv: func(string) string { return "s3cret" }}
		if _, err := parse(name, []string{"-h"}, env); err == nil {
			t.Fatal("-h is no help")
		}
		text := out.String()
		fs := flag.NewFlagSet("", flag.ContinueOnError)
		(&config{env: env}).define(name, fs, &raw{})
		fs.VisitAll(func(f *flag.Flag) {
			if !strings.Contains(text, "\n  -"+f.Name) {
				t.Errorf("%s: -%s is not explained", name, f.Name)
			}
		})
		if strings.Contains(text, "s3cret") {
			t.Errorf("%s: the environment is shown", name)
		}
		for line := range strings.Lines(text) {
			if len(line) > 100 {
				t.Errorf("%s: %d bytes in a line: %s", name, len(line), line)
			}
		}
	}
}
