package stage

import (
	"path/filepath"
	"testing"

	"coatcheck/internal/testenv"
)

// Engine is a session engine and the servers that it needs.
type Engine struct {
	Name    string // such as cached_db-redis-postgres
	Session string // session.engine

	database string // sqlite, postgres or mariadb
	cache    string // redis, memcached or none
}

// Engines are all combinations that are measured.
func Engines() []Engine {
	return []Engine{
		{Name: "db-sqlite", Session: "db", database: "sqlite"},
		{Name: "db-postgres", Session: "db", database: "postgres"},
		{Name: "db-mariadb", Session: "db", database: "mariadb"},
		{Name: "cache-redis", Session: "cache", database: "sqlite", cache: "redis"},
		{Name: "cache-redis-postgres", Session: "cache", database: "postgres", cache: "redis"},
		{Name: "cache-memcached", Session: "cache", database: "sqlite", cache: "memcached"},
		{Name: "cached_db-redis", Session: "cached_db", database: "sqlite", cache: "redis"},
		{Name: "cached_db-redis-postgres", Session: "cached_db", database: "postgres", cache: "redis"},
		{Name: "file", Session: "file", database: "sqlite"},
		{Name: "signed_cookies", Session: "signed_cookies", database: "sqlite"},
	}
}

// EngineNamed finds an engine.
func EngineNamed(name string) (Engine, bool) {
	for _, e := range Engines() {
		if e.Name == name {
			return e, true
		}
	}
	return Engine{}, false
}

// servers are what an engine's sessions and users are kept by.
type servers struct {
	database, cache string // URLs; no cache: ""
	redis           *testenv.RedisServer
}

// start starts what the engine needs, empty. A program that is not installed is [ErrMissing].
func (e Engine) start(env testing.TB, dir string) (servers, error) {
	return Try(func() servers {
		s := servers{database: "sqlite:" + filepath.Join(dir, "site.sqlite3")}
		switch e.database {
		case "postgres":
			s.database = testenv.Postgres(env)
		case "mariadb":
			s.database = testenv.MariaDB(env)
		}
		switch e.cache {
		case "redis":
			s.redis = testenv.Redis(env)
			s.cache = s.redis.URL
		case "memcached":
			s.cache = testenv.Memcached(env).URL
		}
		return s
	})
}

// Database names the database: sqlite, postgres or mariadb.
func (e Engine) Database() string { return e.database }
