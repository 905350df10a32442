package command

import (
	"errors"
	"flag"
	"io"
	"strings"
	"testing"
)

// Any arguments are taken or refused, in a few words that show no header. Arguments
// that name files are left out, so that nothing is read.
//
//	go test -run '^$' -fuzz Arguments ./internal/command
func FuzzArguments(f *testing.F) {
	for _, args := range []string{
		"-to loki -url http://127.0.0.1:1 -a app=shop", "-H s3cret", "-H", "-url : -to otlp", "-interval 1", "-level x", "-spool d -spool-bytes 1",
		"-follow [ -url http://h/_bulk", "-multiline ( -url http://h/_bulk", "-metrics :x -url http://h/_bulk", "-zone ../x -url http://h/_bulk",
		"-- app", "-h", "-a = -url http://h/_bulk", "-rate -1 -url http://h/_bulk", "-url http://s3cret:s3cret@h/x",
	} {
		f.Add(uint8(0), args)
		f.Add(uint8(1), args)
	}
	names := []string{"", "exec", "check", "spool ship"}
	f.Fuzz(func(t *testing.T, name uint8, text string) {
		if strings.Contains(text, "@/") || strings.Contains(text, "token-file") {
			t.Skip()
		}
		env := Env{Stdin: strings.NewReader(""), Stdout: io.Discard, Stderr: io.Discard, Getenv: func(string) string { return "" }}
		c, err := parse(names[int(name)%len(names)], strings.Fields(text), env)
		switch {
		case err == nil && c == nil:
			t.Fatal("neither flags nor an error")
		case err == nil || errors.Is(err, flag.ErrHelp):
		case err.Error() == "":
			t.Fatal("an error without words")
		case strings.Contains(err.Error(), "s3cret") && strings.Contains(text, "-H s3cret"):
			t.Fatalf("a header is shown: %v", err)
		}
	})
}
