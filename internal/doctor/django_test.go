package doctor_test

import (
	"testing"

	"coatcheck/internal/doctor"
	"coatcheck/internal/signing"
	"coatcheck/internal/testenv"
)

// beside is a patient that shares the sessions of a Django.
func beside(t *testing.T, site *testenv.DjangoSite, yaml, key string) *doctor.Patient {
	t.Helper()
	p := withDatabase(t, admit(t, yaml), site.DatabaseURL)
	p.Keys = signing.Keys{Secret: key}
	return p
}

func TestBesideDjango(t *testing.T) {
	site := testenv.Django(t, testenv.DjangoOptions{Settings: map[string]any{"USE_TZ": false, "TIME_ZONE": "Asia/Kolkata"}})
	site.CreateUser("alice", "correct horse")
	site.Login("alice", "correct horse")

	t.Run("well", func(t *testing.T) {
		p := beside(t, site, "database: {time_zone: Asia/Kolkata}", site.SecretKey)
		for _, look := range []string{"database", "rights", "sessions", "session_dates", "session_users", "users", "engine"} {
			expect(t, p, look)
		}
	})
	t.Run("another secret key", func(t *testing.T) {
		p := beside(t, site, "database: {time_zone: Asia/Kolkata}", "another")
		expect(t, p, "sessions", "problem secret_key: 1 of 1 sessions")
	})
	t.Run("another time zone", func(t *testing.T) {
		expect(t, beside(t, site, "", site.SecretKey), "session_dates", "problem database.time_zone: 5h30m0s later")
	})
	t.Run("another engine", func(t *testing.T) {
		p := beside(t, site, "session: {engine: signed_cookies}", site.SecretKey)
		expect(t, p, "engine", "warning session.engine: django_session holds live sessions")
	})
}

// What Django 3.2 writes with DEFAULT_HASHING_ALGORITHM = 'sha1' is what Django wrote before 3.1.
func TestBesideOldDjango(t *testing.T) {
	site := testenv.Django(t, testenv.DjangoOptions{Settings: map[string]any{"DEFAULT_HASHING_ALGORITHM": "sha1"}})
	site.CreateUser("alice", "correct horse")
	site.Login("alice", "correct horse")
	expect(t, beside(t, site, "", site.SecretKey), "sessions", "warning session.engine: before 3.1")
	expect(t, beside(t, site, "", site.SecretKey), "session_users", "warning users.table: before 3.1")
}

func TestBesideDjangoThatPickles(t *testing.T) {
	site := testenv.Django(t, testenv.DjangoOptions{Settings: map[string]any{"SESSION_SERIALIZER": "django.contrib.sessions.serializers.PickleSerializer"}})
	site.CreateUser("alice", "correct horse")
	site.Login("alice", "correct horse")
	expect(t, beside(t, site, "", site.SecretKey), "sessions", "problem session.engine: something else than JSON")
}

// In the cache the sessions of a Django are found, by its prefix and without.
func TestBesideDjangoInCache(t *testing.T) {
	server := testenv.Redis(t)
	site := testenv.Django(t, testenv.DjangoOptions{Engine: "cached_db", CacheURL: server.URL, KeyPrefix: "shop", CacheVersion: 3})
	site.CreateUser("alice", "correct horse")
	site.Login("alice", "correct horse")
	right := withCache(t, beside(t, site, "session: {engine: cached_db}\ncache: {url: 'redis://x:1', key_prefix: shop, version: 3}", site.SecretKey), server.URL)
	expect(t, right, "cache")
	expect(t, right, "engine")
	wrong := withCache(t, beside(t, site, "session: {engine: cached_db}\ncache: {url: 'redis://x:1'}", site.SecretKey), server.URL)
	expect(t, wrong, "cache", `problem cache.key_prefix: under ["shop:3:"]`)
	other := withCache(t, beside(t, site, "cache: {url: 'redis://x:1', key_prefix: shop, version: 3}", site.SecretKey), server.URL)
	expect(t, other, "engine", "warning session.engine: cached_db")
}
