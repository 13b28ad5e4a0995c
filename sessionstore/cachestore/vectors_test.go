package cachestore_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cachestore"
)

// vectorCase is one entry that a Django wrote.
type vectorCase struct {
	Engine     string
	Name       string
	SessionKey string `json:"session_key"`
	CacheKey   string `json:"cache_key"`
	Flags      uint32
	Value      []byte `json:"value_base64"`
	TTL        int
}

type vectorFile struct {
	Cases, Prefixed  []vectorCase
	NonSessionValues []vectorCase `json:"non_session_values"`
	TTLRules         []struct {
		SessionExpiry *int `json:"session_expiry"`
		Stored        bool
		TTL           int
	} `json:"ttl_rules"`
}

// eachVectorFile calls f with the files of all Django versions whose name begins with prefix.
func eachVectorFile(t *testing.T, prefix string, f func(t *testing.T, v vectorFile)) {
	t.Helper()
	var paths []string
	for _, pattern := range []string{"../../testdata/vectors/", "../../testdata/vectors/*/"} {
		found, err := filepath.Glob(pattern + prefix + "*.json")
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	if len(paths) < 2 {
		t.Fatalf("only %d vector files begin with %s", len(paths), prefix)
	}
	for _, path := range paths {
		t.Run(strings.TrimPrefix(path, "../../testdata/vectors/"), func(t *testing.T) {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var v vectorFile
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			f(t, v)
		})
	}
}

// rig is a cache with a way around our code.
type rig struct {
	url string
	put func(t *testing.T, c vectorCase)
	ttl func(t *testing.T, key string) (seconds int, found bool)
}

func (r rig) store(t *testing.T, prefix string, version int) sessionstore.Store {
	return cachestore.New(openCache(t, r.url, cache.Options{KeyPrefix: prefix, Version: version}), cachestore.Options{})
}

func (r rig) vectors(t *testing.T, v vectorFile) {
	plain, prefixed := r.store(t, "", 1), r.store(t, "myapp", 7)
	for _, c := range v.Cases {
		if c.Engine == "cache" {
			r.reads(t, plain, c)
		}
	}
	for _, c := range v.Prefixed {
		if c.Engine == "cache" {
			r.reads(t, prefixed, c)
		}
	}
	for _, c := range v.NonSessionValues {
		r.refuses(t, plain, c)
	}
	for _, rule := range v.TTLRules {
		age := 1209600
		if rule.SessionExpiry != nil && *rule.SessionExpiry != 0 {
			age = *rule.SessionExpiry
		}
		r.lives(t, plain, age, rule.Stored, rule.TTL)
	}
}

// reads: Django's entry is read, written, and read as the same.
func (r rig) reads(t *testing.T, store sessionstore.Store, c vectorCase) {
	if c.Value == nil {
		return // this Django could not write it
	}
	r.put(t, c)
	rec, err := store.Load(t.Context(), c.SessionKey)
	if err != nil {
		t.Errorf("%s: load: %v", c.Name, err)
		return
	}
	want, err := pyvalue.ReadPickle(c.Value)
	if err != nil {
		t.Fatal(err)
	}
	if !rec.Data.Equal(want) {
		t.Errorf("%s: got %v, want %v", c.Name, rec.Data, want)
	}
	rec.Expires = time.Now().Add(time.Hour)
	if _, err := store.Update(t.Context(), c.SessionKey, rec); err != nil {
		t.Errorf("%s: update: %v", c.Name, err)
	}
	if again, err := store.Load(t.Context(), c.SessionKey); err != nil || !again.Data.Equal(want) {
		t.Errorf("%s: after the update %v, %v, want %v", c.Name, again.Data, err, want)
	}
}

// refuses: what other users of the cache keep is no session.
func (r rig) refuses(t *testing.T, store sessionstore.Store, c vectorCase) {
	key := sessionstore.NewKey()
	c.CacheKey = ":1:" + cachestore.KeyPrefix + key
	r.put(t, c)
	var refused *sessionstore.RefusedError
	if _, err := store.Load(t.Context(), key); !errors.As(err, &refused) {
		t.Errorf("%s: load = %v, want a *RefusedError", c.Name, err)
	}
}

func (r rig) lives(t *testing.T, store sessionstore.Store, age int, stored bool, want int) {
	key := sessionstore.NewKey()
	rec := sessionstore.Record{Data: pyvalue.NewDict(), Expires: time.Now().Add(time.Duration(age) * time.Second)}
	if _, err := store.Create(t.Context(), key, rec); err != nil {
		t.Errorf("age %d: %v", age, err)
	}
	ttl, found := r.ttl(t, ":1:"+cachestore.KeyPrefix+key)
	// Servers round; for absolute times memcached's clock ticks once a second.
	if found != stored || (found && (ttl < want-2 || ttl > want+1)) {
		t.Errorf("age %d: lives %d s, found %v; want %d s, %v", age, ttl, found, want, stored)
	}
}

func TestVectorsRedis(t *testing.T) {
	server := testenv.Redis(t)
	r := rig{url: server.URL,
		put: func(_ *testing.T, c vectorCase) { server.Do("SET", c.CacheKey, string(c.Value), "EX", "100") },
		ttl: func(t *testing.T, key string) (int, bool) {
			n, err := strconv.Atoi(server.Do("TTL", key))
			if err != nil {
				t.Fatal(err)
			}
			return n, n >= 0
		},
	}
	eachVectorFile(t, "cache_redis", r.vectors)
}

func TestVectorsMemcached(t *testing.T) {
	server := testenv.Memcached(t)
	client := memcache.New(server.Addr)
	t.Cleanup(func() { _ = client.Close() })
	r := rig{url: server.URL,
		put: func(t *testing.T, c vectorCase) {
			if err := client.Set(&memcache.Item{Key: c.CacheKey, Value: c.Value, Flags: c.Flags, Expiration: 100}); err != nil {
				t.Fatal(err)
			}
		},
		ttl: func(t *testing.T, key string) (int, bool) {
			answer := askMemcached(t, server.Addr, "mg "+key+" t\r\n")
			seconds, found := strings.CutPrefix(answer, "HD t")
			n, err := strconv.Atoi(strings.TrimSpace(seconds))
			if found && err != nil {
				t.Fatalf("answer %q", answer)
			}
			return n, found
		},
	}
	eachVectorFile(t, "cache_memcached", r.vectors)
}

func askMemcached(t *testing.T, addr, command string) string {
	t.Helper()
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, err = conn.Write([]byte(command))
	if err != nil {
		t.Fatal(err)
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return answer
}
