package cache

import (
	"bytes"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"net"
	"strings"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
)

// The client flags of a pickle (pymemcache serde.py, pylibmc _pylibmcmodule.h); pylibmc may compress with zlib. All others are no dictionaries.
const (
	flagPickle = 1
	flagZlib   = 8
)

const (
	maxKey = 250 // bytes (memcached doc/protocol.txt)
	// monthTTL: above it memcached takes a time to live for a Unix time.
	monthTTL = 30 * 24 * time.Hour
)

type memcached struct {
	names   []string // of the servers, for the hash
	servers []*server
	now     func() time.Time
}

func newMemcached(hosts []string, opts Options) *memcached {
	m := &memcached{now: opts.Now}
	for _, host := range hosts {
		m.names = append(m.names, nodeName(host))
		m.servers = append(m.servers, newServer(host, opts))
	}
	return m
}

// nodeName is how pymemcache names a server (HashClient._make_client_key): no brackets around an IPv6 address.
func nodeName(host string) string {
	if name, port, err := net.SplitHostPort(host); err == nil {
		return name + ":" + port
	}
	return host
}

// legalKey holds Django's rules (core/cache/backends/base.py memcache_key_warnings). It counts bytes, which is what the server counts.
func legalKey(key string) bool {
	return len(key) <= maxKey && !strings.ContainsFunc(key, func(r rune) bool { return r <= ' ' || r == 0x7f })
}

// run asks the server of key. A key that memcached cannot have is absent, as in Django's session engines.
func (m *memcached) run(ctx context.Context, key string, call func(*memcache.Client) error) error {
	if !legalKey(key) {
		return ErrAbsent
	}
	server := m.servers[0]
	if len(m.servers) > 1 {
		server = m.servers[pick(m.names, key)]
	}
	return server.run(ctx, call)
}

func (m *memcached) get(ctx context.Context, key string) ([]byte, error) {
	item, err := m.item(ctx, key)
	if err != nil {
		return nil, err
	}
	return pickleOf(item)
}

func (m *memcached) item(ctx context.Context, key string) (*memcache.Item, error) {
	var item *memcache.Item
	err := m.run(ctx, key, func(c *memcache.Client) (err error) {
		if item, err = c.Get(key); err == nil && item.Key != key {
			_ = c.Close() // out of step: the next answers would be others', too
			err = errors.New("memcached answered for another key")
		}
		return err
	})
	return item, err
}

func pickleOf(item *memcache.Item) ([]byte, error) {
	switch {
	case item.Flags&^flagZlib != flagPickle, len(item.Value) > MaxValue:
		return nil, ErrForeign
	case item.Flags&flagZlib == 0:
		return item.Value, nil
	}
	r, err := zlib.NewReader(bytes.NewReader(item.Value))
	if err != nil {
		return nil, ErrForeign
	}
	value, err := io.ReadAll(io.LimitReader(r, MaxValue+1))
	if err != nil || len(value) > MaxValue {
		return nil, ErrForeign
	}
	return value, nil
}

func (m *memcached) add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	if !legalKey(key) {
		return errors.New("key is too long for memcached, or has blanks: use a shorter key prefix")
	}
	return m.store(ctx, m.newItem(key, value, ttl), (*memcache.Client).Add, ErrPresent)
}

func (m *memcached) replace(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return m.store(ctx, m.newItem(key, value, ttl), (*memcache.Client).Replace, ErrAbsent)
}

func (m *memcached) swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error {
	found, err := m.item(ctx, key)
	if err != nil {
		return err
	}
	if held, err := pickleOf(found); err != nil || !bytes.Equal(held, old) { // held as get returns it: pylibmc may have compressed it
		return ErrAbsent
	}
	return m.exchange(ctx, found, value, ttl)
}

func (m *memcached) refresh(ctx context.Context, key, mark string, value []byte, ttl time.Duration) error {
	found, err := m.item(ctx, key)
	if err != nil {
		return err
	}
	err = ErrAbsent
	if !bytes.HasPrefix(found.Value, []byte(mark)) {
		err = m.exchange(ctx, found, value, ttl)
	}
	if errors.Is(err, ErrAbsent) {
		if err := m.delete(ctx, key); err != nil {
			return err
		}
	}
	return err
}

// exchange stores only if found is still what is there.
func (m *memcached) exchange(ctx context.Context, found *memcache.Item, value []byte, ttl time.Duration) error {
	item := m.newItem(found.Key, value, ttl)
	item.CasID = found.CasID
	return m.store(ctx, item, (*memcache.Client).CompareAndSwap, ErrAbsent)
}

// store never uses "set": of a value over the limit a server drops what it had.
func (m *memcached) store(ctx context.Context, item *memcache.Item, verb func(*memcache.Client, *memcache.Item) error, otherwise error) error {
	if len(item.Value) > MaxValue {
		return ErrTooLarge
	}
	err := m.run(ctx, item.Key, func(c *memcache.Client) error { return verb(c, item) })
	switch {
	case errors.Is(err, memcache.ErrNotStored), errors.Is(err, memcache.ErrCASConflict), errors.Is(err, ErrAbsent):
		return otherwise
	case err != nil && strings.Contains(err.Error(), "object too large for cache"):
		return ErrTooLarge
	}
	return err
}

func (m *memcached) newItem(key string, value []byte, ttl time.Duration) *memcache.Item {
	if ttl > monthTTL {
		ttl += time.Duration(m.now().Unix()) * time.Second
	}
	// Beyond 2038 the driver's field ends; a session does so, too.
	return &memcache.Item{Key: key, Value: value, Flags: flagPickle, Expiration: int32(min(ttl/time.Second, math.MaxInt32))}
}

func (m *memcached) delete(ctx context.Context, key string) error {
	return m.run(ctx, key, func(c *memcache.Client) error { return c.Delete(key) })
}

func (m *memcached) ping(ctx context.Context) error {
	for i, server := range m.servers {
		if err := server.run(ctx, (*memcache.Client).Ping); err != nil {
			return fmt.Errorf("server %s: %w", m.names[i], err)
		}
	}
	return nil
}

func (m *memcached) close() error {
	var errs []error
	for _, server := range m.servers {
		errs = append(errs, server.close())
	}
	return errors.Join(errs...)
}
