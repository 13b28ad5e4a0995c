package cachestore_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cachestore"
	"coatcheck/sessionstore/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret key of tests, åß"

func openCache(t testing.TB, url string, opts cache.Options) *cache.Cache {
	t.Helper()
	c, err := cache.Open(url, opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// harness is of one running cache: each place on it has a key prefix of its own. djangoURL, if any, is where a Django finds it.
func harness(url, caFile string, protocol int, djangoURL string) storetest.Harness {
	places := 0
	return storetest.Harness{
		New: func(t testing.TB, now func() time.Time) *storetest.Place {
			places++
			opts := cache.Options{KeyPrefix: fmt.Sprintf("place%d[*", places), Version: 7, CAFile: caFile, Now: now}
			var opened []*cache.Cache
			p := &storetest.Place{
				Open: func() sessionstore.Store {
					c := openCache(t, url, opts)
					opened = append(opened, c)
					return cachestore.New(c, cachestore.Options{Protocol: protocol})
				},
				Damage: func(key string, raw []byte) {
					if err := opened[0].Replace(t.Context(), cachestore.KeyPrefix+key, raw, now().Add(time.Hour)); err != nil {
						t.Fatal(err)
					}
				},
				Break: func() {
					for _, c := range opened {
						_ = c.Close()
					}
				},
			}
			if djangoURL != "" {
				p.Django = storetest.DjangoSettings("cache", secret)
				caches := storetest.DjangoCaches(djangoURL, opts.KeyPrefix, opts.Version)
				if caFile != "" {
					caches["default"].(map[string]any)["OPTIONS"] = map[string]any{"CONNECTION_POOL_KWARGS": map[string]any{"ssl_ca_certs": caFile}}
				}
				p.Django["CACHES"] = caches
			}
			return p
		},
		Traits:  storetest.Traits{ClearsItself: true, ServerClock: true, NoExpiry: true, Pickles: true},
		Garbage: garbage(),
	}
}

// garbage is what damaged pickles look like.
func garbage() map[string][]byte {
	return map[string][]byte{
		"not a dict":        []byte("\x80\x05]\x94."),
		"None":              []byte("\x80\x05N."),
		"an integer":        []byte("5"),
		"truncated":         []byte("\x80\x05\x95\x0c\x00\x00\x00\x00\x00\x00\x00}\x94\x8c\x01a\x94"),
		"without an end":    []byte("\x80\x05}"),
		"gadget os.system":  []byte("cos\nsystem\n(S'touch /tmp/coatcheck-was-here'\ntR."),
		"gadget in a value": []byte("\x80\x04}\x8c\x01x\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85Rs."),
		"huge length":       []byte("\x80\x05\x8e\xff\xff\xff\xff\xff\xff\xff\x7f."),
		"nested too deep":   []byte("\x80\x05" + strings.Repeat("(", 100000) + "."),
		"900 kB":            []byte("\x80\x05" + strings.Repeat("N", 900000) + "."),
	}
}

func TestConformanceRedis(t *testing.T) {
	server := testenv.Redis(t)
	storetest.Run(t, harness(server.URL, "", 0, server.URL))
}

func TestConformanceRedisTLSProtocol4(t *testing.T) {
	server := testenv.RedisTLS(t)
	storetest.Run(t, harness(server.URL, server.CAFile, 4, server.URL))
}

func TestConformanceRedisSentinel(t *testing.T) {
	set := testenv.RedisSentinel(t)
	storetest.Run(t, harness(set.URL, "", 0, set.Master.URL))
}

// Debian has no Django client for clusters.
func TestConformanceRedisCluster(t *testing.T) {
	storetest.Run(t, harness(testenv.RedisCluster(t).URL, "", 0, ""))
}

func TestConformanceMemcached(t *testing.T) {
	server := testenv.Memcached(t)
	storetest.Run(t, harness(server.URL, "", 0, server.URL))
}

// TestConformanceMemcachedServers shows with Django as peer that both find each key on the same one of three servers.
func TestConformanceMemcachedServers(t *testing.T) {
	var addrs []string
	for range 3 {
		addrs = append(addrs, testenv.Memcached(t).Addr)
	}
	url := testenv.MemcachedURL(addrs...)
	storetest.Run(t, harness(url, "", 0, url))
}
