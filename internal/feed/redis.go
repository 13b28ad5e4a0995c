package feed

import (
	"context"
	"errors"
	"log/slog"
	"time"

	"coatcheck/internal/near"
	"coatcheck/sessionstore/cache"
)

// Redis hears which keys of a Redis were changed (server-assisted client-side caching). A name is what follows the prefix in a key.
type Redis struct {
	*near.Pulse
	cache     *cache.Cache
	prefix    string
	log       *slog.Logger
	followers Followers
	said      bool
}

// NewRedis returns the feed of the keys of c that begin with prefix. It hears nothing before [Redis.Run].
func NewRedis(c *cache.Cache, prefix string, log *slog.Logger) *Redis {
	r := &Redis{cache: c, prefix: prefix, log: log}
	r.Pulse = near.NewPulse(func() { r.followers.ForgetAll() })
	return r
}

// Follow adds one who is told. It is not for use beside Run.
func (r *Redis) Follow(f Follower) { r.followers = append(r.followers, f) }

// State implements the states of operators.
func (r *Redis) State(of string) State { return State{Of: of, Heard: r.Heard(), Age: r.Age()} }

// Run listens until ctx ends.
func (r *Redis) Run(ctx context.Context) {
	near.Keep(ctx, r.listen, r.lost)
	r.Lost()
}

func (r *Redis) listen(ctx context.Context) error {
	return r.cache.Track(ctx, r.prefix, cache.Hearing{Beat: near.BeatTime, Alive: r.alive, Told: r.told})
}

func (r *Redis) alive(asked time.Time) {
	r.Found()
	r.Beat(asked)
	r.said = false
}

func (r *Redis) told(name string) {
	for _, f := range r.followers {
		f.Told(name)
	}
}

// lost says so once, until it is found again.
func (r *Redis) lost(err error) {
	r.Lost()
	if errors.Is(err, cache.ErrNotAllowed) {
		r.CannotHear()
	}
	if !r.said && !errors.Is(err, context.Canceled) {
		r.said = true
		r.log.Warn("changes in the cache are not heard; sessions are read with every request until they are", "event", "feed_lost", "err", err)
	}
}
