package cache

import (
	"context"
	"fmt"
	"time"
)

// forever is what is left of an entry without an end.
const forever = 1 << 62

// dater is a driver that can tell when an entry ends.
type dater interface {
	ends(ctx context.Context, key string) (time.Duration, error)
}

// CanDate reports whether Ends works: on Redis, not on memcached.
func (c *Cache) CanDate() bool {
	_, ok := c.driver.(dater)
	return ok
}

// Ends tells when the entry under key ends, by the server's clock and to its millisecond, never later; the zero time for one without an end. ErrAbsent,
// or a fault.
func (c *Cache) Ends(ctx context.Context, key string) (ends time.Time, err error) {
	d, ok := c.driver.(dater)
	if !ok {
		return ends, fmt.Errorf("ask %s when an entry ends: it cannot tell", c.place)
	}
	err = c.do(ctx, "ask for an end", func(ctx context.Context) error {
		now := c.now()
		left, err := d.ends(ctx, c.prefix+key)
		if err == nil && left != forever {
			ends = now.Add(left)
		}
		return err
	})
	return ends, err
}
