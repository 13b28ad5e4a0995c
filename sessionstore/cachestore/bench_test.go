package cachestore_test

import (
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"
	"github.com/redis/go-redis/v9"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cachestore"
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
	for _, bench := range []struct {
		name string
		call func() error
	}{
		{"Load/bare", func() error { return driver.get(place + key) }},
		{"Load/store", func() error { _, err := store.Load(b.Context(), key); return err }},
		{"Create/bare", func() error { return driver.add(place+fresh(), value) }},
		{"Create/store", func() error { _, err := store.Create(b.Context(), fresh(), rec); return err }},
		{"Update/bare", func() error { return driver.replace(place+key, value) }},
		{"Update/store", func() error { _, err := store.Update(b.Context(), key, rec); return err }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func BenchmarkRedis(b *testing.B) {
	server := testenv.Redis(b)
	client := redis.NewClient(&redis.Options{Addr: server.Addr, Username: server.Username, Password: server.Password})
	b.Cleanup(func() { _ = client.Close() })
	benchmark(b, server.URL, bare{
		get: func(key string) error { return client.Get(b.Context(), key).Err() },
		add: func(key string, value []byte) error {
			return client.SetNX(b.Context(), key, value, time.Hour).Err()
		},
		replace: func(key string, value []byte) error {
			return client.SetXX(b.Context(), key, value, time.Hour).Err()
		},
	})
}

func BenchmarkMemcached(b *testing.B) {
	server := testenv.Memcached(b)
	client := memcache.New(server.Addr)
	b.Cleanup(func() { _ = client.Close() })
	benchmark(b, server.URL, bare{
		get: func(key string) error { _, err := client.Get(key); return err },
		add: func(key string, value []byte) error {
			return client.Add(&memcache.Item{Key: key, Value: value, Flags: 1, Expiration: 3600})
		},
		replace: func(key string, value []byte) error {
			return client.Replace(&memcache.Item{Key: key, Value: value, Flags: 1, Expiration: 3600})
		},
	})
}
