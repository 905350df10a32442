// Command bench measures slogship and its peers side by side: the same
// records, through each peer's own client, to a receiver in another process.
//
//	go run .                      all tables (13 minutes on 2 cores)
//	go run . -quick               a rough picture (4 minutes)
//	go run . -tables 2,4 -peers slogship,otel
//	go run . report               write the report anew from results.json
//
// It writes results.json (every sample), RESULTS.md and plots/, and targets
// nothing but 127.0.0.1. See README.md for what the tables mean.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"log"
	"os"
	"os/signal"
	"strconv"
	"strings"

	"github.com/slogship/slogship/bench/peers"
	"github.com/slogship/slogship/bench/report"
)

func main() {
	log.SetFlags(0)
	log.SetPrefix("bench: ")
	if err := dispatch(os.Args[1:]); err != nil {
		log.Fatal(err)
	}
}

func dispatch(args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case "receiver":
			return receiverMain()
		case "measure":
			if len(args) != 2 {
				return errors.New("measure wants one argument, a spec")
			}
			return measureMain(args[1])
		}
	}
	reportOnly := len(args) > 0 && args[0] == "report"
	if reportOnly {
		args = args[1:]
	}
	fs := flag.NewFlagSet("bench", flag.ContinueOnError)
	tables := fs.String("tables", "1,2,3,4,5,6,7", "the tables to measure")
	names := fs.String("peers", "", "the peers to measure, comma-separated (default all)")
	quick := fs.Bool("quick", false, "fewer records, counts and seconds: a rough picture")
	counts := fs.Int("counts", 0, "samples of table 2 (default 5, quick 1)")
	dir := fs.String("dir", ".", "where results.json, RESULTS.md and plots/ are")
	if err := fs.Parse(args); err != nil {
		return err
	}
	if fs.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", fs.Arg(0))
	}
	results, err := report.Load(*dir)
	if err != nil {
		return err
	}
	if reportOnly {
		return report.Write(*dir, results)
	}

	p := newPlan(*quick, *counts)
	p.dir = *dir
	if p.tables, err = parseTables(*tables); err != nil {
		return err
	}
	if p.peers, err = parsePeers(*names); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	results.Describe(command(args), *quick)
	if err := p.measure(ctx, results); err != nil {
		return err
	}
	return report.Write(*dir, results)
}

func parseTables(s string) (map[int]bool, error) {
	m := map[int]bool{}
	for f := range strings.SplitSeq(s, ",") {
		n, err := strconv.Atoi(strings.TrimSpace(f))
		if err != nil || n < 1 || n > 7 {
			return nil, fmt.Errorf("-tables %q: want numbers from 1 to 7", s)
		}
		m[n] = true
	}
	return m, nil
}

func parsePeers(s string) ([]peers.Peer, error) {
	if s == "" {
		return append(peers.All(), peers.Ceilings()...), nil
	}
	var ps []peers.Peer
	for f := range strings.SplitSeq(s, ",") {
		p, ok := peers.Find(strings.TrimSpace(f))
		if !ok {
			return nil, fmt.Errorf("-peers: no peer %q", f)
		}
		ps = append(ps, p)
	}
	return ps, nil
}

// command is what repeats the run.
func command(args []string) string {
	if len(args) == 0 {
		return "make bench-peers"
	}
	return "cd bench && go run . " + strings.Join(args, " ")
}
