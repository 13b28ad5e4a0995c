package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/bench/stage"
)

// The program runs from the fleet to the report. Whether bounds are kept on a machine that does other work is not asked here, only whether sessions end.
func TestRevocation(t *testing.T) {
	dir := t.TempDir()
	binary, err := stage.Build(context.Background(), dir, "coatcheck", !stage.Release)
	if err != nil {
		t.Fatal(err)
	}
	o := options{only: "db-sqlite,cache-redis-postgres,file", binary: binary, report: filepath.Join(dir, "REVOCATION.md"), rounds: 2, cutRounds: 1, fleets: []int{2}}
	if err := run(context.Background(), o); err != nil && !strings.Contains(err.Error(), errStale.Error()) {
		t.Fatal(err)
	}
	text, err := os.ReadFile(o.report)
	if err != nil {
		t.Fatal(err)
	}
	for engine := range strings.SplitSeq(o.only, ",") {
		for _, w := range ways() {
			if row := "| " + engine + " | 2 | " + w.name + " | "; !strings.Contains(string(text), row) {
				t.Errorf("the report has no row %q:\n%s", row, text)
			}
		}
	}
}

func TestCount(t *testing.T) {
	ended := time.Now()
	after := func(ms int) time.Time { return ended.Add(time.Duration(ms) * time.Millisecond) }
	for _, c := range []struct {
		name               string
		served             []time.Time
		refused            time.Time
		own                bool
		wantStale, wantOwn int
		wantDelay          time.Duration
	}{
		{"refused before the acknowledgement", []time.Time{after(-5)}, after(-1), false, 0, 0, 0},
		{"within the bound", []time.Time{after(-5), after(20)}, after(21), false, 0, 0, 21 * time.Millisecond},
		{"after the bound", []time.Time{after(51), after(60)}, after(61), false, 2, 0, 61 * time.Millisecond},
		{"own", []time.Time{after(1)}, after(2), true, 0, 1, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &probe{stop: func() {}, done: make(chan struct{}), served: c.served, refusedFrom: c.refused}
			close(p.done)
			r := row{bound: 50 * time.Millisecond}
			r.count(p, ended, c.own)
			var delay time.Duration
			for _, d := range r.delays {
				delay = d
			}
			if r.stale != c.wantStale || r.own != c.wantOwn || delay != c.wantDelay {
				t.Errorf("stale %d, own %d, delay %v; want %d, %d, %v", r.stale, r.own, delay, c.wantStale, c.wantOwn, c.wantDelay)
			}
		})
	}
}
