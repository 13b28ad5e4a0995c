package cacheddbstore_test

import (
	"errors"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cacheddbstore"
	"coatcheck/sessionstore/storetest"
)

// BenchmarkRedisSQLite stands beside its parts: the store of rows, and one question to the cache.
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
	value, err := pyvalue.AppendPickle(nil, rec.Data, cacheddbstore.DefaultProtocol)
	if err != nil {
		b.Fatal(err)
	}
	entry := cacheddbstore.KeyPrefix + key
	get := func() error { _, err := c.Get(b.Context(), entry); return err }
	loadRow := func() error { _, err := rows.Load(b.Context(), key); return err }
	forget := func() error { return c.Delete(b.Context(), entry) }
	load := func() error { _, err := store.Load(b.Context(), key); return err }
	for _, bench := range []struct {
		name         string
		parts, store func() error
	}{
		{"load, warm", get, load},
		{"load, cold", func() error { // delete, a miss, a lease, the row, the exchange
			return errors.Join(forget(), ignore(get(), cache.ErrAbsent), c.Add(b.Context(), entry, value, rec.Expires), loadRow(),
				c.Swap(b.Context(), entry, value, value, rec.Expires))
		}, func() error { return errors.Join(forget(), load()) }},
		{"create", func() error {
			key, err := rows.Create(b.Context(), sessionstore.NewKey(), rec)
			return errors.Join(err, c.Add(b.Context(), cacheddbstore.KeyPrefix+key, value, rec.Expires))
		}, func() error { _, err := store.Create(b.Context(), sessionstore.NewKey(), rec); return err }},
		{"update", func() error {
			_, err := rows.Update(b.Context(), key, rec)
			return errors.Join(err, c.Refresh(b.Context(), entry, "\x80\x02N.", value, rec.Expires))
		}, func() error { _, err := store.Update(b.Context(), key, rec); return err }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			storetest.Compare(b, storetest.Call{Name: "parts", Do: bench.parts}, storetest.Call{Name: "store", Do: bench.store})
		})
	}
}

func ignore(err, expected error) error {
	if errors.Is(err, expected) {
		return nil
	}
	return err
}
