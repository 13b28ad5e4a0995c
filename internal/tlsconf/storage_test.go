package tlsconf

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"path/filepath"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/caddyserver/certmagic"

	"coatcheck/internal/certtable"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore/cache"
)

var fleetKeys = signing.Keys{Secret: "a fleet's secret"}

// shelves open the same shelf as often as they are called, each time as another process would.
func shelves(t *testing.T) map[string]func(testing.TB) Shelf {
	table := func(url string) func(testing.TB) Shelf {
		return func(t testing.TB) Shelf {
			t.Helper()
			db, err := sqlconn.Open(url, sqlconn.Options{MaxConns: 4})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { db.Close() })
			made := certtable.New(db)
			if err := made.CreateTable(context.Background()); err != nil {
				t.Fatal(err)
			}
			return made
		}
	}
	redis := func(url string) func(testing.TB) Shelf {
		return func(t testing.TB) Shelf {
			t.Helper()
			s, err := cache.OpenShelf(url, cache.Options{KeyPrefix: "}a*b"})
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { s.Close() })
			return s
		}
	}
	return map[string]func(testing.TB) Shelf{
		"sqlite":         table("sqlite:" + filepath.Join(t.TempDir(), "db.sqlite3")),
		"postgres":       table(testenv.Postgres(t)),
		"mariadb":        table(testenv.MariaDB(t)),
		"redis":          redis(testenv.Redis(t).URL),
		"redis sentinel": redis(testenv.RedisSentinel(t).URL),
		"redis cluster":  redis(testenv.RedisCluster(t).URL),
	}
}

func newTestStorage(t testing.TB, shelf Shelf, keys signing.Keys) *shared {
	s := newShared(shelf, keys, slog.New(slog.DiscardHandler))
	t.Cleanup(s.free)
	return s
}

// Every storage keeps the same promises, in files, in tables and in Redis.
func TestStorages(t *testing.T) {
	storages := map[string]func(testing.TB) certmagic.Storage{}
	dir := t.TempDir()
	storages["file"] = func(testing.TB) certmagic.Storage { return &local{certmagic.FileStorage{Path: dir}} }
	for name, open := range shelves(t) {
		storages[name] = func(t testing.TB) certmagic.Storage { return newTestStorage(t, open(t), fleetKeys) }
	}
	for name, open := range storages {
		t.Run(name, func(t *testing.T) {
			one, two := open(t), open(t)
			t.Run("values", func(t *testing.T) { checkValues(t, one, two) })
			t.Run("directories", func(t *testing.T) { checkDirectories(t, one, two) })
			t.Run("hostile keys", func(t *testing.T) { checkHostileKeys(t, one) })
			t.Run("F31 locks exclude", func(t *testing.T) { checkExclusion(t, []certmagic.Storage{one, two}) })
			t.Run("a wait that is ended", func(t *testing.T) { checkWait(t, one, two) })
		})
	}
}

func checkValues(t *testing.T, one, two certmagic.Storage) {
	ctx := t.Context()
	const key = "certificates/ca/a.test/a.test.key"
	if _, err := one.Load(ctx, key); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("load what is not there: got %v, want fs.ErrNotExist", err)
	}
	if _, err := one.Stat(ctx, key); !errors.Is(err, fs.ErrNotExist) || one.Exists(ctx, key) {
		t.Errorf("look at what is not there: got %v, want fs.ErrNotExist", err)
	}
	if err := one.Delete(ctx, key); err != nil {
		t.Errorf("delete what is not there: %v", err)
	}
	for _, value := range [][]byte{[]byte("first"), bytes.Repeat([]byte{0, 255, '\n'}, 40000), {}, []byte("last")} {
		if err := one.Store(ctx, key, value); err != nil {
			t.Fatal(err)
		}
		if got, err := two.Load(ctx, key); err != nil || !bytes.Equal(got, value) {
			t.Errorf("another process reads %d bytes, %v; want the %d that were written", len(got), err, len(value))
		}
	}
	info, err := two.Stat(ctx, key)
	if err != nil || info.Key != key || !info.IsTerminal || info.Size != 4 || time.Since(info.Modified).Abs() > time.Minute {
		t.Errorf("stat: got %+v, %v; want 4 bytes, now", info, err)
	}
	if err := two.Delete(ctx, key); err != nil || one.Exists(ctx, key) {
		t.Errorf("after delete: %v, exists %v", err, one.Exists(ctx, key))
	}
	ended, stop := context.WithCancel(ctx)
	stop()
	if _, isFile := one.(*local); !isFile {
		if err := one.Store(ended, key, nil); err == nil {
			t.Error("stored after its context had ended")
		}
		if _, err := one.Load(ended, key); err == nil || errors.Is(err, fs.ErrNotExist) {
			t.Errorf("load after its context had ended: got %v, want a fault", err)
		}
	}
}

func checkDirectories(t *testing.T, one, two certmagic.Storage) {
	ctx := t.Context()
	for _, key := range []string{"d/a/x", "d/a/y", "d/b", "d/A/x", "d_/c", "d%/c"} {
		if err := one.Store(ctx, key, []byte(key)); err != nil {
			t.Fatal(err)
		}
	}
	list := func(dir string, recursive bool, want ...string) {
		t.Helper()
		got, err := two.List(ctx, dir, recursive)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("list %q (recursive %v): got %v, %v, want %v", dir, recursive, got, err, want)
		}
	}
	list("d", false, "d/A", "d/a", "d/b")
	list("d", true, "d/A", "d/A/x", "d/a", "d/a/x", "d/a/y", "d/b")
	list("d/a", true, "d/a/x", "d/a/y")
	if got, err := two.List(ctx, "none", true); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("list nothing: got %v, %v, want fs.ErrNotExist", got, err)
	}
	if info, err := two.Stat(ctx, "d/a"); err != nil || info.IsTerminal || !two.Exists(ctx, "d/a") {
		t.Errorf("stat of a directory: got %+v, %v", info, err)
	}
	if err := two.Delete(ctx, "d/a"); err != nil {
		t.Fatal(err)
	}
	list("d", true, "d/A", "d/A/x", "d/b")
	for _, key := range []string{"d", "d_", "d%"} {
		if err := one.Delete(ctx, key); err != nil || two.Exists(ctx, key) {
			t.Errorf("delete %s: %v, exists %v", key, err, two.Exists(ctx, key))
		}
	}
}

func checkHostileKeys(t *testing.T, s certmagic.Storage) {
	ctx := t.Context()
	for _, key := range []string{"", ".", "..", "../x", "a/../../x", "/etc/passwd", "a//b", "a/", "a\x00b", "a\nb", `a\..\b`, "\xff", strings.Repeat("a/", longestKey) + "b"} {
		if err := s.Store(ctx, key, []byte("x")); !errors.Is(err, errKey) {
			t.Errorf("store %.20q: got %v, want a refusal", key, err)
		}
		if _, err := s.Load(ctx, key); !errors.Is(err, errKey) {
			t.Errorf("load %.20q: got %v, want a refusal", key, err)
		}
		if err := s.Delete(ctx, key); !errors.Is(err, errKey) {
			t.Errorf("delete %.20q: got %v, want a refusal", key, err)
		}
		if s.Exists(ctx, key) {
			t.Errorf("%.20q exists", key)
		}
	}
	for _, key := range []string{"%", "_", "a'b", `a"b`, "a*b", "{x}", "grün/ß"} {
		if err := s.Store(ctx, key, []byte(key)); err != nil {
			t.Errorf("store %q: %v", key, err)
		}
		if got, err := s.Load(ctx, key); err != nil || string(got) != key {
			t.Errorf("load %q: got %q, %v", key, got, err)
		}
		if err := s.Delete(ctx, key); err != nil {
			t.Errorf("delete %q: %v", key, err)
		}
	}
}

// checkExclusion counts under the lock, in two processes, several at once in each.
func checkExclusion(t *testing.T, processes []certmagic.Storage) {
	ctx, stop := context.WithTimeout(t.Context(), time.Minute)
	defer stop()
	var all sync.WaitGroup
	var count atomic.Int32
	var inside atomic.Bool // a lock of files or servers orders nothing for the race detector
	for i := range 4 {
		all.Go(func() {
			s := processes[i%2]
			if err := s.Lock(ctx, "issue_cert_a.test"); err != nil {
				t.Error(err)
				return
			}
			if inside.Swap(true) {
				t.Error("two hold the lock")
			}
			time.Sleep(time.Millisecond)
			count.Add(1)
			inside.Store(false)
			if err := s.Unlock(ctx, "issue_cert_a.test"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := count.Load(); n != 4 {
		t.Errorf("%d had the lock, want 4", n)
	}
	for i, s := range processes {
		if err := s.Unlock(ctx, "issue_cert_a.test"); err == nil {
			t.Errorf("process %d gave up a lock that it does not hold", i)
		}
	}
}

func checkWait(t *testing.T, one, two certmagic.Storage) {
	if err := one.Lock(t.Context(), "issue_cert_b.test"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	got := make(chan error)
	go func() { got <- two.Lock(ctx, "issue_cert_b.test") }()
	stop()
	if err := <-got; !errors.Is(err, context.Canceled) {
		t.Errorf("a wait that is ended: got %v, want context.Canceled", err)
	}
	if err := one.Unlock(ctx, "issue_cert_b.test"); err != nil {
		t.Errorf("unlock after the end of a context: %v", err)
	}
}

// The lock of a process that died is taken over; that process, should it come back, writes nothing more of this certificate.
func TestStaleLock_F31(t *testing.T) {
	for name, open := range shelves(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			dead, next := newTestStorage(t, open(t), fleetKeys), newTestStorage(t, open(t), fleetKeys)
			const lock, key = "issue_cert_*.a.test", "certificates/ca/wildcard_.a.test/wildcard_.a.test.crt"
			next.lease = 500 * time.Millisecond
			dead.lease = 200 * time.Millisecond
			if err := dead.Lock(ctx, lock); err != nil {
				t.Fatal(err)
			}
			if err := dead.Store(ctx, key, []byte("in time")); err != nil {
				t.Fatal(err)
			}
			dead.held[lock].stop() // as if it hung: nothing is renewed
			if err := next.Lock(ctx, lock); err != nil {
				t.Fatal(err)
			}
			if err := dead.Store(ctx, key, []byte("late")); !errors.Is(err, errLost) {
				t.Errorf("the former holder stores: got %v, want a refusal", err)
			}
			if err := dead.Unlock(ctx, lock); err != nil {
				t.Error(err)
			}
			if err := next.Store(ctx, key, []byte("new")); err != nil {
				t.Errorf("the holder stores after the former one has unlocked: %v", err)
			}
			if got, err := dead.Load(ctx, key); err != nil || string(got) != "new" {
				t.Errorf("got %q, %v, want new", got, err)
			}
			if held, err := next.shelf.Renew(ctx, lock, next.held[lock].token, time.Minute); !held || err != nil {
				t.Errorf("renew by the holder: got %v, %v", held, err)
			}
			if held, err := next.shelf.Renew(ctx, lock, "another", time.Minute); held || err != nil {
				t.Errorf("renew by another: got %v, %v", held, err)
			}
		})
	}
}

// A lease is renewed as long as the work takes.
func TestLeaseRenewal_F31(t *testing.T) {
	open := shelves(t)["sqlite"]
	long, other := newTestStorage(t, open(t), fleetKeys), newTestStorage(t, open(t), fleetKeys)
	long.lease, other.lease = 600*time.Millisecond, 600*time.Millisecond
	if err := long.Lock(t.Context(), "issue_cert_a.test"); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithTimeout(t.Context(), 4*long.lease)
	defer stop()
	if err := other.Lock(ctx, "issue_cert_a.test"); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want a wait that does not end", err)
	}
}

// Who reads the shelf learns no key, and who writes it plants none.
func TestSealed_13_3_1(t *testing.T) {
	for name, open := range shelves(t) {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			shelf := open(t)
			old := newTestStorage(t, shelf, fleetKeys)
			const key, text = "certificates/ca/a.test/a.test.key", "-----BEGIN EC PRIVATE KEY-----"
			if err := old.Store(ctx, key, []byte(text)); err != nil {
				t.Fatal(err)
			}
			sealed, err := shelf.Get(ctx, key)
			if err != nil || strings.Contains(sealed, "PRIVATE") {
				t.Errorf("on the shelf: %.60q, %v", sealed, err)
			}
			rotated := newTestStorage(t, shelf, signing.Keys{Secret: "new", Fallbacks: []string{fleetKeys.Secret}})
			if got, err := rotated.Load(ctx, key); err != nil || string(got) != text {
				t.Errorf("with the former secret as a fallback: got %q, %v", got, err)
			}
			stranger := newTestStorage(t, shelf, signing.Keys{Secret: "other"})
			if got, err := stranger.Load(ctx, key); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("with another secret: got %q, %v, want fs.ErrNotExist", got, err)
			}
			if _, err := shelf.Put(ctx, "certificates/ca/b.test/b.test.key", sealed, "", ""); err != nil {
				t.Fatal(err)
			}
			if got, err := old.Load(ctx, "certificates/ca/b.test/b.test.key"); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("moved to another name: got %q, %v, want fs.ErrNotExist", got, err)
			}
		})
	}
}
