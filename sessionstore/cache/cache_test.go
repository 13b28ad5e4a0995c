package cache_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"coatcheck/internal/testenv"
	"coatcheck/sessionstore/cache"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t testing.TB, url string, opts cache.Options) *cache.Cache {
	t.Helper()
	c, err := cache.Open(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

func soon() time.Time { return time.Now().Add(time.Minute) }

// servers are one of each kind.
func servers(t *testing.T) map[string]*cache.Cache {
	t.Helper()
	tls := testenv.RedisTLS(t)
	return map[string]*cache.Cache{
		"redis":             open(t, testenv.Redis(t).URL, cache.Options{KeyPrefix: "a*b"}),
		"redis tls":         open(t, tls.URL, cache.Options{CAFile: tls.CAFile}),
		"redis sentinel":    open(t, testenv.RedisSentinel(t).URL, cache.Options{}),
		"redis cluster":     open(t, testenv.RedisCluster(t).URL, cache.Options{}),
		"memcached":         open(t, testenv.Memcached(t).URL, cache.Options{}),
		"memcached servers": open(t, testenv.MemcachedURL(testenv.Memcached(t).Addr, testenv.Memcached(t).Addr), cache.Options{}),
	}
}

func TestVerbs(t *testing.T) {
	for name, c := range servers(t) {
		t.Run(name, func(t *testing.T) { verbs(t, c) })
	}
}

func verbs(t *testing.T, c *cache.Cache) {
	ctx := t.Context()
	past := time.Now().Add(-time.Second)
	one, two, three := []byte("one\r\nEND\r\n"), []byte("\x00\xff"), bytes.Repeat([]byte("3"), 300000)
	for _, step := range []struct {
		what string
		err  error
		want error
		then []byte // what is there afterwards, nil for nothing
	}{
		{"get of nothing", second(c.Get(ctx, "k")), cache.ErrAbsent, nil},
		{"replace of nothing", c.Replace(ctx, "k", one, soon()), cache.ErrAbsent, nil},
		{"swap of nothing", c.Swap(ctx, "k", one, two, soon()), cache.ErrAbsent, nil},
		{"delete of nothing", c.Delete(ctx, "k"), nil, nil},
		{"add, ended", c.Add(ctx, "k", one, past), nil, nil},
	} {
		check(t, c, step.what, step.err, step.want, "k", step.then)
	}
	steps := []struct {
		what string
		do   func(key string) error
		want error
		then []byte
	}{
		{"add", func(string) error { return nil }, nil, one},
		{"add again", func(k string) error { return c.Add(ctx, k, two, soon()) }, cache.ErrPresent, one},
		{"add again, ended", func(k string) error { return c.Add(ctx, k, two, past) }, cache.ErrPresent, one},
		{"replace", func(k string) error { return c.Replace(ctx, k, two, soon()) }, nil, two},
		{"replace by much", func(k string) error { return c.Replace(ctx, k, three, soon()) }, nil, three},
		{"replace, ended", func(k string) error { return c.Replace(ctx, k, two, past) }, nil, nil},
		{"swap", func(k string) error { return c.Swap(ctx, k, one, two, soon()) }, nil, two},
		{"swap of another", func(k string) error { return c.Swap(ctx, k, two, three, soon()) }, cache.ErrAbsent, one},
		{"swap, ended", func(k string) error { return c.Swap(ctx, k, one, two, past) }, nil, nil},
		{"refresh", func(k string) error { return c.Refresh(ctx, k, "two", two, soon()) }, nil, two},
		{"refresh of a mark", func(k string) error { return c.Refresh(ctx, k, "on", two, soon()) }, cache.ErrAbsent, nil},
		{"refresh of nothing", func(string) error { return c.Refresh(ctx, "none", "", two, soon()) }, cache.ErrAbsent, one},
		{"refresh, ended", func(k string) error { return c.Refresh(ctx, k, "two", two, past) }, nil, nil},
		{"delete", func(k string) error { return c.Delete(ctx, k) }, nil, nil},
		{"ping", func(string) error { return c.Ping(ctx) }, nil, one},
	}
	for i, step := range steps {
		key := strings.Repeat("key", i+1)
		if err := c.Add(ctx, key, one, soon()); err != nil {
			t.Fatalf("%s: add: %v", step.what, err)
		}
		check(t, c, step.what, step.do(key), step.want, key, step.then)
	}
	keys(t, c)
}

func second(_ []byte, err error) error { return err }

func check(t *testing.T, c *cache.Cache, what string, err, want error, key string, then []byte) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: %v, want %v", what, err, want)
	}
	got, err := c.Get(t.Context(), key)
	if !bytes.Equal(got, then) || (then == nil) != errors.Is(err, cache.ErrAbsent) {
		t.Errorf("%s: then %d bytes %.20q, %v; want %d bytes", what, len(got), got, err, len(then))
	}
}

func keys(t *testing.T, c *cache.Cache) {
	if !c.CanList() {
		if err := c.Keys(t.Context(), "", func(string) bool { return true }); err == nil {
			t.Error("keys of a cache that cannot list: no error")
		}
		return
	}
	want := map[string]bool{}
	for _, key := range []string{"list[1", "list[2", "list[3", "listed"} {
		if err := c.Add(t.Context(), key, []byte("x"), soon()); err != nil {
			t.Fatal(err)
		}
		want[key] = key != "listed"
	}
	err := c.Keys(t.Context(), "list[", func(rest string) bool {
		if !want["list["+rest] {
			t.Errorf("key %q", rest)
		}
		delete(want, "list["+rest)
		return true
	})
	if err != nil || len(want) != 1 {
		t.Errorf("not listed: %v, %v", want, err)
	}
	calls := 0
	if err := c.Keys(t.Context(), "list[", func(string) bool { calls++; return false }); err != nil || calls != 1 {
		t.Errorf("%d calls after a false, %v", calls, err)
	}
}

// TestKeys: a key that memcached does not take is absent, and not sent.
func TestKeys(t *testing.T) {
	c := open(t, testenv.Memcached(t).URL, cache.Options{})
	for name, key := range map[string]string{
		"long": strings.Repeat("k", 248), "blank": "a b", "newline": "a\r\nflush_all\r\n", "control": "a\x00", "delete": "a\x7f",
	} {
		if _, err := c.Get(t.Context(), key); !errors.Is(err, cache.ErrAbsent) {
			t.Errorf("%s: get = %v", name, err)
		}
		if err := c.Replace(t.Context(), key, []byte("x"), soon()); !errors.Is(err, cache.ErrAbsent) {
			t.Errorf("%s: replace = %v", name, err)
		}
		if err := c.Delete(t.Context(), key); err != nil {
			t.Errorf("%s: delete = %v", name, err)
		}
		if err := c.Add(t.Context(), key, []byte("x"), soon()); err == nil || errors.Is(err, cache.ErrPresent) {
			t.Errorf("%s: add = %v, want a fault", name, err)
		}
	}
	if err := c.Add(t.Context(), strings.Repeat("k", 247), []byte("x"), soon()); err != nil {
		t.Errorf("250 characters with the prefix: %v", err)
	}
	if _, err := cache.Open("memcached://h", cache.Options{KeyPrefix: "my app"}); err == nil {
		t.Error("a prefix with a blank is taken for memcached")
	}
}

// TestTooLarge_F20: what memcached does not take leaves what was there.
func TestTooLarge_F20(t *testing.T) {
	for name, url := range map[string]string{"memcached": testenv.Memcached(t).URL, "redis": testenv.Redis(t).URL} {
		t.Run(name, func(t *testing.T) {
			c := open(t, url, cache.Options{})
			old := []byte("old")
			if err := c.Add(t.Context(), "k", old, soon()); err != nil {
				t.Fatal(err)
			}
			sizes := []int{cache.MaxValue + 1}
			if name == "memcached" {
				sizes = append(sizes, cache.MaxValue) // within ours, over the server's
			}
			for _, size := range sizes {
				large := make([]byte, size)
				check(t, c, "replace", c.Replace(t.Context(), "k", large, soon()), cache.ErrTooLarge, "k", old)
				check(t, c, "swap", c.Swap(t.Context(), "k", old, large, soon()), cache.ErrTooLarge, "k", old)
				check(t, c, "add", c.Add(t.Context(), "other", large, soon()), cache.ErrTooLarge, "other", nil)
			}
		})
	}
}

// TestLargeEntry_F21: a planted entry is not read into memory; one of another kind is foreign.
func TestLargeEntry_F21(t *testing.T) {
	server := testenv.Redis(t)
	c := open(t, server.URL, cache.Options{})
	server.Do("SET", ":1:long", strings.Repeat("x", cache.MaxValue+1))
	server.Do("RPUSH", ":1:list", "x")
	for _, key := range []string{"long", "list"} {
		if _, err := c.Get(t.Context(), key); !errors.Is(err, cache.ErrForeign) {
			t.Errorf("%s: get = %v, want ErrForeign", key, err)
		}
	}
}

func TestErrorsHoldNoPassword(t *testing.T) {
	const secret = "hunter2secret"
	server := testenv.Redis(t)
	urls := []string{
		"redis://coatcheck:" + secret + "@" + server.Addr + "/0", "redis://:" + secret + "@127.0.0.1:1/0", "rediss://u:" + secret + "@" + server.Addr,
		"redis-sentinel://u:" + secret + "@127.0.0.1:1/0?master=m&sentinel_password=" + secret, "redis-cluster://u:" + secret + "@127.0.0.1:1",
		"redis://u:" + secret + "%@h:1/0", "redis://u:" + secret + "@h:x/0", "redis://u:" + secret + "@h:1/x", "redis://u:" + secret + "@h:1/0?x=1",
		"http://u:" + secret + "@h", "u:" + secret + "@h", "memcached://u:" + secret + "@h:1",
	}
	for _, url := range urls {
		c, err := cache.Open(url, cache.Options{})
		if err == nil {
			t.Cleanup(func() { _ = c.Close() })
			_, err = c.Get(t.Context(), "k")
		}
		if err == nil || errors.Is(err, cache.ErrAbsent) || strings.Contains(err.Error(), secret) {
			t.Errorf("error %v", strings.ReplaceAll(err.Error(), secret, "<THE PASSWORD>"))
		}
	}
}

func TestTLSVerifies(t *testing.T) {
	server, other := testenv.RedisTLS(t), testenv.RedisTLS(t)
	host, port, _ := strings.Cut(server.Addr, ":")
	for name, test := range map[string]struct {
		url, ca string
		works   bool
	}{
		"its authority":      {server.URL, server.CAFile, true},
		"another authority":  {server.URL, other.CAFile, false},
		"system authorities": {server.URL, "", false},
		"another name":       {strings.Replace(server.URL, host+":"+port, "127.0.0.2:"+port, 1), server.CAFile, false},
	} {
		c := open(t, test.url, cache.Options{CAFile: test.ca})
		if err := c.Ping(t.Context()); (err == nil) != test.works {
			t.Errorf("%s: ping = %v, want it to work: %v", name, err, test.works)
		}
	}
	if _, err := cache.Open("redis://h", cache.Options{CAFile: server.CAFile}); err == nil {
		t.Error("a CA file without TLS is no error")
	}
}

// TestCancelled_F05: who leaves is not kept, where the driver can be told.
func TestCancelled_F05(t *testing.T) {
	server := testenv.Memcached(t)
	c := open(t, server.URL, cache.Options{OpTimeout: time.Minute})
	if err := c.Add(t.Context(), "k", []byte("v"), soon()); err != nil {
		t.Fatal(err)
	}
	server.Pause()
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(50*time.Millisecond, cancel)
	if _, err := c.Get(ctx, "k"); !errors.Is(err, context.Canceled) {
		t.Errorf("get = %v, want context.Canceled", err)
	}
	server.Resume()
	check(t, c, "afterwards", nil, nil, "k", []byte("v"))
}
