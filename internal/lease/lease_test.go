package lease_test

import (
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/internal/lease"
	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

var databases = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "db.sqlite3") },
	"postgres": testenv.Postgres,
	"mariadb":  testenv.MariaDB,
}

// process is one of a fleet, with connections of its own.
func process(t *testing.T, url string, now func() time.Time) *lease.Leases {
	t.Helper()
	db, err := sqlconn.Open(url, sqlconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	l := lease.New(db, now)
	if err := l.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

func TestOneOfThree(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			url := database(t)
			var now atomic.Int64
			clock := func() time.Time { return time.UnixMilli(now.Load()) }
			fleet := []*lease.Leases{process(t, url, clock), process(t, url, clock), process(t, url, clock)}
			take := func(l *lease.Leases) bool {
				got, err := l.Take(t.Context(), "clean", time.Minute)
				if err != nil {
					t.Error(err)
				}
				return got
			}
			for round := range 10 {
				now.Add(time.Minute.Milliseconds()) // what was held has ended: its holder may have died
				var all sync.WaitGroup
				var holders, holder atomic.Int64
				for i, l := range fleet {
					all.Go(func() {
						if take(l) {
							holders.Add(1)
							holder.Store(int64(i))
						}
					})
				}
				all.Wait()
				if holders.Load() != 1 {
					t.Fatalf("round %d: %d processes hold the lease, want one", round, holders.Load())
				}
				now.Add(time.Minute.Milliseconds() - 1)
				for i, l := range fleet {
					if got, own := take(l), int64(i) == holder.Load(); got != own {
						t.Errorf("round %d, before its end: process %d of holder %d takes it: %t", round, i, holder.Load(), got)
					}
					if int64(i) == holder.Load() {
						break // it was prolonged
					}
				}
			}
			if got, err := fleet[0].Take(t.Context(), "other", time.Minute); !got || err != nil {
				t.Errorf("a lease of another name: %t, %v", got, err)
			}
		})
	}
}
