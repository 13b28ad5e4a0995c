package cmd

import (
	"context"
	"errors"
	"log/slog"
	"math/rand/v2"
	"time"
)

// cleanEvery is the mean time between two clean-ups of a process. Each wait is drawn from half to one and a half of it, so that a fleet
// that started at once does not clean at once.
const cleanEvery = time.Hour

// cleanLease is how long after a clean-up the other processes of a fleet leave theirs out; also, at most, how long one that died is waited for.
const cleanLease = cleanEvery * 3 / 4

// chore is something that wants cleaning now and then.
type chore struct {
	what string // for the log
	run  func(ctx context.Context) (removed int64, err error)
	// each: every process has to do it, as it may have things of its own to clean.
	each bool
}

// leader reports whether this process cleans for its fleet now.
type leader func(ctx context.Context) (bool, error)

// clean does the chores now and then until ctx ends. A fault is logged and tried again with the next round.
func clean(ctx context.Context, chores []chore, leads leader, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(cleanEvery/2 + rand.N(cleanEvery)):
		}
		lead, err := leads(ctx)
		if err != nil && ctx.Err() == nil {
			log.Warn("clean up for the fleet", "err", err)
		}
		for _, c := range chores {
			if !lead && !c.each {
				continue
			}
			n, err := c.run(ctx)
			switch {
			case errors.Is(err, context.Canceled):
				return
			case err != nil:
				log.Warn("clear "+c.what, "removed", n, "err", err)
			case n > 0:
				log.Info("cleared "+c.what, "removed", n)
			}
		}
	}
}

// settleEvery is how soon after a fault the entries of logged-out sessions are deleted from the cache (F08).
const settleEvery = 5 * time.Second

// settler is a session store with deletions that a cache has not confirmed.
type settler interface {
	Settle(ctx context.Context) (left int, err error)
}

// settle repeats unconfirmed deletions until ctx ends. The store has reported the fault; what is told here is that some are still open.
func settle(ctx context.Context, store settler, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(settleEvery):
		}
		if left, err := store.Settle(ctx); err != nil && ctx.Err() == nil {
			log.Warn("logged-out sessions are still in the cache; this process does not believe it", "left", left, "err", err)
		}
	}
}
