package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cacheddbstore"
	"coatcheck/sessionstore/cachestore"
)

// none begins what a cached_db store puts into the cache instead of a session: a pickled None, which Django reads as a miss.
const none = "\x80\x02N."

// entry is the name of a session in the cache, but for prefix and version.
func (r *runner) entry(key string) string {
	if r.options.engine == "cache" {
		return cachestore.KeyPrefix + key
	}
	return cacheddbstore.KeyPrefix + key
}

// chill deletes the session's entry again and again, as a cache that is short of memory would.
func (r *runner) chill(ctx context.Context, key string) {
	for ctx.Err() == nil {
		_ = r.cache.Delete(ctx, r.entry(key)) // fails at the end of the round
		time.Sleep(300 * time.Microsecond)
	}
}

// quiet asks for every session once more, in a process that has never heard of them, and looks into the store for what is left.
func (r *runner) quiet(ctx context.Context) error {
	fresh, err := r.start(ctx)
	if err != nil {
		return err
	}
	defer fresh.kill()
	for _, cookie := range r.cookies {
		if err := errors.Join(r.leftover(ctx, cookie), r.dead(ctx, fresh, cookie)); err != nil {
			return err
		}
		r.ended++
	}
	return r.listed(ctx)
}

// leftover counts an entry of the cache, or a file, that outlived its session.
func (r *runner) leftover(ctx context.Context, key string) error {
	if r.options.engine == "file" {
		if _, err := os.Stat(filepath.Join(r.dir, cookieName+key)); err == nil {
			r.risen++
		}
	}
	if r.cache == nil {
		return nil
	}
	value, err := r.cache.Get(ctx, r.entry(key))
	switch {
	case errors.Is(err, cache.ErrAbsent):
	case err != nil:
		return err
	case !bytes.HasPrefix(value, []byte(none)):
		r.risen++
	}
	return nil
}

// listed counts what the command finds: rows, files, entries.
func (r *runner) listed(ctx context.Context) error {
	if r.options.engine == "signed_cookies" || (r.options.engine == "cache" && !r.cache.CanList()) {
		return nil
	}
	text, err := r.command(ctx, "", "session", "list", "--json")
	if err != nil {
		return err
	}
	var sessions []any
	if err := json.Unmarshal([]byte(text), &sessions); err != nil {
		return fmt.Errorf("session list: %w", err)
	}
	r.risen += len(sessions)
	return nil
}
