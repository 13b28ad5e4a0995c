package cache

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// ErrNoShelf: memcached drops values when it needs the room, and has no locks.
var ErrNoShelf = errors.New("memcached cannot keep certificates; use Redis, or the database")

// The scripts of a shelf. KEYS[1] is the lock; a token that holds it is ARGV[1].
const (
	takeScript = `if redis.call('EXISTS',KEYS[1])==1 then return 0 end
redis.call('SET',KEYS[1],ARGV[1],'PX',ARGV[2]) return 1`
	renewScript = `if redis.call('GET',KEYS[1])~=ARGV[1] then return 0 end
redis.call('PEXPIRE',KEYS[1],ARGV[2]) return 1`
	releaseScript = `if redis.call('GET',KEYS[1])~=ARGV[1] then return 0 end
redis.call('DEL',KEYS[1]) return 1`
	putScript = `if redis.call('GET',KEYS[1])~=ARGV[1] then return 0 end
redis.call('HSET',KEYS[2],ARGV[2],ARGV[3]) return 1`
)

// Shelf keeps values for good in a Redis, and locks on them: one hash holds all, so that a list costs no look at other keys. Its
// keys have no version in their second place, so they are none of Django's; all of them live on one node of a cluster. Safe for
// concurrent use. A Redis that may drop keys without an end (allkeys-lru and the like) may drop the values.
type Shelf struct {
	redis *redisCache
	place string
	base  string
	total time.Duration
}

// OpenShelf prepares a shelf at a URL as [Open] takes it; it does not connect. [ErrNoShelf] for memcached.
func OpenShelf(rawURL string, opts Options) (*Shelf, error) {
	opts = opts.withDefaults()
	t, err := parseURL(rawURL)
	if err != nil {
		return nil, fmt.Errorf("cache url: %w", err)
	}
	if t.kind == memcachedKind {
		return nil, ErrNoShelf
	}
	r, err := newRedis(t, opts)
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	return &Shelf{redis: r, place: t.place(), base: "coatcheck:{certificates}:" + opts.KeyPrefix + ":", total: opts.DialTimeout + opts.OpTimeout}, nil
}

// Close closes all connections.
func (s *Shelf) Close() error { return s.redis.close() }

func (s *Shelf) files() string           { return s.base + "files" }
func (s *Shelf) lock(name string) string { return s.base + "lock:" + name }
func (s *Shelf) fault(err error) error   { return fmt.Errorf("ask %s: %w", s.place, err) }

// run sends a command, with a bound, once.
func (s *Shelf) run(ctx context.Context, cmd redis.Cmder) error {
	ctx, cancel := context.WithTimeout(ctx, s.total)
	defer cancel()
	if err := ctx.Err(); err != nil {
		return s.fault(err)
	}
	_ = s.redis.client.Process(ctx, cmd)
	if err := cmd.Err(); err != nil && !errors.Is(err, redis.Nil) {
		return s.fault(err)
	}
	return nil
}

func (s *Shelf) script(ctx context.Context, script string, keys []string, args ...any) (bool, error) {
	words := []any{"eval", script, len(keys)}
	for _, key := range keys {
		words = append(words, key)
	}
	cmd := onceInt{redis.NewIntCmd(ctx, append(words, args...)...)}
	err := s.run(ctx, cmd)
	return cmd.Val() == 1, err
}

// Get returns the value of name; [fs.ErrNotExist] if there is none.
func (s *Shelf) Get(ctx context.Context, name string) (string, error) {
	cmd := onceString{redis.NewStringCmd(ctx, "hget", s.files(), name)}
	if err := s.run(ctx, cmd); err != nil {
		return "", err
	}
	if errors.Is(cmd.Err(), redis.Nil) {
		return "", fs.ErrNotExist
	}
	return cmd.Val(), nil
}

// Put writes the value of name. Where a lock is named, it does so only while token holds it, and reports whether it did.
func (s *Shelf) Put(ctx context.Context, name, value, lock, token string) (bool, error) {
	if lock != "" {
		return s.script(ctx, putScript, []string{s.lock(lock), s.files()}, token, name, value)
	}
	err := s.run(ctx, onceInt{redis.NewIntCmd(ctx, "hset", s.files(), name, value)})
	return err == nil, err
}

// Remove removes name; nothing being there is fine.
func (s *Shelf) Remove(ctx context.Context, name string) error {
	return s.run(ctx, onceInt{redis.NewIntCmd(ctx, "hdel", s.files(), name)})
}

// Names returns the names that begin with prefix.
func (s *Shelf) Names(ctx context.Context, prefix string) ([]string, error) {
	cmd := redis.NewStringSliceCmd(ctx, "hkeys", s.files())
	if err := s.run(ctx, cmd); err != nil {
		return nil, err
	}
	var names []string
	for _, name := range cmd.Val() {
		if strings.HasPrefix(name, prefix) {
			names = append(names, name)
		}
	}
	return names, nil
}

// Take makes token the holder of a lock that nobody holds, or whose holder's lease is over, and reports whether it did.
func (s *Shelf) Take(ctx context.Context, lock, token string, lease time.Duration) (bool, error) {
	return s.script(ctx, takeScript, []string{s.lock(lock)}, token, lease.Milliseconds())
}

// Renew makes the lease of a lock begin anew if token still holds it, and reports whether it does.
func (s *Shelf) Renew(ctx context.Context, lock, token string, lease time.Duration) (bool, error) {
	return s.script(ctx, renewScript, []string{s.lock(lock)}, token, lease.Milliseconds())
}

// Release gives the lock up if token holds it.
func (s *Shelf) Release(ctx context.Context, lock, token string) error {
	_, err := s.script(ctx, releaseScript, []string{s.lock(lock)}, token)
	return err
}
