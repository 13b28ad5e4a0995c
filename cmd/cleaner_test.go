package cmd

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"testing/synctest"
	"time"
)

type countingExpirer struct {
	calls int
	err   error
}

func (e *countingExpirer) ClearExpired(context.Context) (int64, error) {
	e.calls++
	return 1, e.err
}

func TestCleanerGoesOnAfterAFaultAndStops(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		store := &countingExpirer{err: errors.New("database is down")}
		done := make(chan struct{})
		go func() { defer close(done); clean(ctx, store, slog.New(slog.DiscardHandler)) }()

		time.Sleep(24 * cleanEvery)
		synctest.Wait()
		if store.calls < 16 || store.calls > 48 {
			t.Errorf("in 24 mean intervals the cleaner ran %d times, want about 24", store.calls)
		}
		cancel()
		<-done
	})
}
