package cmd

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

func TestCleanerGoesOnAfterAFaultAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		calls := map[string]int{}
		count := func(name string, err error) chore {
			return chore{what: name, run: func(context.Context) (int64, error) { calls[name]++; return 1, err }}
		}
		chores := []chore{count("broken", errors.New("database is down")), count("fine", nil)}
		done := make(chan struct{})
		go func() { defer close(done); clean(ctx, chores, always, slog.New(slog.DiscardHandler)) }()

		time.Sleep(24 * cleanEvery)
		synctest.Wait()
		for name, n := range calls {
			if n < 16 || n > 48 {
				t.Errorf("in 24 mean intervals %q ran %d times, want about 24", name, n)
			}
		}
		if len(calls) != 2 {
			t.Errorf("ran %v, want both chores", calls)
		}
		cancel()
		<-done
	})
}

func always(context.Context) (bool, error) { return true, nil }

// Of three processes one cleans; when it has died, another one does.
func TestOneOfAFleetCleans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var holder int
		var ends time.Time
		var shared, own [3]int
		var stops [3]context.CancelFunc
		var all sync.WaitGroup
		for i := range 3 {
			ctx, stop := context.WithCancel(t.Context())
			stops[i] = stop
			leads := func(context.Context) (bool, error) {
				mu.Lock()
				defer mu.Unlock()
				if i != holder && time.Now().Before(ends) {
					return false, nil
				}
				holder, ends = i, time.Now().Add(cleanLease)
				return true, nil
			}
			chores := []chore{
				{what: "shared", run: func(context.Context) (int64, error) { mu.Lock(); defer mu.Unlock(); shared[i]++; return 0, nil }},
				{what: "own", run: func(context.Context) (int64, error) { mu.Lock(); defer mu.Unlock(); own[i]++; return 0, nil }, each: true},
			}
			all.Go(func() { clean(ctx, chores, leads, slog.New(slog.DiscardHandler)) })
		}
		time.Sleep(24 * cleanEvery)
		synctest.Wait()
		mu.Lock()
		if n := shared[0] + shared[1] + shared[2]; n < 16 || n > 48 {
			t.Errorf("three processes cleaned %d times in 24 mean intervals, want about 24", n)
		}
		for i, n := range own {
			if n < 16 || n > 48 {
				t.Errorf("process %d cleaned what is its own %d times, want about 24", i, n)
			}
		}
		before, died := shared, holder
		mu.Unlock()
		stops[died]()
		time.Sleep(4 * cleanEvery)
		for _, stop := range stops {
			stop()
		}
		all.Wait()
		if shared[died] != before[died] || shared == before {
			t.Errorf("after process %d had died: %v, before %v; want others to go on", died, shared, before)
		}
	})
}

func TestCleanerWithoutALease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		log := &strings.Builder{}
		ran := 0
		done := make(chan struct{})
		leads := func(context.Context) (bool, error) { return false, errors.New("database is down") }
		go func() {
			defer close(done)
			clean(ctx, []chore{{what: "shared", run: func(context.Context) (int64, error) { ran++; return 0, nil }}}, leads, slog.New(slog.NewTextHandler(log, nil)))
		}()
		time.Sleep(3 * cleanEvery)
		cancel()
		<-done
		if ran > 0 || !strings.Contains(log.String(), "database is down") {
			t.Errorf("ran %d times, want none and a warning:\n%s", ran, log)
		}
	})
}
