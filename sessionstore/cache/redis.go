package cache

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/redis/go-redis/v9"
)

// page is how many keys a server looks at for one answer of SCAN.
const page = 1000

// The scripts are conditional writes that Redis has no command for (before 8.4).
const (
	swapScript = `if redis.call('GET',KEYS[1])~=ARGV[1] then return 0 end
redis.call('SET',KEYS[1],ARGV[2],'EX',ARGV[3]) return 1`
	refreshScript = `local old=redis.call('GET',KEYS[1])
if not old then return 0 end
if string.sub(old,1,#ARGV[1])==ARGV[1] then redis.call('DEL',KEYS[1]) return 0 end
redis.call('SET',KEYS[1],ARGV[2],'EX',ARGV[3]) return 1`
)

type redisCache struct {
	client   redis.UniversalClient
	timeout  time.Duration
	tracking *redis.Options // of a connection that listens; nil: not with this kind
}

// These are commands that are sent once: a cluster's client would repeat others, whatever its options say. Redirections of a cluster, which did
// nothing, are followed.
type (
	onceString struct{ *redis.StringCmd }
	onceBool   struct{ *redis.BoolCmd }
	onceInt    struct{ *redis.IntCmd }
)

func (onceString) NoRetry() bool { return true }
func (onceBool) NoRetry() bool   { return true }
func (onceInt) NoRetry() bool    { return true }

// get asks for no more than MaxValue, so that a planted value costs no memory (F21). An empty value counts as none.
func (r *redisCache) get(ctx context.Context, key string) ([]byte, error) {
	cmd := onceString{redis.NewStringCmd(ctx, "getrange", key, 0, MaxValue)}
	_ = r.client.Process(ctx, cmd)
	value, err := cmd.Bytes()
	switch {
	case redis.HasErrorPrefix(err, "WRONGTYPE"):
		return nil, ErrForeign
	case err != nil:
		return nil, err
	case len(value) == 0:
		return nil, ErrAbsent
	case len(value) > MaxValue:
		return nil, ErrForeign
	}
	return value, nil
}

func (r *redisCache) add(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return r.set(ctx, key, value, ttl, "nx", ErrPresent)
}

func (r *redisCache) replace(ctx context.Context, key string, value []byte, ttl time.Duration) error {
	return r.set(ctx, key, value, ttl, "xx", ErrAbsent)
}

func (r *redisCache) set(ctx context.Context, key string, value []byte, ttl time.Duration, condition string, otherwise error) error {
	if len(value) > MaxValue {
		return ErrTooLarge
	}
	cmd := onceBool{redis.NewBoolCmd(ctx, "set", key, value, "ex", int64(ttl/time.Second), condition)}
	_ = r.client.Process(ctx, cmd)
	done, err := cmd.Result()
	if err == nil && !done {
		return otherwise
	}
	return err
}

func (r *redisCache) swap(ctx context.Context, key string, old, value []byte, ttl time.Duration) error {
	return r.eval(ctx, swapScript, key, old, value, ttl)
}

func (r *redisCache) refresh(ctx context.Context, key, mark string, value []byte, ttl time.Duration) error {
	return r.eval(ctx, refreshScript, key, mark, value, ttl)
}

func (r *redisCache) eval(ctx context.Context, script, key string, condition any, value []byte, ttl time.Duration) error {
	if len(value) > MaxValue {
		return ErrTooLarge
	}
	cmd := onceInt{redis.NewIntCmd(ctx, "eval", script, 1, key, condition, value, int64(ttl/time.Second))}
	_ = r.client.Process(ctx, cmd)
	return absentIfNone(cmd.Result())
}

func (r *redisCache) delete(ctx context.Context, key string) error {
	cmd := onceInt{redis.NewIntCmd(ctx, "del", key)}
	_ = r.client.Process(ctx, cmd)
	return absentIfNone(cmd.Result())
}

// ends asks how long an entry has to live (PTTL: -2 absent, -1 for ever).
func (r *redisCache) ends(ctx context.Context, key string) (time.Duration, error) {
	cmd := onceInt{redis.NewIntCmd(ctx, "pttl", key)}
	_ = r.client.Process(ctx, cmd)
	left, err := cmd.Result()
	switch {
	case err != nil:
		return 0, err
	case left == -2:
		return 0, ErrAbsent
	case left < 0:
		return forever, nil
	}
	return time.Duration(left) * time.Millisecond, nil
}

func absentIfNone(changed int64, err error) error {
	if err == nil && changed == 0 {
		return ErrAbsent
	}
	return err
}

func (r *redisCache) ping(ctx context.Context) error { return r.client.Ping(ctx).Err() }

func (r *redisCache) close() error { return r.client.Close() }

// keys asks one master after the other, so that yield needs no lock.
func (r *redisCache) keys(ctx context.Context, prefix string, yield func(key string) bool) error {
	masters, err := r.masters(ctx)
	if err != nil {
		return err
	}
	for _, master := range masters {
		if more, err := r.scan(ctx, master, prefix, yield); err != nil || !more {
			return err
		}
	}
	return nil
}

func (r *redisCache) masters(ctx context.Context) ([]redis.Cmdable, error) {
	cluster, ok := r.client.(*redis.ClusterClient)
	if !ok {
		return []redis.Cmdable{r.client}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	var mu sync.Mutex
	var masters []redis.Cmdable
	err := cluster.ForEachMaster(ctx, func(_ context.Context, master *redis.Client) error {
		mu.Lock()
		defer mu.Unlock()
		masters = append(masters, master)
		return nil
	})
	return masters, err
}

func (r *redisCache) scan(ctx context.Context, master redis.Cmdable, prefix string, yield func(key string) bool) (more bool, err error) {
	for cursor := uint64(0); ; {
		keys, next, err := r.scanPage(ctx, master, cursor, prefix)
		if err != nil {
			return false, err
		}
		for _, key := range keys {
			if !yield(key) {
				return false, nil
			}
		}
		if cursor = next; cursor == 0 {
			return true, nil
		}
	}
}

func (r *redisCache) scanPage(ctx context.Context, master redis.Cmdable, cursor uint64, prefix string) ([]string, uint64, error) {
	if err := ctx.Err(); err != nil {
		return nil, 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()
	return master.Scan(ctx, cursor, escapeGlob(prefix)+"*", page).Result()
}

func escapeGlob(text string) string {
	return strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`).Replace(text)
}
