package nearcache_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/near"
	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/nearcache"
	"coatcheck/sessionstore/storetest"
)

type always struct{}

func (always) Heard() bool { return true }

// typical is a session as Django's login leaves it, with one entry of an application.
func typical(i int) sessionstore.Record {
	d := pyvalue.NewDict()
	d.Set("_auth_user_id", pyvalue.Str(fmt.Sprint(i)))
	d.Set("_auth_user_backend", pyvalue.Str("django.contrib.auth.backends.ModelBackend"))
	d.Set("_auth_user_hash", pyvalue.Str(fmt.Sprintf("%064x", i*7919)))
	d.Set("theme", pyvalue.Str("dark"))
	return sessionstore.Record{Data: d, Expires: time.Now().Add(time.Hour)}
}

// filled returns a store with n sessions in memory, and the memory they take.
func filled(tb testing.TB, n int, o nearcache.Options) (*nearcache.Store, []string, uint64) {
	tb.Helper()
	memory := storetest.NewMemory(time.Now)
	o.Entries, o.Feeds = n+n/10, []near.Feed{always{}}
	store := nearcache.New(memory, o)
	keys := make([]string, n)
	before := heap()
	for i := range keys {
		keys[i] = sessionstore.NewKey()
		if _, err := memory.Create(tb.Context(), keys[i], typical(i)); err != nil {
			tb.Fatal(err)
		}
		if _, err := store.Keep(tb.Context(), strings.Clone(keys[i])); err != nil {
			tb.Fatal(err)
		}
		if err := memory.Delete(tb.Context(), keys[i]); err != nil {
			tb.Fatal(err)
		}
	}
	after := heap()
	runtime.KeepAlive(memory)
	return store, keys, after - before
}

func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// TestMemory: 100 000 sessions take less than 40 MB of heap, so that a process with them stays below 80 MB between two garbage collections, and what
// is counted is near what is taken.
func TestMemory(t *testing.T) {
	const n = 100000
	for name, o := range map[string]nearcache.Options{"by key": {}, "by name": {Name: func(key string) string { return strings.Repeat(key, 2) }}} {
		store, _, taken := filled(t, n, o)
		counted := store.Stats()
		t.Logf("%s: %d entries take %d bytes each, counted as %d", name, counted.Entries, taken/n, counted.Bytes/counted.Entries)
		if taken > 45<<20 || counted.Entries < n {
			t.Errorf("%s: %d entries take %d MB, want %d in 45", name, counted.Entries, taken>>20, n)
		}
		if c := uint64(counted.Bytes); c < taken/2 || c > taken*2 {
			t.Errorf("%s: %d bytes are counted as %d", name, taken, c)
		}
		runtime.KeepAlive(store)
	}
}

func BenchmarkKeepWarm(b *testing.B) {
	store, keys, _ := filled(b, 100000, nearcache.Options{})
	ctx := b.Context()
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(p *testing.PB) {
		for i := 0; p.Next(); i += 7919 {
			if _, err := store.Keep(ctx, keys[i%len(keys)]); err != nil {
				b.Error(err)
			}
		}
	})
}

func BenchmarkLoadWarm(b *testing.B) {
	store, keys, _ := filled(b, 1000, nearcache.Options{})
	ctx := b.Context()
	b.ReportAllocs()
	b.ResetTimer()
	for i := 0; b.Loop(); i++ {
		if _, err := store.Load(ctx, keys[i%len(keys)]); err != nil {
			b.Fatal(err)
		}
	}
}
