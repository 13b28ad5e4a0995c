package testenv

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"path/filepath"
	"strings"
	"time"
)

// DjangoOptions are a project's settings. The zero value is Django's default of everything, on an SQLite file in the
// project's folder and a random secret key.
type DjangoOptions struct {
	Engine      string // db (default), file, cache, cached_db or signed_cookies
	DatabaseURL string // sqlite:/absolute/path, postgres://… or mysql://…
	NoMigrate   bool   // somebody else makes the tables

	CacheURL     string // redis://, rediss:// or memcached://h1:p,h2:p; Redis by django-redis, memcached by pymemcache
	CacheCAFile  string // PEM, of a rediss:// server
	KeyPrefix    string
	CacheVersion int // 0: 1

	SecretKey  string
	Fallbacks  []string      // SECRET_KEY_FALLBACKS; Django before 4.1 does not know them
	CookieAge  time.Duration // whole seconds; 0: two weeks
	CookieName string
	FilePath   string // SESSION_FILE_PATH; default the project's folder

	ExpireAtBrowserClose bool
	SaveEveryRequest     bool
	// Settings are any further ones, by their names in Django; they win over the fields above.
	Settings map[string]any
	// Files are further ones of the project, by their names.
	Files map[string]string
}

func (o *DjangoOptions) complete(folder string) {
	if o.DatabaseURL == "" {
		o.DatabaseURL = "sqlite:" + filepath.Join(folder, "db.sqlite3")
	}
	if o.SecretKey == "" {
		o.SecretKey = newPassword() + newPassword() // Django wants 50 characters
	}
	if o.FilePath == "" {
		o.FilePath = folder
	}
	if o.Engine == "" {
		o.Engine = "db"
	}
}

// modules are the Python modules that the options need, with the package of each.
func (o DjangoOptions) modules() map[string]string {
	needed := map[string]string{}
	for scheme, module := range map[string][2]string{
		"postgres:": {"psycopg2", "python3-psycopg2"}, "mysql:": {"MySQLdb", "python3-mysqldb"}, "redis:": {"django_redis", "python3-django-redis"},
		"rediss:": {"django_redis", "python3-django-redis"}, "memcached:": {"pymemcache", "python3-pymemcache"}} {
		if strings.HasPrefix(o.DatabaseURL, scheme) || strings.HasPrefix(o.CacheURL, scheme) {
			needed[module[0]] = module[1]
		}
	}
	return needed
}

// settings gives the project's site.json.
func (o DjangoOptions) settings(token string) ([]byte, error) {
	database, err := djangoDatabase(o.DatabaseURL)
	if err != nil {
		return nil, err
	}
	s := map[string]any{
		"TESTENV_TOKEN": token, "TESTENV_MIGRATE": !o.NoMigrate,
		"SECRET_KEY": o.SecretKey, "SECRET_KEY_FALLBACKS": append([]string{}, o.Fallbacks...),
		"DATABASES":      map[string]any{"default": database},
		"SESSION_ENGINE": "django.contrib.sessions.backends." + o.Engine, "SESSION_FILE_PATH": o.FilePath,
		"SESSION_EXPIRE_AT_BROWSER_CLOSE": o.ExpireAtBrowserClose, "SESSION_SAVE_EVERY_REQUEST": o.SaveEveryRequest,
	}
	if o.CookieAge != 0 {
		s["SESSION_COOKIE_AGE"] = int(o.CookieAge / time.Second)
	}
	if o.CookieName != "" {
		s["SESSION_COOKIE_NAME"] = o.CookieName
	}
	if o.CacheURL != "" {
		cache, err := o.cache()
		if err != nil {
			return nil, err
		}
		s["CACHES"] = map[string]any{"default": cache}
	}
	maps.Copy(s, o.Settings)
	text, err := json.Marshal(s)
	if err != nil {
		return nil, fmt.Errorf("encode settings of Django: %w", err)
	}
	return text, nil
}

func djangoDatabase(rawURL string) (map[string]any, error) {
	if path, ok := strings.CutPrefix(rawURL, "sqlite:"); ok {
		if !filepath.IsAbs(path) {
			return nil, fmt.Errorf("database of Django: %s: the path must be absolute", rawURL)
		}
		return map[string]any{"ENGINE": "django.db.backends.sqlite3", "NAME": path, "OPTIONS": map[string]any{"timeout": 20}}, nil
	}
	u, err := url.Parse(rawURL)
	if err != nil {
		return nil, fmt.Errorf("database of Django: %w", err)
	}
	password, _ := u.User.Password()
	database := map[string]any{"NAME": strings.TrimPrefix(u.Path, "/"), "USER": u.User.Username(), "PASSWORD": password,
		"HOST": u.Hostname(), "PORT": u.Port()}
	switch u.Scheme {
	case "postgres":
		database["ENGINE"] = "django.db.backends.postgresql"
	case "mysql":
		database["ENGINE"], database["OPTIONS"] = "django.db.backends.mysql", map[string]any{"charset": "utf8mb4"}
	default:
		return nil, fmt.Errorf("database of Django: scheme %q: want sqlite, postgres or mysql", u.Scheme)
	}
	return database, nil
}

func (o DjangoOptions) cache() (map[string]any, error) {
	cache := map[string]any{"KEY_PREFIX": o.KeyPrefix, "VERSION": max(1, o.CacheVersion)}
	scheme, hosts, _ := strings.Cut(o.CacheURL, "://")
	switch scheme {
	case "redis", "rediss":
		cache["BACKEND"], cache["LOCATION"] = "django_redis.cache.RedisCache", o.CacheURL
		if o.CacheCAFile != "" {
			cache["OPTIONS"] = map[string]any{"CONNECTION_POOL_KWARGS": map[string]any{"ssl_ca_certs": o.CacheCAFile}}
		}
	case "memcached":
		cache["BACKEND"], cache["LOCATION"] = "django.core.cache.backends.memcached.PyMemcacheCache", strings.Split(hosts, ",")
	default:
		return nil, fmt.Errorf("cache of Django: scheme %q: want redis, rediss or memcached", scheme)
	}
	return cache, nil
}
