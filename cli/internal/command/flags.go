package command

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/slogship/slogship"
	"github.com/slogship/slogship/cli/internal/backend"
	"github.com/slogship/slogship/lines"
)

// config is what the flags say.
type config struct {
	env Env

	backend *backend.Backend
	url     string
	header  http.Header
	attrs   []slog.Attr
	drop    map[string]bool // attributes that are left out
	level   slog.Level
	lines   lines.Options

	patterns []string
	stateDir string
	spool    string // the directory of -spool
	fromEnd  bool
	once     bool

	tee, lossy, failFast, dryRun, quiet, version bool

	compression slogship.Compression
	interval    time.Duration
	timeout     time.Duration
	grace       time.Duration
	progress    time.Duration
	rate        int
	metrics     string
	spoolBytes  int64

	command []string // of exec
}

// list is a flag that may be given more than once.
type list []string

func (l *list) String() string { return strings.Join(*l, ", ") }

func (l *list) Set(s string) error {
	*l = append(*l, s)
	return nil
}

// raw are the flags as they are given.
type raw struct {
	to, tokenFile, format, multiline, from, onError, compression, zone string
	headers, attrs, drops                                              list
}

// parse reads the flags of a command, "" for that without a name.
func parse(name string, args []string, env Env) (*config, error) {
	c := &config{env: env, header: http.Header{}, drop: map[string]bool{}}
	var r raw
	fs := flag.NewFlagSet(strings.TrimSpace("slogship "+name), flag.ContinueOnError)
	c.define(name, fs, &r)
	if err := parseFlags(fs, args); err != nil {
		if errors.Is(err, flag.ErrHelp) {
			_, _ = io.WriteString(env.Stdout, usage(name, fs)) // who does not read on cannot be told
		}
		return nil, err
	}
	if c.version {
		return c, nil
	}
	if c.command = fs.Args(); name != "exec" && len(c.command) > 0 {
		return nil, fmt.Errorf("%q is not a flag; files are followed with -follow, commands run with slogship exec -- COMMAND", c.command[0])
	}
	if name == "exec" && len(c.command) == 0 {
		return nil, errors.New("exec needs a command: slogship exec [flags] -- COMMAND [arguments]")
	}
	return c, c.resolve(&r)
}

// parseFlags is fs.Parse with errors that name the flag, its value and the rule, and
// without the whole help after each.
func parseFlags(fs *flag.FlagSet, args []string) error {
	fs.SetOutput(io.Discard)
	fs.Usage = func() {}
	err := fs.Parse(args)
	if err == nil || errors.Is(err, flag.ErrHelp) {
		return err
	}
	if m := invalidFlag.FindStringSubmatch(err.Error()); m != nil {
		if rule := ruleOf(fs.Lookup(m[2])); rule != "" {
			return fmt.Errorf("-%s is %s, want %s", m[2], m[1], rule)
		}
	}
	text := strings.Replace(err.Error(), "flag provided but not defined: ", "there is no flag ", 1)
	return fmt.Errorf("%s; see %s -h", text, strings.Replace(fs.Name(), "spool", "spool DIR", 1))
}

var invalidFlag = regexp.MustCompile(`^invalid (?:boolean )?value (".*") for (?:flag )?-([^:]+): `)

// ruleOf is what the values of a flag may be, "" if that is not known.
func ruleOf(f *flag.Flag) string {
	if f == nil {
		return ""
	}
	g, ok := f.Value.(flag.Getter)
	if !ok {
		return ""
	}
	switch g.Get().(type) {
	case time.Duration:
		return "a duration such as 500ms, 10s or 1m"
	case int, int64:
		return "a whole number"
	case bool:
		return "true or false"
	case *slog.Level:
		return "a level: debug, info, warn, error, or one such as info+2"
	}
	return ""
}

// define defines the flags of a command.
func (c *config) define(name string, fs *flag.FlagSet, r *raw) {
	c.defineBackend(fs, r)
	if name == "check" {
		return
	}
	c.defineShipping(fs, r)
	if name == "spool ship" {
		return
	}
	c.defineLines(fs, r)
	if name == "exec" {
		return
	}
	fs.Func("follow", "follow the files that match a `glob` pattern, also when they are rotated; may be repeated", func(s string) error {
		c.patterns = append(c.patterns, s)
		return nil
	})
	fs.StringVar(&c.stateDir, "state", "", "the `directory` in which positions in followed files are saved, so that a restart continues there")
	fs.StringVar(&r.from, "from", "start", "the `place` where reading begins in files that exist at the very first start: start or end (default: start)")
	fs.BoolVar(&c.once, "once", false, "exit at the end of the followed files")
}

// defineBackend defines what every command has.
func (c *config) defineBackend(fs *flag.FlagSet, r *raw) {
	fs.StringVar(&r.to, "to", "", "the `backend`, if slogship does not recognise it by the URL: "+strings.Join(backend.Names(), ", "))
	fs.StringVar(&c.url, "url", "", "the `endpoint` (default: $SLOGSHIP_URL); without a path, the backend's own is added")
	fs.StringVar(&r.tokenFile, "token-file", "", "a `file` with the API key or token, which is sent in the header that the backend expects (default: $SLOGSHIP_TOKEN)")
	fs.Var(&r.headers, "H", "a request `header`, 'Name: value', or 'Name: @file' for a value from a file; may be repeated")
	fs.StringVar(&r.compression, "compression", "gzip", "the `kind` of compression of request bodies: gzip, zstd or none (default: gzip)")
	fs.DurationVar(&c.timeout, "timeout", 10*time.Second, "the `duration` that a request may take (default: 10s)")
	fs.Var(&r.attrs, "a", "an attribute to add to all records, `key=value`; in Loki it is a label, in OTLP a resource attribute; may be repeated")
	fs.BoolVar(&c.version, "version", false, "print the version")
}

// defineShipping defines what every command has that ships records.
func (c *config) defineShipping(fs *flag.FlagSet, r *raw) {
	fs.StringVar(&r.onError, "on-error", "retry", "the `action` after a failed attempt to deliver: retry, or fail, which exits at once (default: retry)")
	fs.DurationVar(&c.grace, "grace", 5*time.Second, "the `duration` for which records are still delivered after SIGTERM or SIGINT, and after exec's command has ended; with -spool, slogship also ends after the input if no record is delivered for this long (default: 5s)")
	fs.DurationVar(&c.interval, "interval", time.Second, "the `duration` that a record waits, at most, for others to be sent with it (default: 1s)")
	fs.StringVar(&c.metrics, "metrics", "", "the `address` at which to serve Prometheus metrics and /healthz; \":9102\" is on loopback only")
	fs.DurationVar(&c.progress, "progress", -1, "the `interval` at which progress is written to standard error, 0 for never (default: 500ms on a terminal, else 1m)")
	fs.BoolVar(&c.quiet, "quiet", false, "write nothing but errors to standard error")
}

// defineLines defines what every command has that reads lines.
func (c *config) defineLines(fs *flag.FlagSet, r *raw) {
	fs.Var(&r.drops, "drop-field", "the `name` of an attribute to leave out; group.member names one in a group; may be repeated")
	fs.TextVar(&c.level, "level", slog.LevelDebug-4, "the minimum `level` to ship, such as info or warn (default: all)")
	fs.StringVar(&r.format, "format", "auto", "the `kind` of lines: json, logfmt, text, or plain, in which nothing is recognised (default: auto, which is decided for each line)")
	fs.StringVar(&c.lines.TimeKey, "time-field", "", "the `name` of the time in JSON and logfmt (default: time, ts, timestamp, @timestamp)")
	fs.StringVar(&c.lines.LevelKey, "level-field", "", "the `name` of the level (default: level, lvl, severity, log.level)")
	fs.StringVar(&c.lines.MessageKey, "message-field", "", "the `name` of the message (default: message, msg)")
	fs.StringVar(&r.zone, "zone", "", "the time `zone` of times that have none, such as UTC or Europe/Berlin (default: the local one)")
	fs.StringVar(&r.multiline, "multiline", "", "make one record of several lines: a `regexp` that matches the first line of a record, or \"indent\": indented lines belong to the line above")
	fs.IntVar(&c.lines.MaxLine, "max-line", 1<<20, "the longest line, in `bytes`; a longer one is cut (default: 1048576)")
	fs.IntVar(&c.rate, "rate", 0, "the highest `number` of records per second; slogship reads more slowly (default: no limit)")
	fs.StringVar(&c.spool, "spool", "", "a `directory`, for this process alone, in which records are kept until they are delivered; a crash then loses only those of the last 50 ms")
	fs.Int64Var(&c.spoolBytes, "spool-bytes", defaultSpoolBytes, "the limit of -spool, in `bytes` on disk (default: 1073741824)")
	fs.BoolVar(&c.lossy, "drop", false, "do not wait for the backend when memory (with -spool, the spool) is full: drop the oldest records")
	fs.BoolVar(&c.tee, "tee", false, "also write the lines to standard output (exec: the command's standard error to standard error)")
	fs.BoolVar(&c.dryRun, "dry-run", false, "print the body of the first request instead of sending it")
}

func (c *config) resolve(r *raw) (err error) {
	if c.url == "" {
		c.url = c.env.Getenv("SLOGSHIP_URL")
	}
	if c.url == "" {
		return errors.New("-url is not set, nor is SLOGSHIP_URL")
	}
	if c.backend, err = backend.Find(r.to, c.url); err != nil {
		return err
	}
	c.url = c.backend.Complete(c.url)
	if c.compression, err = choice("compression", r.compression, map[string]slogship.Compression{
		"gzip": slogship.Gzip, "zstd": slogship.Zstd, "none": slogship.None,
	}); err != nil {
		return err
	}
	if err := c.credentials(r); err != nil {
		return err
	}
	for _, a := range r.attrs {
		key, value, ok := strings.Cut(a, "=")
		if !ok || key == "" {
			return fmt.Errorf("-a is %q, want key=value", a)
		}
		c.attrs = append(c.attrs, slog.String(key, value))
	}
	for _, name := range r.drops {
		c.drop[name] = true
	}
	if c.timeout <= 0 {
		return fmt.Errorf("-timeout is %v, want more than 0", c.timeout)
	}
	if r.onError == "" { // check has no such flags
		return nil
	}
	if c.interval <= 0 {
		return fmt.Errorf("-interval is %v, want more than 0", c.interval)
	}
	if c.grace < 0 {
		return fmt.Errorf("-grace is %v, want at least 0", c.grace)
	}
	if c.failFast, err = choice("on-error", r.onError, map[string]bool{"retry": false, "fail": true}); err != nil {
		return err
	}
	if c.metrics, err = loopback(c.metrics); err != nil {
		return err
	}
	if r.format == "" { // spool ship has no lines
		return nil
	}
	if err := c.resolveLines(r); err != nil {
		return err
	}
	return c.resolveFollow(r)
}

func (c *config) resolveLines(r *raw) (err error) {
	if c.lines.Format, err = choice("format", r.format, map[string]lines.Format{
		"auto": lines.Auto, "json": lines.JSON, "logfmt": lines.Logfmt, "text": lines.Text, "plain": lines.Plain,
	}); err != nil {
		return err
	}
	if r.zone != "" {
		if c.lines.Location, err = time.LoadLocation(r.zone); err != nil {
			return fmt.Errorf("-zone is %q, want a time zone that this system knows, such as UTC or Europe/Berlin", r.zone)
		}
	}
	switch r.multiline {
	case "":
	case "indent":
		c.lines.Begins = lines.Unindented
	default:
		re, err := regexp.Compile(r.multiline)
		if err != nil {
			return fmt.Errorf("-multiline is %q, want indent or a regular expression: %w", r.multiline, err)
		}
		c.lines.Begins = re.Match
	}
	if c.lines.MaxLine < 1 {
		return fmt.Errorf("-max-line is %d, want at least 1", c.lines.MaxLine)
	}
	switch {
	case c.rate < 0:
		return fmt.Errorf("-rate is %d, want at least 1, or 0 for no limit", c.rate)
	case c.spool == "" && c.spoolBytes != defaultSpoolBytes:
		return errors.New("-spool-bytes is for -spool, which is not set")
	case c.spoolBytes < leastSpoolBytes:
		return fmt.Errorf("-spool-bytes is %d, want at least %d", c.spoolBytes, leastSpoolBytes)
	case c.spool != "" && c.spool == c.stateDir:
		return fmt.Errorf("-spool and -state are both %s, want two directories", c.spool)
	}
	return nil
}

func (c *config) resolveFollow(r *raw) (err error) {
	if r.from != "" {
		if c.fromEnd, err = choice("from", r.from, map[string]bool{"start": false, "end": true}); err != nil {
			return err
		}
	}
	switch {
	case len(c.patterns) > 0 && c.tee:
		return errors.New("-tee is for standard input and for exec, not for -follow")
	case len(c.patterns) > 0:
		return nil
	case c.stateDir != "":
		return errors.New("-state is for -follow: standard input has no positions")
	case c.once:
		return errors.New("-once is for -follow")
	}
	return nil
}

func choice[T any](name, value string, all map[string]T) (v T, err error) {
	v, ok := all[value]
	if !ok {
		var names []string
		for n := range all {
			names = append(names, n)
		}
		return v, fmt.Errorf("-%s is %q, want one of %s", name, value, sortedList(names))
	}
	return v, nil
}

// loopback completes the address of -metrics: without a host it is on loopback.
func loopback(address string) (string, error) {
	if address == "" {
		return "", nil
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "", fmt.Errorf("-metrics is %q, want :PORT or HOST:PORT", address)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port), nil
}

// credentials collects the headers. No value is ever shown.
func (c *config) credentials(r *raw) error {
	for _, h := range r.headers {
		name, value, ok := strings.Cut(h, ":")
		if !ok || strings.TrimSpace(name) == "" {
			return errors.New("a -H is not of the form 'Name: value' (it is not shown here, because it may be a secret)")
		}
		value = strings.TrimSpace(value)
		if path, ok := strings.CutPrefix(value, "@"); ok {
			var err error
			if value, err = secretFile(path); err != nil {
				return fmt.Errorf("-H %s: %w", name, err)
			}
		}
		c.header.Add(strings.TrimSpace(name), value)
	}
	token := strings.TrimSpace(c.env.Getenv("SLOGSHIP_TOKEN"))
	if r.tokenFile != "" {
		var err error
		if token, err = secretFile(r.tokenFile); err != nil {
			return fmt.Errorf("-token-file: %w", err)
		}
	}
	if token != "" && c.header.Get(c.backend.Header) == "" {
		c.header.Set(c.backend.Header, c.backend.Scheme+token)
	}
	return nil
}

func secretFile(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", err
	}
	secret := strings.TrimSpace(string(text))
	if secret == "" {
		return "", fmt.Errorf("%s is empty", path)
	}
	return secret, nil
}
