package e2e

import (
	"testing"

	"coatcheck/internal/testenv"
)

// engine is a way to keep sessions that Django and the proxy share. A new one is a new entry in engines.
type engine struct {
	name     string
	session  string                  // session.engine, and the name of Django's backend
	database func(testing.TB) string // database.url of a new empty database; nil: an SQLite file
	cache    func(testing.TB) string // cache.url; nil: none
	hash     string                  // preferred password format of both sides; "": each side's own default, which is slow
	cookie   bool                    // the cookie is the session: no record, and Django cannot know what we ended
}

// unsigned: the record is not signed, so with another secret key it reads, and the session hash in it fails: the session is flushed, as by Django.
func (e engine) unsigned() bool { return e.cache != nil }

// engines are those of this build. The first one has every default, as a newcomer's has; the others hash cheaply.
func engines() []engine {
	return []engine{
		{name: "db on SQLite", session: "db"},
		{name: "db on PostgreSQL", session: "db", database: testenv.Postgres, hash: "md5"},
		{name: "db on MariaDB", session: "db", database: testenv.MariaDB, hash: "md5"},
		{name: "file", session: "file", hash: "md5"},
		{name: "cache on Redis", session: "cache", cache: redisCache, hash: "md5"},
		{name: "cache on memcached", session: "cache", cache: memcachedCache, hash: "md5"},
		{name: "cached_db on Redis", session: "cached_db", cache: redisCache, hash: "md5"},
		{name: "cached_db on memcached", session: "cached_db", cache: memcachedCache, hash: "md5"},
		{name: "signed_cookies", session: "signed_cookies", hash: "md5", cookie: true},
	}
}

func redisCache(t testing.TB) string     { return testenv.Redis(t).URL }
func memcachedCache(t testing.TB) string { return testenv.Memcached(t).URL }

// forEachEngine runs test for every engine, in parallel.
func forEachEngine(t *testing.T, test func(*testing.T, engine)) {
	for _, e := range engines() {
		t.Run(e.name, func(t *testing.T) {
			t.Parallel()
			test(t, e)
		})
	}
}
