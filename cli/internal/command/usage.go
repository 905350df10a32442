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

slogship finds the time, level and message of lines in JSON, logfmt and text. When
memory is full, it stops reading until the backend takes records again: no line is
dropped. With -spool, it also keeps records on disk.

Exit status:
  0  every record was delivered
  1  the input could not be read, or -state, -spool or -metrics could not be used
  2  wrong flags
  3  records were rejected, or were too large
  4  records were lost: they were not delivered, were dropped with -drop, or were in
     damaged files of -spool
  5  records are not delivered yet, but all of them are in the directory of -spool

Commands:
  (none)  ship standard input, or the files of -follow
  exec    run a command, ship its output, and exit with its exit status
  check   send one record, and say whether the backend took it, or what is wrong
  spool   show, check, send or drop the records in a directory of -spool
`

const usageExec = `slogship exec runs a command, and ships its standard output and standard error.

  slogship exec -url http://loki:3100/loki/api/v1/push -a app=shop -tee -- app -port 8080

Each record has the attributes stream (stdout or stderr) and pid. The last record has
the exit code. Signals are passed on. The exit status is the command's.
`

const usageCheck = `slogship check sends one record, and says whether the backend took it, or what is wrong.

  SLOGSHIP_TOKEN=... slogship check -to axiom -url https://api.axiom.co/v1/datasets/app/ingest

The exit status is 0 if the backend took the record, 3 if the backend rejected it, and 4
if it could not be delivered.
`

const usageSpool = `slogship spool shows, checks, sends or drops the records in a directory of -spool.

  slogship spool /var/lib/slogship list
  slogship spool /var/lib/slogship ship -url http://loki:3100/loki/api/v1/push

  slogship spool DIR list         one line for the spool in DIR, or for each one directly
                                  below DIR: records, oldest, newest, size, damage
  slogship spool DIR verify       read every byte, and say what is damaged
  slogship spool DIR print        print each record as one line of JSON
  slogship spool DIR ship FLAGS   send the records, and wait until they are delivered; see
                                  slogship spool DIR ship -h
  slogship spool DIR drop [-yes]  drop the records; asks first, unless -yes is given

list, verify and print change nothing, and work while another process uses DIR.
ship and drop fail while another process uses DIR. The exit status is 1 if DIR cannot be
used or is damaged, 2 for wrong arguments or a drop that is not confirmed, else 0. ship
exits as slogship does: see slogship -h.
`

const usageSpoolShip = `slogship spool DIR ship sends the records in a directory of -spool.

  slogship spool /var/lib/slogship ship -url http://loki:3100/loki/api/v1/push -a app=shop

The records keep their ids. The backend may be another one than before. For Loki, OTLP,
VictoriaLogs and New Relic, give the same -a again: labels and resource attributes are
not kept in the spool.
`

// groups are the flags in the order in which they are explained.
var groups = []struct {
	title string
	names []string
}{
	{"Where to", []string{"url", "to", "token-file", "H", "compression", "timeout"}},
	{"Files, instead of standard input", []string{"follow", "state", "from", "once"}},
	{"How to read a line", []string{"format", "time-field", "level-field", "message-field", "zone", "multiline", "max-line"}},
	{"What to ship", []string{"a", "drop-field", "level", "rate"}},
	{"When the backend is down", []string{"spool", "spool-bytes", "drop", "on-error"}},
	{"Other", []string{"tee", "dry-run", "interval", "grace"}},
	{"What to print", []string{"metrics", "progress", "quiet", "version"}},
}

// usageWidth is where explanations are broken.
const usageWidth = 92

// usage is the help for a command.
func usage(name string, fs *flag.FlagSet) string {
	var b strings.Builder
	b.WriteString(map[string]string{"": usageInput, "exec": usageExec, "check": usageCheck, "spool ship": usageSpoolShip}[name])
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
	return b.String()
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
