// Command races shows that sessions of several coatcheck processes are consistent: real processes on one store, one of which is killed
// and restarted all the time, writers and readers of the same session, and one logout.
//
//	go run ./bench/races -engine db -rounds 1000
//	go run ./bench/races -engine cached_db -cache redis://127.0.0.1:6379/0 -cold
//
// It prints rounds and violations, and ends with status 1 if there was one. SQLite and files are made in a temporary folder; other
// stores are named by flags, and must be empty ones: the program leaves tables and entries in them.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"time"
)

type options struct {
	engine, database, cache, binary string
	rounds, killEvery               int
	cold                            bool
	bound                           time.Duration
}

func main() {
	var o options
	flag.StringVar(&o.engine, "engine", "db", "session.engine: db, file, cache, cached_db or signed_cookies")
	flag.StringVar(&o.database, "database", "", "database.url of an empty database; default: a new SQLite file")
	flag.StringVar(&o.cache, "cache", "", "cache.url, for the engines cache and cached_db")
	flag.StringVar(&o.binary, "binary", "", "coatcheck to run; default: built from the module in this folder")
	flag.IntVar(&o.rounds, "rounds", 1000, "sessions that begin and end")
	flag.IntVar(&o.killEvery, "kill-every", 10, "rounds between two kills of the third process; 0: never")
	flag.BoolVar(&o.cold, "cold", false, "cached_db: delete the entry of the cache all the time")
	flag.DurationVar(&o.bound, "bound", 0, "how long after a logout other processes may still let in: with sessions in memory. 0: not at all, and near_cache is off")
	flag.Parse()
	os.Exit(run(o))
}

func run(o options) int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	begin := time.Now()
	t, err := race(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "races:", err)
		return 1
	}
	fmt.Printf("engine %s%s: %d rounds in %v, third process killed %d times\n", o.engine, coldWord(o), t.rounds, time.Since(begin).Round(time.Second), t.kills)
	fmt.Printf("J1: %d violations (%d requests served before the logouts, %d refused after them, %d sessions asked for again at the end)\n",
		t.risen, t.served, t.refused, t.ended)
	fmt.Printf("J3: %d violations\n", t.lost)
	fmt.Printf("no answer or 503: %d; other answers: %d\n", t.busy, t.odd)
	if t.risen+t.lost+t.odd > 0 {
		return 1
	}
	return 0
}

func coldWord(o options) string {
	if o.cold {
		return " (cold cache)"
	}
	if o.bound > 0 {
		return fmt.Sprintf(" (in memory, at most %s behind)", o.bound)
	}
	return ""
}

// race runs the rounds and then looks for what they left behind.
func race(ctx context.Context, o options) (tally, error) {
	f, err := newFleet(ctx, o)
	if err != nil {
		return tally{}, err
	}
	defer f.close()
	r := &runner{fleet: f, options: o}
	for n := range o.rounds {
		if err := r.round(ctx, n); err != nil {
			return r.tally, fmt.Errorf("round %d: %w", n, err)
		}
	}
	return r.tally, r.quiet(ctx)
}
