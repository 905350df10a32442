package command

import (
	"flag"
	"fmt"
	"slices"
	"strings"
)

const usageInput = `slogship ships lines as log records to an HTTP log backend.

  app 2>&1 | slogship -url http://loki:3100/loki/api/v1/push -a app=shop -tee
  slogship -to otlp -url http://collector:4318 -state /var/lib/slogship -follow '/var/log/*.log'
  SLOGSHIP_TOKEN=... slogship -to datadog -url https://http-intake.logs.datadoghq.eu < app.log
  slogship exec -url URL -- app -port 8080
  slogship check -url URL

Lines in JSON, logfmt and text are recognised, with their time, level and message.
When memory is full slogship waits for the backend: a pipe is slowed down, never
thinned. Its exit status is 0 if all was delivered, 2 for wrong flags, 3 if something
was refused, 4 if something is undelivered, 1 for anything else.

Commands:
  (none)  ship standard input, or the files of -follow
  exec    run a command, ship its outputs, end as it ends
  check   send one record, and say whether it was taken, or what is wrong
`

const usageExec = `slogship exec runs a command and ships its standard output and error.

  slogship exec -url http://loki:3100/loki/api/v1/push -a app=shop -tee -- app -port 8080

Records have the attributes stream (stdout or stderr) and pid; the last one tells the
exit code. Signals are passed on; the exit status is the command's.
`

const usageCheck = `slogship check sends one test record, and says whether it was taken, and if not
what is wrong.

  SLOGSHIP_TOKEN=... slogship check -to axiom -url https://api.axiom.co/v1/datasets/app/ingest

Its exit status is 0 if it was taken, 3 if it was refused, 4 if it could not be
delivered.
`

// groups are the flags in the order in which they are explained.
var groups = []struct {
	title string
	names []string
}{
	{"Where to", []string{"url", "to", "token-file", "H", "compression", "timeout"}},
	{"Where from, instead of standard input", []string{"follow", "state", "from", "once"}},
	{"What a line is", []string{"format", "time-field", "level-field", "message-field", "zone", "multiline", "max-line"}},
	{"What is shipped", []string{"a", "drop-field", "level", "rate"}},
	{"How", []string{"tee", "drop", "on-error", "dry-run", "interval", "grace"}},
	{"What it tells", []string{"metrics", "progress", "quiet", "version"}},
}

// usageWidth is where explanations are broken.
const usageWidth = 92

func usage(name string, fs *flag.FlagSet) {
	var b strings.Builder
	b.WriteString(map[string]string{"": usageInput, "exec": usageExec, "check": usageCheck}[name])
	for _, g := range groups {
		first := true
		for _, n := range g.names {
			f := fs.Lookup(n)
			if f == nil {
				continue
			}
			if first {
				fmt.Fprintf(&b, "\n%s:\n", g.title)
				first = false
			}
			arg, text := flag.UnquoteUsage(f)
			fmt.Fprintf(&b, "  %-22s ", strings.TrimSpace("-"+n+" "+arg))
			b.WriteString(wrapped(text, 25) + "\n")
		}
	}
	_, _ = fmt.Fprint(fs.Output(), b.String()) // who does not read on cannot be told
}

// wrapped breaks text into lines that are indented but for the first.
func wrapped(text string, indent int) string {
	var b strings.Builder
	at := indent
	for i, word := range strings.Fields(text) {
		switch {
		case i == 0:
		case at+1+len(word) > usageWidth:
			b.WriteString("\n" + strings.Repeat(" ", indent))
			at = indent
		default:
			b.WriteByte(' ')
			at++
		}
		b.WriteString(word)
		at += len(word)
	}
	return b.String()
}

// sortedList is names as an enumeration.
func sortedList(names []string) string {
	slices.Sort(names)
	return strings.Join(names, ", ")
}
