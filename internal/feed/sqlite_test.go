package feed_test

import (
	"context"
	"errors"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"coatcheck/internal/feed"
	"coatcheck/internal/sqlconn"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// follower counts what it is told.
type follower struct {
	mu  sync.Mutex
	all int
}

func (f *follower) Told(string) {}

func (f *follower) ForgetAll() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.all++
}

func (f *follower) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.all
}

func open(tb testing.TB, path string) *sqlconn.DB {
	tb.Helper()
	db, err := sqlconn.Open("sqlite:"+path, sqlconn.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { _ = db.Close() })
	return db
}

func watch(tb testing.TB, db *sqlconn.DB, every time.Duration) (*feed.SQLite, *follower) {
	tb.Helper()
	changes, err := db.Changes()
	if err != nil {
		tb.Fatal(err)
	}
	s, f := feed.NewSQLite(changes, every), &follower{}
	s.Follow(f)
	tb.Cleanup(func() { _ = s.Close() })
	return s, f
}

// TestSQLite: every commit by another connection is told before the next use is believed; no commit, no word.
func TestSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "db.sqlite3")
	here, there := open(t, path), open(t, path)
	s, f := watch(t, here, 0)
	for _, step := range []struct {
		name, statement string
		told            bool
	}{
		{"first look", "", true}, {"nothing", "", false}, {"a table", "CREATE TABLE t (x)", true}, {"a row", "INSERT INTO t VALUES (1)", true},
		{"a read", "SELECT * FROM t", false}, {"nothing again", "", false}, {"another row", "DELETE FROM t", true},
	} {
		if step.statement != "" {
			if _, err := there.Exec(step.statement); err != nil {
				t.Fatal(err)
			}
		}
		before := f.count()
		if heard := s.Heard(); !heard || (f.count() > before) != step.told {
			t.Errorf("%s: heard %v, told %v; want true, %v", step.name, heard, f.count() > before, step.told)
		}
	}
	if err := s.Close(); err != nil || s.Heard() {
		t.Errorf("closed: %v, heard %v", err, s.Heard())
	}
}

// version answers as it is told.
type version struct {
	asked int
	err   error
}

func (v *version) Since(context.Context) (bool, error) { v.asked++; return v.asked == 1, v.err }
func (v *version) Close() error                        { return nil }

// TestSQLite_bound: a file is looked at when the last look is old enough, by requests alone, and one that cannot be looked at is not believed.
func TestSQLite_bound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &version{}
		s := feed.NewSQLite(v, feed.LookTime)
		for range 1000 {
			s.Heard()
			time.Sleep(time.Millisecond)
		}
		if limit := int(time.Second/feed.LookTime) + 1; v.asked > limit || v.asked < limit-2 {
			t.Errorf("looked %d times in a second of requests, want %d", v.asked, limit)
		}
		before := v.asked
		time.Sleep(time.Hour)
		if v.asked != before {
			t.Error("looked without requests")
		}
		v.err = errors.New("locked")
		if s.Heard() {
			t.Error("believed a file that cannot be looked at")
		}
	})
}

func BenchmarkSQLiteLook(b *testing.B) {
	s, _ := watch(b, open(b, filepath.Join(b.TempDir(), "db.sqlite3")), 0)
	b.ReportAllocs()
	for b.Loop() {
		s.Heard()
	}
}

func BenchmarkSQLiteHeard(b *testing.B) {
	s, _ := watch(b, open(b, filepath.Join(b.TempDir(), "db.sqlite3")), feed.LookTime)
	b.ReportAllocs()
	for b.Loop() {
		s.Heard()
	}
}
