package command

import (
	"bufio"
	"errors"
	"flag"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/spooldir"
)

// spoolVerbs are what slogship spool DIR can do.
var spoolVerbs = map[string]func(dir string, args []string, env Env, stop <-chan os.Signal) (status int){
	"list":   listSpool,
	"verify": verifySpool,
	"print":  printSpool,
	"ship":   shipSpool,
	"drop":   dropSpool,
}

// spoolMain runs slogship spool with the arguments after it.
func spoolMain(args []string, env Env, stop <-chan os.Signal) (status int) {
	if len(args) > 0 && isHelp(args[0]) {
		_, _ = io.WriteString(env.Stdout, usageSpool) // who does not read on cannot be told
		return exitDelivered
	}
	if len(args) < 2 {
		env.say("slogship: spool needs a directory and a verb: slogship spool DIR list|verify|print|ship|drop\n")
		return exitUsage
	}
	run := spoolVerbs[args[1]]
	if run == nil {
		env.say("slogship: spool %s: the verb is %q, want one of list, verify, print, ship, drop\n", args[0], args[1])
		return exitUsage
	}
	return run(args[0], args[2:], env, stop)
}

func isHelp(arg string) bool { return slices.Contains([]string{"-h", "-help", "--help", "help"}, arg) }

// noFlags says whether a verb that has no flags got none. If it did, run returns
// status.
func noFlags(verb string, args []string, env Env) (status int, ok bool) {
	switch {
	case len(args) == 0:
		return 0, true
	case isHelp(args[0]):
		_, _ = io.WriteString(env.Stdout, usageSpool) // who does not read on cannot be told
		return exitDelivered, false
	}
	env.say("slogship: spool DIR %s takes no %q, and no other arguments\n", verb, args[0])
	return exitUsage, false
}

// listSpool prints a line for a spool, or for each one directly below a directory.
func listSpool(dir string, args []string, env Env, _ <-chan os.Signal) (status int) {
	if status, ok := noFlags("list", args, env); !ok {
		return status
	}
	reports := map[string]*spooldir.Report{}
	r, err := spooldir.Inspect(dir, nil)
	if err == nil {
		reports[dir] = r
	} else if errors.Is(err, spooldir.ErrNotSpool) {
		below, _ := filepath.Glob(filepath.Join(quoted(dir), "*")) // the pattern is well-formed
		for _, path := range below {
			if info, err := os.Stat(path); err != nil || !info.IsDir() {
				continue
			}
			r, err := spooldir.Inspect(path, nil)
			switch {
			case err == nil:
				reports[path] = r
			case !errors.Is(err, spooldir.ErrNotSpool):
				env.say("slogship: %v\n", err)
				status = exitFailed
			}
		}
	}
	if len(reports) == 0 {
		return env.failSpool(dir, err)
	}
	w := tabwriter.NewWriter(env.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "RECORDS\tOLDEST\tNEWEST\tSIZE\tDAMAGE\tDIRECTORY") // Flush tells
	for _, path := range slices.Sorted(maps.Keys(reports)) {
		r := reports[path]
		damage := "none"
		if !r.Sound() {
			damage, status = "yes: verify", exitFailed
		}
		_, _ = fmt.Fprintf(w, "%d\t%s\t%s\t%s\t%s\t%s\n", r.Records, when(r.Oldest), when(r.Newest), size(r.Bytes), damage, path)
	}
	if err := w.Flush(); err != nil {
		env.say("slogship: standard output: %v\n", err)
		return exitFailed
	}
	return status
}

// quoted is a path as a pattern that matches it alone.
func quoted(path string) string {
	return strings.NewReplacer(`*`, `[*]`, `?`, `[?]`, `[`, `[[]`).Replace(path)
}

func when(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02T15:04:05Z")
}

// verifySpool checks every byte, and says what is damaged.
func verifySpool(dir string, args []string, env Env, _ <-chan os.Signal) (status int) {
	if status, ok := noFlags("verify", args, env); !ok {
		return status
	}
	r, err := spooldir.Inspect(dir, nil)
	if err != nil {
		return env.failSpool(dir, err)
	}
	text := fmt.Sprintf("%d records to send, in %d files, %s\n", r.Records, r.Files, size(r.Bytes))
	if r.Overflow+r.Corrupt > 0 {
		text += fmt.Sprintf("lost earlier: %d records because the spool was full, %d because of damage\n", r.Overflow, r.Corrupt)
	}
	if r.Quarantine > 0 {
		text += fmt.Sprintf("%s are copies of damaged data: %s; slogship does not need them\n", size(r.Quarantine), filepath.Join(dir, "quarantine"))
	}
	if _, err := io.WriteString(env.Stdout, text); err != nil {
		env.say("slogship: standard output: %v\n", err)
		return exitFailed
	}
	return env.sayDamage(r)
}

// sayDamage says what is damaged, if anything is.
func (e Env) sayDamage(r *spooldir.Report) (status int) {
	if r.Newer > 0 {
		e.say("slogship: %d of the records were written by a newer slogship: use that one, for this one would drop them\n", r.Newer)
		status = exitFailed
	}
	if r.Sound() {
		return status
	}
	switch {
	case r.Unreadable > 0:
		e.say("slogship: %d records are damaged and lost; the other %d can be sent\n", r.Unreadable, r.Records)
	case r.Damaged > 0:
		e.say("slogship: the files are damaged in %d places, but no record is lost\n", r.Damaged)
	}
	if r.AckDamaged {
		e.say("slogship: the file ACK is damaged: what was delivered last may be sent again, with the same ids\n")
	}
	return exitFailed
}

// printSpool prints every record as a line of JSON. The directory may be in use.
func printSpool(dir string, args []string, env Env, _ <-chan os.Signal) (status int) {
	if status, ok := noFlags("print", args, env); !ok {
		return status
	}
	w := bufio.NewWriterSize(env.Stdout, chunkBytes)
	var line []byte
	r, err := spooldir.Inspect(dir, func(e *slogship.Event) error {
		takePlace(e)
		line = appendRecord(line[:0], e)
		_, err := w.Write(line)
		return err
	})
	if err == nil {
		err = w.Flush()
	}
	if err != nil {
		return env.failSpool(dir, err)
	}
	return env.sayDamage(r)
}

// appendRecord appends e as one line of JSON. Its attributes are an object of their
// own, so that they may have any names.
func appendRecord(dst []byte, e *slogship.Event) []byte {
	at := e.Time
	if at.IsZero() {
		at = e.Observed
	}
	members := []slog.Attr{
		slog.String("id", e.ID), slog.Time("time", at), slog.String("level", e.Level.String()), slog.String("message", e.Message),
	}
	if len(e.Source) > 0 {
		members = append(members, slog.Attr{Key: "source", Value: slog.GroupValue(e.Source...)})
	}
	members = append(members, slog.Attr{Key: "attributes", Value: slog.GroupValue(e.Attrs...)})
	return append(slogship.AppendAttrs(append(dst, '{'), members), "}\n"...)
}

// shipSpool sends what is in a spool, and waits until it is delivered.
func shipSpool(dir string, args []string, env Env, stop <-chan os.Signal) (status int) {
	c, err := parse("spool ship", args, env)
	switch {
	case errors.Is(err, flag.ErrHelp):
		return exitDelivered
	case err != nil:
		env.say("slogship: %v\n", err)
		return exitUsage
	case c.version:
		_, _ = fmt.Fprintln(env.Stdout, version()) // who does not read on cannot be told
		return exitDelivered
	}
	if _, err := spooldir.Inspect(dir, nil); err != nil { // a spool is not made here
		return env.failSpool(dir, err)
	}
	c.spool, c.spoolBytes = dir, defaultSpoolBytes
	s, err := newShipper(c, false, stop)
	if errors.Is(err, slogship.ErrLocked) {
		return env.failSpool(dir, err)
	}
	if err != nil {
		return env.failStart(c, err)
	}
	if err := s.begin(); err != nil {
		return s.fail(err)
	}
	return s.finish(0)
}

// dropSpool drops what is in a spool, if the user means it.
func dropSpool(dir string, args []string, env Env, _ <-chan os.Signal) (status int) {
	fset := flag.NewFlagSet("slogship spool drop", flag.ContinueOnError)
	yes := fset.Bool("yes", false, "")
	switch err := parseFlags(fset, args); {
	case errors.Is(err, flag.ErrHelp):
		_, _ = io.WriteString(env.Stdout, usageSpool) // who does not read on cannot be told
		return exitDelivered
	case err != nil:
		env.say("slogship: %v\n", err)
		return exitUsage
	}
	if fset.NArg() > 0 {
		env.say("slogship: spool DIR drop takes -yes, and no %q\n", fset.Arg(0))
		return exitUsage
	}
	r, err := spooldir.Inspect(dir, nil)
	if err != nil {
		return env.failSpool(dir, err)
	}
	if !*yes {
		if !isTerminal(env.Stdin) {
			env.say("slogship: spool %s drop: -yes is not set, and there is no terminal to ask at: %d records are kept\n", dir, r.Records)
			return exitUsage
		}
		env.say("drop %d records in %s? [y/N] ", r.Records, dir)
		answer, _ := bufio.NewReader(env.Stdin).ReadString('\n') // no answer is no
		if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
			env.say("slogship: %d records are kept\n", r.Records)
			return exitUsage
		}
	}
	n, err := spooldir.Empty(dir)
	if err != nil {
		return env.failSpool(dir, err)
	}
	env.say("slogship: %d records dropped\n", n)
	return exitDelivered
}

// failSpool says why a directory cannot be used.
func (e Env) failSpool(dir string, err error) (status int) {
	switch {
	case errors.Is(err, slogship.ErrLocked):
		e.say("slogship: spool %s: %s\n", dir, locked(err))
	case errors.Is(err, spooldir.ErrNotSpool):
		e.say("slogship: spool %s: it is a directory, but not one that -spool has used\n", dir)
	case errors.Is(err, fs.ErrNotExist):
		e.say("slogship: spool %s: there is no such directory\n", dir)
	default:
		e.say("slogship: spool %s: %v\n", dir, err)
	}
	return exitFailed
}

// failStart says why a shipper could not be made.
func (e Env) failStart(c *config, err error) (status int) {
	if errors.Is(err, slogship.ErrLocked) {
		e.say("slogship: -spool %s: %s\n", c.spool, locked(err))
		return exitFailed
	}
	if rest, ok := strings.CutPrefix(err.Error(), "slogship: Options.Spool: "); ok {
		e.say("slogship: -spool %s: %s\n", c.spool, rest)
		return exitFailed
	}
	e.say("%v\n", err)
	return exitUsage
}

// locked says that a directory is in use, by whom as far as the error knows it, and
// the way out.
func locked(err error) string {
	_, by, _ := strings.Cut(err.Error(), " (by process ")
	if pid, _, ok := strings.Cut(by, ")"); ok {
		return "process " + pid + " uses it: end that process first, or give each process a directory of its own"
	}
	return "another process uses it: end that process first, or give each process a directory of its own"
}
