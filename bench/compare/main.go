// Command compare measures coatcheck beside other proxies on a machine of two cores: the proxy alone on one, the upstream, the load and the stores on the other.
// The subjects take turns; it prints medians and writes a report.
//
//	go run ./bench/compare                                    # everything, about 12 minutes, writes bench/REPORT.md
//	go run ./bench/compare -only 'nginx-auth,bare,coatcheck-*' -rounds 3 -length 1s -figures=false -report ''
//
// Peers that are not installed are listed as missing: apt-get install nginx haproxy caddy apache2.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"time"
)

// conns is how many requests are under way at once.
const conns = 64

type options struct {
	only, binary, report string
	rounds, fresh        int
	length, warmUp       time.Duration
	figures              bool
	sessions             int // of the largest store
	kept                 int // sessions of one process, for its memory
	starts               int
	proxyCore, loadCore  int
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "", "subjects, separated by commas; NAME* are all that begin so; default: all")
	flag.StringVar(&o.binary, "binary", "", "coatcheck to measure; default: built from the module in this folder")
	flag.StringVar(&o.report, "report", filepath.Join("bench", "REPORT.md"), "file to write; empty: none")
	flag.IntVar(&o.rounds, "rounds", 5, "rounds of each subject")
	flag.DurationVar(&o.length, "length", 2*time.Second, "how long a round takes")
	flag.DurationVar(&o.warmUp, "warm-up", warmUp, "load before each round that is not counted")
	flag.IntVar(&o.fresh, "fresh", 3000, "sessions of a round of the cold path")
	flag.BoolVar(&o.figures, "figures", true, "also measure start, memory, routes, sessions, statements")
	flag.IntVar(&o.sessions, "sessions", 1_000_000, "rows of the largest store")
	flag.IntVar(&o.kept, "kept", 100_000, "sessions that one process has seen, for its memory")
	flag.IntVar(&o.starts, "starts", 15, "starts, for the time to the first answer")
	flag.IntVar(&o.proxyCore, "proxy-core", 0, "core of the proxies; below zero: not pinned")
	flag.IntVar(&o.loadCore, "load-core", 1, "core of everything else; below zero: not pinned")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "compare:", err)
		os.Exit(1)
	}
}

// results are what the report is made of.
type results struct {
	machine    machine
	warm, cold []figures
	missing    []absent
	extra      extra
	took       time.Duration
}

func run(ctx context.Context, o options) error {
	list, err := chosen(o.only)
	if err != nil {
		return err
	}
	began := time.Now()
	res := results{machine: thisMachine()}
	l, err := newLab(ctx, o)
	if l != nil {
		defer l.close()
	}
	if err != nil {
		return err
	}
	err = measure(ctx, l, list, o, &res)
	if len(res.warm) == 0 {
		return err
	}
	res.took = time.Since(began)
	text := res.markdown(o) // also when a later figure failed: what was measured is told
	fmt.Print(text)
	if o.report == "" {
		return err
	}
	return errors.Join(err, os.WriteFile(o.report, []byte(text), 0o644))
}

func measure(ctx context.Context, l *lab, list []subject, o options, res *results) error {
	all, missing, err := startAll(ctx, l, list)
	if err != nil {
		return err
	}
	res.missing = missing
	if res.warm, err = warm(ctx, all, o); err != nil {
		return err
	}
	if res.cold, err = cold(ctx, all, o); err != nil {
		return err
	}
	if !o.figures {
		return nil
	}
	if res.extra.statements, err = statements(ctx, all, o); err != nil {
		return err
	}
	for _, r := range all {
		r.process.Stop()
	}
	if err = res.extra.measure(ctx, l, o); err != nil {
		res.missing = append(res.missing, absent{"start, memory, routes or sessions", "they failed; see what the program printed"})
	}
	return err
}

// say tells how far it is.
func say(format string, args ...any) {
	fmt.Fprintf(os.Stderr, "%s "+format+"\n", append([]any{time.Now().Format("15:04:05")}, args...)...)
}
