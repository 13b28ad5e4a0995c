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

// chore is something that wants cleaning now and then.
type chore struct {
	what string // for the log
	run  func(ctx context.Context) (removed int64, err error)
}

// clean does the chores now and then until ctx ends. A fault is logged and tried again with the next round.
func clean(ctx context.Context, chores []chore, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(cleanEvery/2 + rand.N(cleanEvery)):
		}
		for _, c := range chores {
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
