package cachestore_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/redis/go-redis/v9"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cachestore"
	"coatcheck/sessionstore/storetest"
)

// bare is the driver's own call for each verb, with a value of the same size.
type bare struct {
	get          func(key string) error
	add, replace func(key string, value []byte) error
}

func loggedIn() sessionstore.Record {
	d := pyvalue.NewDict()
	d.Set("_auth_user_id", pyvalue.Str("1"))
	d.Set("_auth_user_backend", pyvalue.Str("django.contrib.auth.backends.ModelBackend"))
	d.Set("_auth_user_hash", pyvalue.Str("0000000000000000000000000000000000000000000000000000000000000000"))
	return sessionstore.Record{Data: d, Expires: time.Now().Add(time.Hour)}
}

func benchmark(b *testing.B, url string, driver bare) {
	c := openCache(b, url, cache.Options{})
	store := cachestore.New(c, cachestore.Options{})
	rec := loggedIn()
	value, err := pyvalue.AppendPickle(nil, rec.Data, cachestore.DefaultProtocol)
	if err != nil {
		b.Fatal(err)
	}
	key := sessionstore.NewKey()
	if _, err := store.Create(b.Context(), key, rec); err != nil {
		b.Fatal(err)
	}
	place := ":1:" + cachestore.KeyPrefix
	fresh := func() string { return sessionstore.NewKey() }
	// coded is the bare call with the pickle's work, which whoever calls the driver himself has as well.
	reads := func(call func() error) func() error {
		return func() error {
			_, err := pyvalue.ReadPickle(value)
			return errors.Join(err, call())
		}
	}
	writes := func(call func() error) func() error {
		return func() error {
			_, err := pyvalue.AppendPickle(nil, rec.Data, cachestore.DefaultProtocol)
			return errors.Join(err, call())
		}
	}
	load := func() error { return driver.get(place + key) }
	create := func() error { return driver.add(place+fresh(), value) }
	update := func() error { return driver.replace(place+key, value) }
	for _, verb := range []struct {
		name               string
		bare, coded, store func() error
	}{
		{"load", load, reads(load), func() error { _, err := store.Load(b.Context(), key); return err }},
		{"create", create, writes(create), func() error { _, err := store.Create(b.Context(), fresh(), rec); return err }},
		{"update", update, writes(update), func() error { _, err := store.Update(b.Context(), key, rec); return err }},
	} {
		b.Run(verb.name, func(b *testing.B) {
			storetest.Compare(b, storetest.Call{Name: "bare", Do: verb.bare}, storetest.Call{Name: "codec", Do: verb.coded}, storetest.Call{Name: "store", Do: verb.store})
		})
	}
}

// benchmarkNearAndFar also puts the server half a millisecond away, there and back.
func benchmarkNearAndFar(b *testing.B, rawURL, addr string, driver func(addr string) bare) {
	b.Run("near", func(b *testing.B) { benchmark(b, rawURL, driver(addr)) })
	b.Run("0.5 ms away", func(b *testing.B) {
		far := testenv.Distance(b, addr, 250*time.Microsecond)
		benchmark(b, strings.Replace(rawURL, addr, far, 1), driver(far))
	})
}

func BenchmarkRedis(b *testing.B) {
	server := testenv.Redis(b)
	benchmarkNearAndFar(b, server.URL, server.Addr, func(addr string) bare {
		client := redis.NewClient(&redis.Options{Addr: addr, Username: server.Username, Password: server.Password})
		b.Cleanup(func() { _ = client.Close() })
		return bare{
			get: func(key string) error { return client.Get(b.Context(), key).Err() },
			add: func(key string, value []byte) error {
				return client.SetNX(b.Context(), key, value, time.Hour).Err()
			},
			replace: func(key string, value []byte) error {
				return client.SetXX(b.Context(), key, value, time.Hour).Err()
			},
		}
	})
}

func BenchmarkMemcached(b *testing.B) {
	server := testenv.Memcached(b)
	benchmarkNearAndFar(b, server.URL, server.Addr, func(addr string) bare {
		client := memcache.New(addr)
		b.Cleanup(func() { _ = client.Close() })
		return bare{
			get: func(key string) error { _, err := client.Get(key); return err },
			add: func(key string, value []byte) error {
				return client.Add(&memcache.Item{Key: key, Value: value, Flags: 1, Expiration: 3600})
			},
			replace: func(key string, value []byte) error {
				return client.Replace(&memcache.Item{Key: key, Value: value, Flags: 1, Expiration: 3600})
			},
		}
	})
}
