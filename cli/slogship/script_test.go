package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/slogship/slogship/slogshiptest"
)

// asCommand in the environment makes the test binary the command.
const asCommand = "SLOGSHIP_TEST_AS_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		main()
	}
	testscript.Main(m, map[string]func(){"slogship": main})
}

// Scripts run the command against receivers. Beside testscript's own commands they
// have
//
//	backend NAME          starts one; sets $URL and $SLOGSHIP_TOKEN
//	fail STATUS [N]       has it answer all requests, or the next N, with a status
//	reject TEXT           has it refuse records with that text in them
//	recover               ends both
//	arrived N             waits until exactly N records have arrived
//	record TEXT...        wants a record that has all of the texts in it
//	append FILE TEXT      adds a line to a file
//	damage SPOOL OFFSET   overwrites a few bytes in the only segment of a spool
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"backend": startBackend,
	"fail": func(ts *testscript.TestScript, _ bool, args []string) {
		f := slogshiptest.Failure{Status: number(ts, args[0])}
		if len(args) > 1 {
			f.Requests = number(ts, args[1])
		}
		server(ts).Fail(f)
	},
	"reject": func(ts *testscript.TestScript, _ bool, args []string) {
		server(ts).RejectRecords(func(r slogshiptest.Record) string {
			if strings.Contains(string(r.Raw), args[0]) {
				return "refused"
			}
			return ""
		})
	},
	"recover": func(ts *testscript.TestScript, _ bool, _ []string) {
		server(ts).Recover()
		server(ts).RejectRecords(nil)
	},
	"arrived": func(ts *testscript.TestScript, _ bool, args []string) {
		want := number(ts, args[0])
		for began := time.Now(); server(ts).Len() != want; time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > 20*time.Second || server(ts).Len() > want {
				ts.Fatalf("%d records arrived, want %d", server(ts).Len(), want)
			}
		}
	},
	"record": func(ts *testscript.TestScript, neg bool, args []string) {
		found := false
		for _, r := range server(ts).Records() {
			has := true
			text := fmt.Sprintf("%s level=%s message=%s context=%v", r.Raw, r.Level, r.Message, r.Context)
			for _, a := range args {
				has = has && strings.Contains(text, a)
			}
			found = found || has
		}
		if found == neg {
			for _, r := range server(ts).Records() {
				ts.Logf("%s", r.Raw)
			}
			ts.Fatalf("record %q: found is %t", args, found)
		}
	},
	"damage": func(ts *testscript.TestScript, _ bool, args []string) {
		segments, err := filepath.Glob(filepath.Join(ts.MkAbs(args[0]), "seg-*"))
		ts.Check(err)
		if len(segments) != 1 {
			ts.Fatalf("%d segments", len(segments))
		}
		f, err := os.OpenFile(segments[0], os.O_WRONLY, 0)
		ts.Check(err)
		_, err = f.WriteAt([]byte("damage"), int64(number(ts, args[1])))
		ts.Check(err)
		ts.Check(f.Close())
	},
	"append": func(ts *testscript.TestScript, _ bool, args []string) {
		f, err := os.OpenFile(ts.MkAbs(args[0]), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o644)
		ts.Check(err)
		_, err = f.WriteString(args[1] + "\n")
		ts.Check(err)
		ts.Check(f.Close())
	},
}

var (
	serversMu sync.Mutex // guards servers
	servers   = map[string]*slogshiptest.Server{}
)

func server(ts *testscript.TestScript) *slogshiptest.Server {
	serversMu.Lock()
	defer serversMu.Unlock()
	s := servers[ts.Getenv("URL")]
	if s == nil {
		ts.Fatalf("there is no backend")
	}
	return s
}

func startBackend(ts *testscript.TestScript, _ bool, args []string) {
	for _, as := range []slogshiptest.Backend{
		slogshiptest.Logflare, slogshiptest.Loki, slogshiptest.OTLP, slogshiptest.Elasticsearch, slogshiptest.Splunk,
		slogshiptest.VictoriaLogs, slogshiptest.Datadog,
	} {
		if strings.ToLower(as.String()) != args[0] {
			continue
		}
		s := slogshiptest.StartServer(as)
		ts.Defer(s.Close)
		serversMu.Lock()
		servers[s.URL] = s
		serversMu.Unlock()
		ts.Setenv("URL", s.URL)
		ts.Setenv("SLOGSHIP_TOKEN", "")
		for _, values := range s.Header() { // a scheme, and the key
			words := strings.Fields(values[0])
			ts.Setenv("SLOGSHIP_TOKEN", words[len(words)-1])
		}
		return
	}
	ts.Fatalf("there is no backend %q", args[0])
}

func number(ts *testscript.TestScript, text string) int {
	n, err := strconv.Atoi(text)
	ts.Check(err)
	return n
}

func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{Dir: "testdata/script", Cmds: scriptCommands, RequireExplicitExec: true})
}
