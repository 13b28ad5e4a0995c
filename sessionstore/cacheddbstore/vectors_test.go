package cacheddbstore_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/bradfitz/gomemcache/memcache"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cacheddbstore"
)

// vectorCase is an entry as a Django's cached_db engine made it.
type vectorCase struct {
	Engine, Name string
	SessionKey   string `json:"session_key"`
	CacheKey     string `json:"cache_key"`
	Flags        uint32
	Value        []byte `json:"value_base64"`
}

// vectorCases are those of all cache_redis.json or cache_memcached_….json, by file.
func vectorCases(t *testing.T, pattern string) map[string][]vectorCase {
	t.Helper()
	cases := map[string][]vectorCase{}
	for _, set := range []string{".", "*"} {
		paths, err := filepath.Glob(filepath.Join("../../testdata/vectors", set, pattern))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			var file struct{ Cases []vectorCase }
			if err := json.Unmarshal(text, &file); err != nil {
				t.Fatal(err)
			}
			for _, c := range file.Cases {
				if c.Engine == "cached_db" {
					name := strings.TrimPrefix(path, "../../testdata/vectors/")
					cases[name] = append(cases[name], c)
				}
			}
		}
	}
	if len(cases) == 0 {
		t.Fatalf("no entries of cached_db in %s", pattern)
	}
	return cases
}

func TestVectorsRedis(t *testing.T) {
	server := testenv.Redis(t)
	testVectors(t, vectorCases(t, "cache_redis.json"), server.URL, func(c vectorCase) {
		server.Do("SET", c.CacheKey, string(c.Value), "EX", "100")
	})
}

func TestVectorsMemcached(t *testing.T) {
	server := testenv.Memcached(t)
	client := memcache.New(server.Addr)
	t.Cleanup(func() { _ = client.Close() })
	testVectors(t, vectorCases(t, "cache_memcached_*.json"), server.URL, func(c vectorCase) {
		if err := client.Set(&memcache.Item{Key: c.CacheKey, Value: c.Value, Flags: c.Flags, Expiration: 100}); err != nil {
			t.Fatal(err)
		}
	})
}

// testVectors: Django's entry is believed without a look at the row, and what is written in its place reads as the same.
func testVectors(t *testing.T, files map[string][]vectorCase, cacheURL string, put func(vectorCase)) {
	for name, cases := range files {
		t.Run(name, func(t *testing.T) {
			p := start(t, sqlite(t), cacheURL, cacheddbstore.Options{})
			p.create(t, 1) // the database has answered: hits are believed
			for _, c := range cases {
				want, err := pyvalue.ReadPickle(c.Value)
				if err != nil {
					t.Fatal(err)
				}
				rec := sessionstore.Record{Data: want, Expires: time.Now().Add(time.Hour)}
				if _, err := p.Create(t.Context(), c.SessionKey, rec); err != nil {
					t.Fatal(err)
				}
				put(c)
				if got, err := p.Load(t.Context(), c.SessionKey); err != nil || !got.Data.Equal(want) {
					t.Errorf("%s: load = %v, %v; want %v", c.Name, got.Data, err, want)
				}
				if n := p.rows.reads(c.SessionKey); n > 0 {
					t.Errorf("%s: the row was read %d times", c.Name, n)
				}
				if _, err := p.Update(t.Context(), c.SessionKey, rec); err != nil {
					t.Fatal(err)
				}
				if got, err := pyvalue.ReadPickle([]byte(p.entry(t, c.SessionKey))); err != nil || !got.Equal(want) {
					t.Errorf("%s: the entry written is %v, %v; want %v", c.Name, got, err, want)
				}
			}
		})
	}
}
