package storetest

import (
	"net/url"
	"strings"
	"testing"
)

// DjangoSettings are the settings of a Django with this engine (db, file, cache, cached_db, signed_cookies); the caller adds DATABASES, CACHES and so on.
func DjangoSettings(engine, secretKey string) map[string]any {
	return map[string]any{
		"SECRET_KEY": secretKey, "SESSION_ENGINE": "django.contrib.sessions.backends." + engine, "USE_TZ": true, "TIME_ZONE": "UTC",
	}
}

// DjangoDatabase is the setting DATABASES for a database URL as internal/sqlconn takes them.
func DjangoDatabase(t testing.TB, rawURL string) map[string]any {
	t.Helper()
	if path, ok := strings.CutPrefix(rawURL, "sqlite:"); ok {
		return map[string]any{"default": map[string]any{"ENGINE": "django.db.backends.sqlite3", "NAME": path}}
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		t.Fatal(err)
	}
	engine := map[string]string{"postgres": "postgresql", "mysql": "mysql"}[u.Scheme]
	password, _ := u.User.Password()
	return map[string]any{"default": map[string]any{"ENGINE": "django.db.backends." + engine, "NAME": strings.TrimPrefix(u.Path, "/"),
		"USER": u.User.Username(), "PASSWORD": password, "HOST": u.Hostname(), "PORT": u.Port()}}
}

// DjangoCaches is the setting CACHES for a cache URL: redis:// and rediss:// by django-redis, memcached:// by pymemcache, as Django 3.2 needs
// them; version 0 is 1.
func DjangoCaches(rawURL, keyPrefix string, version int) map[string]any {
	cache := map[string]any{"KEY_PREFIX": keyPrefix, "VERSION": max(1, version)}
	if servers, ok := strings.CutPrefix(rawURL, "memcached://"); ok {
		cache["BACKEND"] = "django.core.cache.backends.memcached.PyMemcacheCache"
		cache["LOCATION"] = strings.Split(servers, ",")
	} else {
		cache["BACKEND"], cache["LOCATION"] = "django_redis.cache.RedisCache", rawURL
	}
	return map[string]any{"default": cache}
}
