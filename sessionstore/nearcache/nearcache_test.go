package nearcache_test

import (
	"fmt"
	"testing"
	"time"

	"coatcheck/internal/feed"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore/cacheddbstore"
	"coatcheck/sessionstore/cachestore"
	"coatcheck/sessionstore/nearcache"
	"coatcheck/sessionstore/storetest"
)

// kind is an engine with its stores.
type kind struct {
	site   func(t testing.TB, place int) *site
	traits storetest.Traits
	django func(t testing.TB, s *site) map[string]any
}

func kinds(t testing.TB) map[string]kind {
	cached := storetest.Traits{ServerClock: true, NoExpiry: true}
	ofCache := storetest.Traits{ClearsItself: true, ServerClock: true, NoExpiry: true, Pickles: true}
	ofCookies := storetest.Traits{KeyIsData: true, DatesByData: true, OwnName: "_coatcheck_nonce"}
	redis := testenv.Redis(t).URL
	return map[string]kind{
		"db on SQLite":     {func(t testing.TB, _ int) *site { return &site{url: sqlite(t), build: buildDB} }, storetest.Traits{}, djangoDB},
		"db on PostgreSQL": {func(t testing.TB, _ int) *site { return &site{url: testenv.Postgres(t), build: buildDB} }, storetest.Traits{}, djangoDB},
		"file":             {func(t testing.TB, _ int) *site { return &site{dir: t.TempDir(), build: buildFile} }, storetest.Traits{DatesByData: true}, djangoFile},
		"cache on Redis": {func(t testing.TB, n int) *site {
			return &site{cacheURL: redis, prefix: prefix("c", n), build: buildCache}
		}, ofCache, djangoCache},
		"cached_db on Redis, SQLite": {func(t testing.TB, n int) *site {
			return &site{url: sqlite(t), cacheURL: redis, prefix: prefix("s", n), build: buildCachedDB}
		}, cached, djangoCachedDB},
		"cached_db on Redis, Postgres": {func(t testing.TB, n int) *site {
			return &site{url: testenv.Postgres(t), cacheURL: redis, prefix: prefix("p", n), build: buildCachedDB}
		}, cached, djangoCachedDB},
		"signed_cookies on SQLite":     {func(t testing.TB, _ int) *site { return &site{url: sqlite(t), build: buildCookies} }, ofCookies, djangoCookies},
		"signed_cookies on PostgreSQL": {func(t testing.TB, _ int) *site { return &site{url: testenv.Postgres(t), build: buildCookies} }, ofCookies, djangoCookies},
	}
}

func prefix(kind string, place int) string { return fmt.Sprintf("%s%d", kind, place) }

func buildDB(s *site, p *process) {
	p.openDB(s.url)
	rows := p.rows()
	p.put(rows, nearcache.Options{Name: p.name()}, p.dbLine(feed.SessionTopic()))
}

func buildFile(s *site, p *process) {
	files := p.files(s.dir)
	p.put(files, nearcache.Options{Stamp: stamps(files)})
}

func buildCache(s *site, p *process) {
	p.openCache(s.cacheURL, s.prefix)
	p.put(cachestore.New(p.cache, cachestore.Options{}), nearcache.Options{Ends: p.ends(cachestore.KeyPrefix)}, p.cacheLine(cachestore.KeyPrefix))
}

func buildCachedDB(s *site, p *process) {
	p.openDB(s.url)
	p.openCache(s.cacheURL, s.prefix)
	next := cacheddbstore.New(p.rows(), p.cache, cacheddbstore.Options{Now: p.now})
	p.put(next, nearcache.Options{Name: p.name(), Ends: p.ends(cacheddbstore.KeyPrefix)}, p.dbLine(feed.SessionTopic()), p.cacheLine(cacheddbstore.KeyPrefix))
}

func buildCookies(s *site, p *process) {
	p.openDB(s.url)
	cookies := p.cookies()
	p.put(cookies, nearcache.Options{Name: cookies.Digest}, p.dbLine(feed.LogoutTopic()))
}

func djangoDB(t testing.TB, s *site) map[string]any {
	settings := storetest.DjangoSettings("db", secret)
	settings["DATABASES"] = storetest.DjangoDatabase(t, s.url)
	return settings
}

func djangoFile(_ testing.TB, s *site) map[string]any {
	settings := storetest.DjangoSettings("file", secret)
	settings["SESSION_FILE_PATH"] = s.dir
	return settings
}

func djangoCache(_ testing.TB, s *site) map[string]any {
	settings := storetest.DjangoSettings("cache", secret)
	settings["CACHES"] = storetest.DjangoCaches(s.cacheURL, s.prefix, 1)
	return settings
}

func djangoCachedDB(t testing.TB, s *site) map[string]any {
	settings := djangoDB(t, s)
	settings["SESSION_ENGINE"] = "django.contrib.sessions.backends.cached_db"
	settings["CACHES"] = storetest.DjangoCaches(s.cacheURL, s.prefix, 1)
	return settings
}

func djangoCookies(testing.TB, *site) map[string]any {
	return storetest.DjangoSettings("signed_cookies", secret)
}

// TestConformance: behind memory each engine is what it is without. What other processes do is seen once the feeds have told it.
func TestConformance(t *testing.T) {
	for name, k := range kinds(t) {
		t.Run(name, func(t *testing.T) {
			places := 0
			storetest.Run(t, storetest.Harness{Traits: k.traits, New: func(t testing.TB, now func() time.Time) *storetest.Place {
				places++
				s := k.site(t, places)
				p := s.place(t, now)
				p.Django = k.django(t, s)
				return p
			}})
		})
	}
}
