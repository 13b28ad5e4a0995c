// Package cache speaks to Redis and memcached as Django's cache clients do: the same keys, flags and times. It is the only package
// that knows their drivers, and it knows nothing of sessions: values are bytes.
package cache

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// The answers that are not faults. Every other error means that the cache could not be asked, or that nobody knows whether the
// write was done.
var (
	// ErrAbsent: nothing is under the key (or no longer what Swap expected).
	ErrAbsent = errors.New("not in the cache")
	// ErrPresent: the key that Add was given is taken.
	ErrPresent = errors.New("key is taken in the cache")
	// ErrForeign: what is under the key is nothing that Django's clients write for a session, or larger than [MaxValue].
	ErrForeign = errors.New("not a session's entry in the cache")
	// ErrTooLarge: the value is over the cache's limit for one; what was under the key is still there (F20).
	ErrTooLarge = errors.New("value is over the cache's limit for one")
)

// MaxValue bounds a value, in bytes; memcached's usual limit is a little less.
const MaxValue = 1 << 20

const (
	// DefaultDialTimeout bounds one attempt to connect.
	DefaultDialTimeout = time.Second
	// DefaultOpTimeout bounds one command on a connection.
	DefaultOpTimeout = time.Second
	// DefaultMaxConns bounds the connections to one server.
	DefaultMaxConns = 32
)

// Options are what a URL does not say. Zero values are the defaults.
type Options struct {
	KeyPrefix string // Django's KEY_PREFIX
	Version   int    // Django's VERSION; 0 is 1
	CAFile    string // PEM certificates that a TLS server's must come from; default the system's
	// MaxConns bounds the connections to each server; further callers wait, as long as one operation may take.
	MaxConns int
	// DialTimeout and OpTimeout bound connecting and one command; an operation, with its wait, connect and retry, is bounded by their sum.
	DialTimeout, OpTimeout time.Duration
	Now                    func() time.Time // for how long a value has to live; default time.Now
}

func (o Options) withDefaults() Options {
	if o.Version == 0 {
		o.Version = 1
	}
	if o.MaxConns <= 0 {
		o.MaxConns = DefaultMaxConns
	}
	if o.DialTimeout <= 0 {
		o.DialTimeout = DefaultDialTimeout
	}
	if o.OpTimeout <= 0 {
		o.OpTimeout = DefaultOpTimeout
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// driver is what a kind of cache has to do. A ttl is whole seconds, at least one. Faults need no context: Cache adds it.
type driver interface {
	get(ctx context.Context, key string) ([]byte, error)
	add(ctx context.Context, key string, value []byte, ttl time.Duration) error
	replace(ctx context.Context, key string, value []byte, ttl time.Duration) error
	swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error
	refresh(ctx context.Context, key, mark string, value []byte, ttl time.Duration) error
	delete(ctx context.Context, key string) error
	ping(ctx context.Context) error
	close() error
}

// lister is a driver that can enumerate its keys.
type lister interface {
	keys(ctx context.Context, prefix string, yield func(key string) bool) error
}

// Cache is a connection pool to one cache. Safe for concurrent use.
//
// A connection that saw a time-out, a cancelled call or half an answer is closed, never used again (F04, F05). Reads are repeated once
// if the connection broke, writes never. Reads go to the master only: a replica could still hold what was deleted (F19).
type Cache struct {
	driver driver
	place  string // for errors: kind and addresses
	prefix string
	total  time.Duration
	now    func() time.Time
}

// Open prepares a cache; it does not connect, so that the server may come later. The URL is one of
//
//	redis://[user:password@]host:port/db            rediss:// with TLS
//	redis:///path/to/socket?db=0                    a unix socket; unix:// is the same
//	redis-sentinel://[user:password@]h1,h2/db?master=NAME[&sentinel_username=…&sentinel_password=…][&tls=true]
//	redis-cluster://[user:password@]h1,h2[?tls=true]
//	memcached://h1:11211,h2:11211                   a server may be unix:/path
//
// Certificates are verified in full. No error holds a password. Several memcached servers share the keys as with Django's
// PyMemcacheCache; a Django with PyLibMCCache, or with a hasher of its own, finds our entries only on a single server. A server that is down is a
// fault for its keys: they do not move to another, where a deleted session could still be.
func Open(rawURL string, opts Options) (*Cache, error) {
	opts = opts.withDefaults()
	target, err := parseURL(rawURL)
	if err != nil {
		return nil, fmt.Errorf("cache url: %w", err)
	}
	c := &Cache{
		place: target.place(), total: opts.DialTimeout + opts.OpTimeout, now: opts.Now,
		prefix: opts.KeyPrefix + ":" + strconv.Itoa(opts.Version) + ":",
	}
	switch {
	case target.kind != memcachedKind:
		c.driver, err = newRedis(target, opts)
	case !legalKey(c.prefix):
		err = errors.New("the key prefix has blanks or control characters, which memcached does not take")
	default:
		c.driver = newMemcached(target.hosts, opts)
	}
	if err != nil {
		return nil, fmt.Errorf("open cache: %w", err)
	}
	return c, nil
}

// Get returns the value under key. ErrAbsent, ErrForeign, or a fault.
func (c *Cache) Get(ctx context.Context, key string) ([]byte, error) {
	var value []byte
	err := c.do(ctx, "get from", func(ctx context.Context) (err error) {
		value, err = c.driver.get(ctx, c.prefix+key)
		if isFault(err) && !timedOut(err) && left(ctx) {
			value, err = c.driver.get(ctx, c.prefix+key) // once more: the connection may have been stale
		}
		return err
	})
	return value, err
}

// Add puts value under key until ends, if nothing is there; else ErrPresent. With an end that has come it only looks.
func (c *Cache) Add(ctx context.Context, key string, value []byte, ends time.Time) error {
	return c.do(ctx, "add to", func(ctx context.Context) error {
		if ttl := c.ttl(ends); ttl > 0 {
			return c.driver.add(ctx, c.prefix+key, value, ttl)
		}
		_, err := c.driver.get(ctx, c.prefix+key)
		switch {
		case err == nil, errors.Is(err, ErrForeign):
			return ErrPresent
		case errors.Is(err, ErrAbsent):
			return nil
		}
		return err
	})
}

// Replace puts value in place of what is under key, until ends; if nothing is there, ErrAbsent. With an end that has come it deletes.
func (c *Cache) Replace(ctx context.Context, key string, value []byte, ends time.Time) error {
	return c.do(ctx, "replace in", func(ctx context.Context) error {
		if ttl := c.ttl(ends); ttl > 0 {
			return c.driver.replace(ctx, c.prefix+key, value, ttl)
		}
		return c.driver.delete(ctx, c.prefix+key)
	})
}

// Swap puts value under key, until ends, if exactly old is there; else ErrAbsent. With an end that has come it deletes, whatever is there.
func (c *Cache) Swap(ctx context.Context, key string, old, value []byte, ends time.Time) error {
	return c.do(ctx, "swap in", func(ctx context.Context) error {
		if ttl := c.ttl(ends); ttl > 0 {
			return c.driver.swap(ctx, c.prefix+key, old, value, ttl)
		}
		return c.driver.delete(ctx, c.prefix+key)
	})
}

// Refresh is Replace for entries that do not begin with mark; one that does is deleted instead, and the answer is ErrAbsent. The same is done, on memcached,
// with an entry that somebody else changes at the same moment.
func (c *Cache) Refresh(ctx context.Context, key, mark string, value []byte, ends time.Time) error {
	return c.do(ctx, "refresh in", func(ctx context.Context) error {
		if ttl := c.ttl(ends); ttl > 0 {
			return c.driver.refresh(ctx, c.prefix+key, mark, value, ttl)
		}
		return c.driver.delete(ctx, c.prefix+key)
	})
}

// Delete removes what is under key. Nothing being there is fine: after nil, nothing is.
func (c *Cache) Delete(ctx context.Context, key string) error {
	return c.do(ctx, "delete from", func(ctx context.Context) error {
		if err := c.driver.delete(ctx, c.prefix+key); !errors.Is(err, ErrAbsent) {
			return err
		}
		return nil
	})
}

// CanList reports whether Keys works: on Redis, not on memcached.
func (c *Cache) CanList() bool {
	_, ok := c.driver.(lister)
	return ok
}

// Keys calls yield with what follows prefix in each key that begins with it, until yield returns false. A key that moves meanwhile may
// come twice. It takes as long as the server has keys; each page is bounded like an operation.
func (c *Cache) Keys(ctx context.Context, prefix string, yield func(rest string) bool) error {
	l, ok := c.driver.(lister)
	if !ok {
		return fmt.Errorf("list keys of %s: it cannot", c.place)
	}
	err := l.keys(ctx, c.prefix+prefix, func(key string) bool {
		rest, ok := strings.CutPrefix(key, c.prefix+prefix)
		return !ok || yield(rest)
	})
	if err != nil {
		return fmt.Errorf("list keys of %s: %w", c.place, err)
	}
	return nil
}

// Ping asks whether the cache answers, all servers of memcached.
func (c *Cache) Ping(ctx context.Context) error {
	return c.do(ctx, "ping", c.driver.ping)
}

// Close closes all connections, and ends what watches a Sentinel.
func (c *Cache) Close() error {
	if err := c.driver.close(); err != nil {
		return fmt.Errorf("close %s: %w", c.place, err)
	}
	return nil
}

// do bounds an operation and says of a fault what was tried, and where.
func (c *Cache) do(ctx context.Context, doing string, operation func(ctx context.Context) error) error {
	err := ctx.Err()
	if err == nil {
		err = operation(bounded{ctx, time.Now().Add(c.total)})
	}
	if isFault(err) {
		return fmt.Errorf("%s %s: %w", doing, c.place, err)
	}
	return err
}

// bounded is a context with a deadline for connections, which the drivers put on them, and no timer: half the cost of the usual one. What they wait
// for otherwise (a turn, a dial) has bounds of its own.
type bounded struct {
	context.Context
	deadline time.Time
}

func (b bounded) Deadline() (time.Time, bool) {
	if earlier, ok := b.Context.Deadline(); ok && earlier.Before(b.deadline) {
		return earlier, true
	}
	return b.deadline, true
}

// slack is how long a caller may take between reading its clock for an end and our reading ours.
const slack = 100 * time.Millisecond

// ttl cuts to whole seconds, as Django's clients do with a number of seconds.
func (c *Cache) ttl(ends time.Time) time.Duration {
	return (ends.Sub(c.now()) + slack).Truncate(time.Second)
}

func isFault(err error) bool {
	return err != nil && !errors.Is(err, ErrAbsent) && !errors.Is(err, ErrPresent) && !errors.Is(err, ErrForeign) && !errors.Is(err, ErrTooLarge)
}

func left(ctx context.Context) bool {
	deadline, _ := ctx.Deadline()
	return ctx.Err() == nil && time.Now().Before(deadline)
}

func timedOut(err error) bool {
	var timeout interface{ Timeout() bool }
	return errors.As(err, &timeout) && timeout.Timeout()
}
