package doctor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cacheddbstore"
	"coatcheck/sessionstore/cachestore"
)

// nobody is a session key that nobody has: 32 characters of Django's alphabet, of which a random one never is.
const nobody = "00000000000000000000000000doctor"

func (p *Patient) cachePrefix() string {
	if p.Config.Session.Engine == "cached_db" {
		return cacheddbstore.KeyPrefix
	}
	return cachestore.KeyPrefix
}

func lookAtCache(ctx context.Context, p *Patient, n *notes) {
	if p.Cache == nil {
		return
	}
	if err := p.Cache.Ping(ctx); err != nil {
		n.problem("cache.url", "the cache does not answer: "+err.Error(), "start it, or look at host, port, user and password in cache.url")
		return
	}
	p.tryCache(ctx, n)
	p.lookAtMemory(ctx, n)
	p.lookAtTracking(ctx, n)
	p.lookAtPrefix(ctx, n)
	n.well("the cache answers, and may be written")
}

// tryCache does each command to an entry that is not there, which changes nothing.
func (p *Patient) tryCache(ctx context.Context, n *notes) {
	key, ends := p.cachePrefix()+nobody, p.Now().Add(time.Hour)
	for _, err := range []error{
		second(p.Cache.Get(ctx, key)),
		p.Cache.Replace(ctx, key, []byte("x"), ends),
		p.Cache.Swap(ctx, key, []byte("x"), []byte("y"), ends),
		p.Cache.Delete(ctx, key),
	} {
		if err != nil && !errors.Is(err, cache.ErrAbsent) {
			n.problem("cache.url", "the cache refuses what sessions need: "+err.Error(),
				"let the user in cache.url run GET, GETRANGE, SET, EVAL, DEL, PTTL and SCAN on the sessions' keys (ACL SETUSER); a replica cannot be written: name the master")
			return
		}
	}
}

func second(_ []byte, err error) error { return err }

// lookAtMemory: what is evicted are people who are logged out.
func (p *Patient) lookAtMemory(ctx context.Context, n *notes) {
	m, err := p.Cache.Memory(ctx)
	if err != nil || p.Config.Session.Engine == "cached_db" || m.Limit == "0" || m.Policy == "" || m.Policy == "noeviction" {
		return
	}
	n.warning("session.engine", fmt.Sprintf("Redis drops entries when its %s bytes are full (maxmemory-policy %s): people are logged out then", m.Limit, m.Policy),
		"run: redis-cli CONFIG SET maxmemory-policy noeviction, or set session.engine: cached_db in every program that shares the sessions")
}

// lookAtTracking listens for a moment. Without it each request asks the cache.
func (p *Patient) lookAtTracking(ctx context.Context, n *notes) {
	if !p.Cache.CanTrack() || p.Config.Session.NearCache == "off" {
		return
	}
	heard := false
	ctx, stop := context.WithTimeout(ctx, 3*time.Second)
	defer stop()
	err := p.Cache.Track(ctx, p.cachePrefix(), cache.Hearing{Beat: time.Second, Alive: func(time.Time) { heard = true; stop() }, Told: func(string) {}})
	if !heard {
		n.warning("session.near_cache", fmt.Sprintf("changes in Redis cannot be heard, so each request asks it: %v", err),
			"let the user in cache.url run CLIENT ID, CLIENT TRACKING and SUBSCRIBE on the channel __redis__:invalidate, or set session.near_cache: off")
	}
}

// lookAtPrefix looks for sessions under another KEY_PREFIX or VERSION than ours.
func (p *Patient) lookAtPrefix(ctx context.Context, n *notes) {
	if !p.Cache.CanList() {
		return
	}
	const enough = 20
	prefixes, err := p.Cache.Before(ctx, p.cachePrefix(), enough)
	ours := fmt.Sprintf("%s:%d:", p.Config.Cache.KeyPrefix, p.Config.Cache.Version)
	if err != nil || len(prefixes) == 0 || slices.Contains(prefixes, ours) {
		return
	}
	slices.Sort(prefixes)
	seen := fmt.Sprintf("no session is under %q, but there are some under %q", ours, prefixes[:min(few, len(prefixes))])
	n.problem("cache.key_prefix", seen, prefixAdvice(prefixes[0]))
}

// prefixAdvice takes KEY_PREFIX:VERSION: apart (Django's default_key_func).
func prefixAdvice(prefix string) string {
	rest := strings.TrimSuffix(prefix, ":")
	if i := strings.LastIndexByte(rest, ':'); i >= 0 && rest != prefix {
		return fmt.Sprintf("set cache.key_prefix: %q and cache.version: %s", rest[:i], rest[i+1:])
	}
	return "set cache.key_prefix and cache.version to KEY_PREFIX and VERSION of Django's CACHES"
}
