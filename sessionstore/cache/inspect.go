package cache

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
)

// redisOf is the driver where the cache is Redis.
func (c *Cache) redisOf(doing string) (*redisCache, error) {
	if r, ok := c.driver.(*redisCache); ok {
		return r, nil
	}
	return nil, fmt.Errorf("%s of %s: it cannot tell", doing, c.place)
}

// Clock returns what time it is on the server; Redis alone can tell.
func (c *Cache) Clock(ctx context.Context) (now time.Time, err error) {
	r, err := c.redisOf("ask for the clock")
	if err != nil {
		return now, err
	}
	err = c.do(ctx, "ask for the clock of", func(ctx context.Context) (err error) {
		now, err = r.client.Time(ctx).Result()
		return err
	})
	return now, err
}

// Memory is how a Redis gives up entries.
type Memory struct {
	Limit  string // bytes; 0: none
	Policy string // maxmemory-policy
}

// Memory asks a Redis for its limit of memory, and what it does then. It takes the right to INFO.
func (c *Cache) Memory(ctx context.Context) (m Memory, err error) {
	r, err := c.redisOf("ask for the memory")
	if err != nil {
		return m, err
	}
	var text string
	err = c.do(ctx, "ask for the memory of", func(ctx context.Context) (err error) {
		text, err = r.client.Info(ctx, "memory").Result()
		return err
	})
	for line := range strings.Lines(text) {
		switch name, value, _ := strings.Cut(strings.TrimSpace(line), ":"); name {
		case "maxmemory":
			m.Limit = value
		case "maxmemory_policy":
			m.Policy = value
		}
	}
	return m, err
}

// Before returns what stands before part in the keys that hold it, each once and at most limit of them: the prefixes and versions that
// programs use.
func (c *Cache) Before(ctx context.Context, part string, limit int) ([]string, error) {
	r, err := c.redisOf("list prefixes")
	if err != nil {
		return nil, err
	}
	masters, err := r.masters(ctx)
	if err != nil {
		return nil, fmt.Errorf("list prefixes of %s: %w", c.place, err)
	}
	seen := map[string]bool{}
	var found []string
	for _, master := range masters {
		if err := r.before(ctx, master, part, func(prefix string) bool {
			if !seen[prefix] {
				seen[prefix] = true
				found = append(found, prefix)
			}
			return len(found) < limit
		}); err != nil {
			return found, fmt.Errorf("list prefixes of %s: %w", c.place, err)
		}
	}
	return found, nil
}

func (r *redisCache) before(ctx context.Context, master redis.Cmdable, part string, yield func(prefix string) bool) error {
	for cursor := uint64(0); ; {
		keys, next, err := master.Scan(ctx, cursor, "*"+escapeGlob(part)+"*", page).Result()
		if err != nil {
			return err
		}
		for _, key := range keys {
			if prefix, _, _ := strings.Cut(key, part); !yield(prefix) {
				return nil
			}
		}
		if cursor = next; cursor == 0 {
			return nil
		}
	}
}
