package doctor_test

import (
	"net"
	"testing"
	"time"

	"coatcheck/internal/testenv"
)

const cached = "session: {engine: cache}\ncache: {url: 'redis://127.0.0.1:1', key_prefix: site, version: 2}"

func TestCache(t *testing.T) {
	t.Run("nobody answers", func(t *testing.T) {
		expect(t, withCache(t, admit(t, cached), "redis://127.0.0.1:1"), "cache", "problem cache.url: does not answer")
	})
	server := testenv.Redis(t)
	p := withCache(t, admit(t, cached), server.URL)
	t.Run("well", func(t *testing.T) {
		expect(t, p, "cache")
		if n := server.Do("DBSIZE"); n != "0" {
			t.Errorf("the doctor left %s keys", n)
		}
	})
	t.Run("clock", func(t *testing.T) {
		early := withCache(t, admit(t, cached), server.URL)
		early.Now = func() time.Time { return time.Now().Add(-2 * time.Minute) }
		expect(t, early, "clock", "problem : Redis' are 2m0s apart")
	})
	t.Run("another prefix", func(t *testing.T) {
		server.Do("SET", "shop:1:django.contrib.sessions.cacheaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "x")
		expect(t, p, "cache", `problem cache.key_prefix: no session is under "site:2:", but there are some under ["shop:1:"]`)
		server.Do("SET", "site:2:django.contrib.sessions.cacheaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "x")
		expect(t, p, "cache")
	})
	t.Run("no plain values", func(t *testing.T) {
		expect(t, again(p), "sessions", "problem session.engine: something else than JSON (or plain values")
	})
	t.Run("another engine", func(t *testing.T) {
		server.Do("SET", "site:2:django.contrib.sessions.cached_dbaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", "x")
		expect(t, again(p), "engine", "warning session.engine: cached_db")
		server.Do("FLUSHALL")
	})
	t.Run("eviction", func(t *testing.T) {
		server.Do("CONFIG", "SET", "maxmemory", "100mb")
		expect(t, p, "cache") // noeviction is Redis' default
		server.Do("CONFIG", "SET", "maxmemory-policy", "allkeys-lru")
		expect(t, p, "cache", "warning session.engine: allkeys-lru")
		server.Do("CONFIG", "SET", "maxmemory-policy", "noeviction")
	})
	t.Run("rights", func(t *testing.T) {
		as := func(user string) string { return "redis://" + user + ":pw@" + address(t, server.URL) }
		server.Do("ACL", "SETUSER", "reader", "on", ">pw", "~*", "&*", "+@read", "+ping", "+select", "+info", "+client", "+subscribe", "+hello")
		expect(t, withCache(t, admit(t, cached), as("reader")), "cache", "problem cache.url: refuses")
		server.Do("ACL", "SETUSER", "deaf", "on", ">pw", "~*", "+@all", "-client|tracking")
		expect(t, withCache(t, admit(t, cached), as("deaf")), "cache", "warning session.near_cache: cannot be heard")
	})
}

func address(t *testing.T, rawURL string) string {
	t.Helper()
	host := rawURL[len("redis://"):]
	for i, r := range host {
		if r == '@' {
			host = host[i+1:]
			break
		}
	}
	for i, r := range host {
		if r == '/' {
			host = host[:i]
			break
		}
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		t.Fatalf("%s: %v", rawURL, err)
	}
	return host
}

func TestMemcached(t *testing.T) {
	server := testenv.Memcached(t)
	p := withCache(t, admit(t, cached), testenv.MemcachedURL(server.Addr))
	expect(t, p, "cache")
	expect(t, p, "sessions")
}
