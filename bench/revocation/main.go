// Command revocation measures how long a session that was ended at one coatcheck process is still let in at the others: by logout there, and by a change
// of the user's row as a Django makes it (password, active, deletion). Then it cuts the feeds by which the processes hear of changes.
//
//	go run ./bench/revocation                                  # every engine, two and five processes; writes bench/REVOCATION.md
//	go run ./bench/revocation -only db-postgres -rounds 20 -report ''
//
// It ends with status 1 when a session was let in after its bound.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"coatcheck/bench/stage"
)

type options struct {
	only, binary, report string
	rounds, cutRounds    int
	fleets               []int
}

func main() {
	var o options
	flag.StringVar(&o.only, "only", "db-sqlite,db-postgres,cache-redis-postgres,cached_db-redis-postgres,file,signed_cookies,db-mariadb,cache-memcached", "engines, separated by commas")
	flag.StringVar(&o.binary, "binary", "", "coatcheck to run; default: built from the module in this folder")
	flag.StringVar(&o.report, "report", filepath.Join("bench", "REVOCATION.md"), "file to write; empty: none")
	flag.IntVar(&o.rounds, "rounds", 200, "rounds of each engine, way and size of the fleet")
	flag.IntVar(&o.cutRounds, "cut-rounds", 50, "rounds in which the feed is cut")
	flag.Parse()
	o.fleets = []int{2, 5}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "revocation:", err)
		os.Exit(1)
	}
}

// errStale is the outcome that must not be.
var errStale = errors.New("sessions were let in after their bound")

func run(ctx context.Context, o options) error {
	engines, err := chosen(o.only)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "coatcheck-revocation-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	if o.binary == "" {
		if o.binary, err = stage.Build(ctx, dir, "coatcheck", stage.Release); err != nil {
			return err
		}
	}
	r := report{began: time.Now().UTC(), options: o}
	for _, e := range engines {
		for _, size := range o.fleets {
			if err := r.add(ctx, dir, e, size); err != nil {
				return fmt.Errorf("%s, %d processes: %w", e.Name, size, err)
			}
		}
	}
	text := r.markdown()
	fmt.Print(text)
	if o.report != "" {
		err = os.WriteFile(o.report, []byte(text), 0o644)
	}
	if r.stale() > 0 {
		err = errors.Join(err, errStale)
	}
	return err
}

func chosen(only string) ([]stage.Engine, error) {
	var list []stage.Engine
	for name := range strings.SplitSeq(only, ",") {
		e, ok := stage.EngineNamed(name)
		if !ok {
			return nil, fmt.Errorf("no engine %s", name)
		}
		list = append(list, e)
	}
	return list, nil
}

// add measures one engine with a fleet of one size.
func (r *report) add(ctx context.Context, dir string, e stage.Engine, size int) error {
	fmt.Fprintf(os.Stderr, "%s %s, %d processes\n", time.Now().Format("15:04:05"), e.Name, size)
	env := &stage.Env{}
	defer env.Close()
	f, err := newFleet(ctx, env, dir, r.options, e, size)
	if errors.Is(err, stage.ErrMissing) {
		r.missing = append(r.missing, err.Error())
		return nil
	}
	if err != nil {
		return err
	}
	for _, w := range ways() {
		row, err := f.rounds(ctx, w, r.options.rounds, nil)
		if err != nil {
			return err
		}
		r.rows = append(r.rows, row)
	}
	return r.addCuts(ctx, f)
}

// addCuts repeats it while the feeds are cut, where there are feeds to cut.
func (r *report) addCuts(ctx context.Context, f *fleet) error {
	cutters := f.cutters()
	for _, w := range ways() {
		if len(cutters) == 0 {
			break
		}
		row, err := f.rounds(ctx, w, r.options.cutRounds, cutters)
		if err != nil {
			return err
		}
		r.cuts = append(r.cuts, row)
	}
	return nil
}

// row is what one way of ending sessions has shown.
type row struct {
	engine, way string
	processes   int
	delays      []time.Duration // of each other process in each round: from the acknowledgement until it refused
	bound       time.Duration
	own         int // let in by the process that had acknowledged the logout
	stale       int // let in after the bound
	busy        int // answered 503
	cut         int // connections of feeds that were cut
}

func (r *row) sorted() []time.Duration { return slices.Sorted(slices.Values(r.delays)) }
