package cacheddbstore_test

import (
	"testing"
	"time"

	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cacheddbstore"
)

// BenchmarkRedisSQLite stands beside its parts: the rows alone, and one question to the cache.
func BenchmarkRedisSQLite(b *testing.B) {
	server := testenv.Redis(b)
	c := openCache(b, server.URL, cache.Options{})
	rows := rowsIn(b, openDB(b, sqlite(b)), time.Now)
	store := cacheddbstore.New(rows, c, cacheddbstore.Options{})
	rec := record(1)
	key, err := store.Create(b.Context(), sessionstore.NewKey(), rec)
	if err != nil {
		b.Fatal(err)
	}
	for _, bench := range []struct {
		name string
		call func() error
	}{
		{"Load/cache alone", func() error { _, err := c.Get(b.Context(), cacheddbstore.KeyPrefix+key); return err }},
		{"Load/rows alone", func() error { _, err := rows.Load(b.Context(), key); return err }},
		{"Load/store, warm", func() error { _, err := store.Load(b.Context(), key); return err }},
		{"Load/store, cold", func() error {
			if err := c.Delete(b.Context(), cacheddbstore.KeyPrefix+key); err != nil {
				return err
			}
			_, err := store.Load(b.Context(), key)
			return err
		}},
		{"Create/rows alone", func() error { _, err := rows.Create(b.Context(), sessionstore.NewKey(), rec); return err }},
		{"Create/store", func() error { _, err := store.Create(b.Context(), sessionstore.NewKey(), rec); return err }},
		{"Update/rows alone", func() error { _, err := rows.Update(b.Context(), key, rec); return err }},
		{"Update/store", func() error { _, err := store.Update(b.Context(), key, rec); return err }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if err := bench.call(); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
