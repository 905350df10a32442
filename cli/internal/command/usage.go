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
When memory is full, slogship stops reading until the backend takes records again: no
line is dropped. With -spool, records are kept on disk as well.

Exit status:
  0  everything was delivered
  1  the input could not be read, or a directory or an address could not be used
  2  wrong flags
  3  records were rejected, or were too large
  4  records were lost: they are undelivered, or were dropped with -drop
  5  records are undelivered, and all of them are in the directory of -spool

Commands:
  (none)  ship standard input, or the files of -follow
  exec    run a command, ship its outputs, and exit as it exits
  check   send one record, and say whether it was taken, or what is wrong
  spool   look into a directory of -spool, send what is in it, or drop it
`

const usageExec = `slogship exec runs a command and ships its standard output and error.

  slogship exec -url http://loki:3100/loki/api/v1/push -a app=shop -tee -- app -port 8080

Each record has the attributes stream (stdout or stderr) and pid. The last record has
the exit code. Signals are passed on. The exit status is the command's.
`

const usageCheck = `slogship check sends one test record, and says whether it was taken or what is wrong.

  SLOGSHIP_TOKEN=... slogship check -to axiom -url https://api.axiom.co/v1/datasets/app/ingest

The exit status is 0 if it was taken, 3 if it was rejected, 4 if it could not be
delivered.
`

const usageSpool = `slogship spool looks into a directory of -spool, sends what is in it, or drops it.

  slogship spool /var/lib/slogship list
  slogship spool /var/lib/slogship ship -url http://loki:3100/loki/api/v1/push

  slogship spool DIR list         how many records, from when to when; also for all spools
                                  that are directly below DIR
  slogship spool DIR verify       read every byte, and say what is damaged
  slogship spool DIR print        print the records, one JSON object per line
  slogship spool DIR ship FLAGS   send the records, with the ids that they have, and wait
                                  until they are delivered; see slogship spool DIR ship -h
  slogship spool DIR drop [-yes]  drop the records; without -yes it asks first

list, verify and print change nothing, and work while another process uses DIR.
The exit status is 0, 1 if DIR cannot be used or is damaged, 2 for wrong arguments;
that of ship is that of slogship.
`

const usageSpoolShip = `slogship spool DIR ship sends the records in a directory of -spool.

  slogship spool /var/lib/slogship ship -url http://loki:3100/loki/api/v1/push -a app=shop

They keep their ids. They may be sent to another backend than the one that they were
meant for. Give -a again for Loki, OTLP, VictoriaLogs and New Relic, whose labels and
resource attributes are not part of the records.
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
	{"When the backend is down", []string{"spool", "spool-bytes", "drop", "on-error"}},
	{"How", []string{"tee", "dry-run", "interval", "grace"}},
	{"What it tells", []string{"metrics", "progress", "quiet", "version"}},
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
