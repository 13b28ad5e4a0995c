package cache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// invalidations is where Redis tells clients of protocol 2 which keys were changed (server-assisted client-side caching).
const invalidations = "__redis__:invalidate"

// Hearing is what [Cache.Track] does with what it hears. Its functions are called one after the other.
type Hearing struct {
	// Beat is how often the server is asked for a sign of life, and how long that may take.
	Beat time.Duration
	// Alive gets the signs of life. Everything that was changed before asked has been told by then.
	Alive func(asked time.Time)
	Told  func(rest string) // what follows the prefix in a key that was changed, has expired or was evicted
}

// ErrNotAllowed: the server does not let this user track keys.
var ErrNotAllowed = errors.New("not allowed")

var errLostTracking = errors.New("the connection was replaced")

// CanTrack reports whether Track works: with a single Redis. What the client behind a Sentinel or of a cluster reads may come from another
// server than the one that is listened to.
func (c *Cache) CanTrack() bool {
	r, ok := c.driver.(*redisCache)
	return ok && r.tracking != nil
}

// Track hears of changes of the keys that begin with prefix, until ctx ends or its connection is lost. The first Alive comes when every change
// from then on is heard. A flush of the whole server ends it like a loss. It takes the rights to CLIENT ID, CLIENT TRACKING, SUBSCRIBE and the channel __redis__:invalidate.
//
// One connection does all: it subscribes, and redirects to itself what its tracking finds. So there is nothing that could be lost without
// its being lost.
func (c *Cache) Track(ctx context.Context, prefix string, h Hearing) error {
	r, ok := c.driver.(*redisCache)
	if !ok || r.tracking == nil {
		return fmt.Errorf("track keys of %s: it cannot", c.place)
	}
	opts := *r.tracking
	made := false
	opts.OnConnect = func(ctx context.Context, conn *redis.Conn) error {
		if made { // the driver's subscriptions renew themselves; what was told meanwhile would be lost
			return errLostTracking
		}
		made = true
		return track(ctx, conn, c.prefix+prefix)
	}
	client := redis.NewClient(&opts)
	defer client.Close()
	err := listen(ctx, client, c.prefix+prefix, h)
	if redis.HasErrorPrefix(err, "NOPERM") {
		err = fmt.Errorf("%w: %w", ErrNotAllowed, err)
	}
	if err != nil {
		return fmt.Errorf("track keys of %s: %w", c.place, err)
	}
	return nil
}

func track(ctx context.Context, conn *redis.Conn, prefix string) error {
	id, err := conn.ClientID(ctx).Result()
	if err != nil {
		return err
	}
	return conn.Do(ctx, "client", "tracking", "on", "redirect", id, "bcast", "prefix", prefix).Err()
}

func listen(ctx context.Context, client *redis.Client, prefix string, h Hearing) error {
	sub := client.Subscribe(ctx)
	defer sub.Close()
	stop := context.AfterFunc(ctx, func() { _ = sub.Close() })
	defer stop()
	began := time.Now()
	if err := sub.Subscribe(ctx, invalidations); err != nil {
		return err
	}
	done := make(chan struct{})
	var asking sync.WaitGroup
	asking.Go(func() { ask(ctx, sub, began, h.Beat, done) })
	defer asking.Wait()
	defer close(done)
	for {
		// A time-out is the end: half a message may have been read, and the rest of it would be taken for another.
		message, err := sub.ReceiveTimeout(ctx, 2*h.Beat)
		if err != nil {
			return errors.Join(ctx.Err(), err)
		}
		switch m := message.(type) {
		case *redis.Subscription:
			h.Alive(began)
		case *redis.Pong:
			if nanos, err := strconv.ParseInt(m.Payload, 10, 64); err == nil {
				h.Alive(began.Add(time.Duration(nanos)))
			}
		case *redis.Message:
			tell(m.PayloadSlice, prefix, h)
		}
	}
}

// ask asks for a sign of life with each beat. The answer says when, counted from the first question.
func ask(ctx context.Context, sub *redis.PubSub, began time.Time, every time.Duration, done <-chan struct{}) {
	ticker := time.NewTicker(every)
	defer ticker.Stop()
	for {
		select {
		case <-done:
			return
		case <-ticker.C:
			if err := sub.Ping(ctx, strconv.FormatInt(int64(time.Since(began)), 10)); err != nil {
				return // the reader will find out
			}
		}
	}
}

func tell(keys []string, prefix string, h Hearing) {
	for _, key := range keys {
		if rest, ok := strings.CutPrefix(key, prefix); ok {
			h.Told(rest)
		}
	}
}
