package cmd

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

func TestCleanerGoesOnAfterAFaultAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		calls := map[string]int{}
		count := func(name string, err error) chore {
			return chore{name, func(context.Context) (int64, error) { calls[name]++; return 1, err }}
		}
		chores := []chore{count("broken", errors.New("database is down")), count("fine", nil)}
		done := make(chan struct{})
		go func() { defer close(done); clean(ctx, chores, slog.New(slog.DiscardHandler)) }()

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
