package cache

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParseURL(t *testing.T) {
	for raw, want := range map[string]target{
		"redis://localhost":                     {kind: redisKind, hosts: []string{"localhost:6379"}},
		"redis://:p%40w@h:1/2":                  {kind: redisKind, hosts: []string{"h:1"}, password: "p@w", db: 2},
		"redis://us:p@w@h:1/":                   {kind: redisKind, hosts: []string{"h:1"}, username: "us", password: "p@w"},
		"rediss://u:p@[::1]:1/0":                {kind: redisKind, hosts: []string{"[::1]:1"}, tls: true, username: "u", password: "p"},
		"redis://[::1]":                         {kind: redisKind, hosts: []string{"[::1]:6379"}},
		"redis://u:p@/run/redis.sock?db=3":      {kind: redisKind, hosts: []string{"/run/redis.sock"}, username: "u", password: "p", db: 3},
		"unix:///run/redis.sock":                {kind: redisKind, hosts: []string{"/run/redis.sock"}},
		"redis-sentinel://u:p@a,b:2/1?master=m": {kind: sentinelKind, hosts: []string{"a:26379", "b:2"}, username: "u", password: "p", master: "m", db: 1},
		"redis-sentinel://a?master=m&sentinel_username=su&sentinel_password=sp&tls=true": {kind: sentinelKind, hosts: []string{"a:26379"}, master: "m",
			sentinelUser: "su", sentinelPassword: "sp", tls: true},
		"redis-cluster://u:p@a:1,b:2,c:3":    {kind: clusterKind, hosts: []string{"a:1", "b:2", "c:3"}, username: "u", password: "p"},
		"memcached://a,b:2,[::1],unix:/c,/d": {kind: memcachedKind, hosts: []string{"a:11211", "b:2", "[::1]:11211", "/c", "/d"}},
		"memcached:///run/m.sock":            {kind: memcachedKind, hosts: []string{"/run/m.sock"}},
	} {
		got, err := parseURL(raw)
		if err != nil {
			t.Errorf("%s: %v", raw, err)
		} else if diff := cmp.Diff(want, got, cmp.AllowUnexported(target{})); diff != "" {
			t.Errorf("%s: %s", raw, diff)
		}
	}
}

func TestParseURLRefuses(t *testing.T) {
	for _, raw := range []string{
		"", "redis", "http://h", "redis://", "redis://h:0", "redis://h:99999", "redis://h:x", "redis://a,b", "redis://h/x", "redis://h/-1", "redis://h?x=1",
		"redis://h?master=m", "redis-sentinel://h", "redis-cluster://h/1", "redis-cluster://h,h:6379", "memcached://", "memcached://h,,b", "memcached://u@h",
		"redis://u:%zz@h", "memcached://a b", "redis-cluster://h,/x",
	} {
		if got, err := parseURL(raw); err == nil {
			t.Errorf("%q is taken for %+v", raw, got)
		}
	}
}
