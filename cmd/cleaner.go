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

// expirer is what the cleaner needs of a session store.
type expirer interface {
	ClearExpired(ctx context.Context) (int64, error)
}

// clean removes expired sessions now and then until ctx ends. A fault is logged and tried again with the next round.
func clean(ctx context.Context, store expirer, log *slog.Logger) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-time.After(cleanEvery/2 + rand.N(cleanEvery)):
		}
		n, err := store.ClearExpired(ctx)
		switch {
		case errors.Is(err, context.Canceled):
			return
		case err != nil:
			log.Warn("clear expired sessions", "removed", n, "err", err)
		case n > 0:
			log.Info("cleared expired sessions", "removed", n)
		}
	}
}
