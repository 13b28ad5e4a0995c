package cacheddbstore_test

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cacheddbstore"
)

// server is a cache that can be stopped.
type server struct {
	*testenv.Server
	url    string
	forget func() // empties it
}

func eachCache(t *testing.T, test func(t *testing.T, s server)) {
	t.Run("redis", func(t *testing.T) {
		r := testenv.Redis(t)
		test(t, server{r.Server, r.URL, func() { r.Do("FLUSHALL") }})
	})
	t.Run("memcached", func(t *testing.T) {
		m := testenv.Memcached(t)
		test(t, server{m.Server, m.URL, func() { flush(t, m.Addr) }})
	})
}

func flush(t *testing.T, addr string) {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.Write([]byte("flush_all\r\n")); err != nil {
		t.Fatal(err)
	}
	if answer, err := bufio.NewReader(conn).ReadString('\n'); err != nil || answer != "OK\r\n" {
		t.Fatalf("flush_all: %q, %v", answer, err)
	}
}

// rows counts the reads of each key, and holds them back while gate is locked.
type rows struct {
	cacheddbstore.Rows
	gate sync.RWMutex
	mu   sync.Mutex
	read map[string]int
}

func (r *rows) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	r.mu.Lock()
	r.read[key]++
	r.mu.Unlock()
	r.gate.RLock()
	defer r.gate.RUnlock()
	return r.Rows.Load(ctx, key)
}

func (r *rows) reads(key string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read[key]
}

// process is a store with connections of its own.
type process struct {
	*cacheddbstore.Store
	rows   *rows
	cache  *cache.Cache
	faults atomic.Int64
	ahead  atomic.Int64 // of its clock
}

func (p *process) now() time.Time { return time.Now().Add(time.Duration(p.ahead.Load())) }

// start starts a process on the database and the cache.
func start(t *testing.T, databaseURL, cacheURL string, opts cacheddbstore.Options) *process {
	t.Helper()
	p := &process{cache: openCache(t, cacheURL, cache.Options{})}
	p.rows = &rows{Rows: rowsIn(t, openDB(t, databaseURL), time.Now), read: map[string]int{}}
	opts.Now, opts.Fault = p.now, func(error) { p.faults.Add(1) }
	p.Store = cacheddbstore.New(p.rows, p.cache, opts)
	return p
}

func record(n int64) sessionstore.Record {
	d := pyvalue.NewDict()
	d.Set("n", pyvalue.NewInt(n))
	return sessionstore.Record{Data: d, Expires: time.Now().Add(time.Hour).Truncate(time.Microsecond)}
}

func (p *process) create(t *testing.T, n int64) string {
	t.Helper()
	key, err := p.Create(t.Context(), sessionstore.NewKey(), record(n))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func (p *process) update(t *testing.T, key string, n int64) {
	t.Helper()
	if _, err := p.Update(t.Context(), key, record(n)); err != nil {
		t.Fatal(err)
	}
}

func (p *process) logout(t *testing.T, key string) {
	t.Helper()
	if err := p.Delete(t.Context(), key); err != nil {
		t.Fatalf("logout: %v", err)
	}
}

// holds checks the number under key; 0: no session.
func (p *process) holds(t *testing.T, key string, want int64) {
	t.Helper()
	rec, err := p.Load(t.Context(), key)
	if want == 0 {
		if !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("load = %v, %v; want ErrNotFound", rec.Data, err)
		}
		return
	}
	if err != nil {
		t.Errorf("load: %v, want %d", err, want)
		return
	}
	if v, _ := rec.Data.Get("n"); !pyvalue.Equal(v, pyvalue.NewInt(want)) {
		t.Errorf("n = %v, want %d", v, want)
	}
}

// entry is what is in the cache, "" for nothing.
func (p *process) entry(t *testing.T, key string) string {
	t.Helper()
	value, err := p.cache.Get(t.Context(), cacheddbstore.KeyPrefix+key)
	if err != nil && !errors.Is(err, cache.ErrAbsent) {
		t.Fatal(err)
	}
	return string(value)
}

// settled calls Settle until nothing is left.
func (p *process) settled(t *testing.T) {
	t.Helper()
	var left int
	var err error
	for range 500 {
		if left, err = p.Settle(t.Context()); left == 0 && err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("Settle leaves %d, %v", left, err)
}

// rested moves the clock beyond the pause of a failed cache.
func (p *process) rested() { p.ahead.Add(int64(1100 * time.Millisecond)) }
