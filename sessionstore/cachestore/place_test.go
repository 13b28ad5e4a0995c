package cachestore_test

import (
	"errors"
	"testing"

	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cachestore"
)

// TestPlace_58: KEY_PREFIX and VERSION tell caches apart on one server.
func TestPlace_58(t *testing.T) {
	server := testenv.Redis(t)
	stores := map[string]sessionstore.Store{
		":1:":      cachestore.New(openCache(t, server.URL, cache.Options{}), cachestore.Options{}),
		"myapp:7:": cachestore.New(openCache(t, server.URL, cache.Options{KeyPrefix: "myapp", Version: 7}), cachestore.Options{}),
	}
	for place, store := range stores {
		key, err := store.Create(t.Context(), sessionstore.NewKey(), loggedIn())
		if err != nil {
			t.Fatal(err)
		}
		if server.Do("EXISTS", place+cachestore.KeyPrefix+key) != "1" {
			t.Errorf("no entry %s%s…", place, cachestore.KeyPrefix)
		}
		for elsewhere, other := range stores {
			if _, err := other.Load(t.Context(), key); errors.Is(err, sessionstore.ErrNotFound) == (elsewhere == place) {
				t.Errorf("made in %s, load from %s = %v", place, elsewhere, err)
			}
		}
	}
}
