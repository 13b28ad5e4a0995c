package nearcache_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"coatcheck/internal/feed"
	"coatcheck/internal/near"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cacheddbstore"
	"coatcheck/sessionstore/cachestore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/cookiestore"
	"coatcheck/sessionstore/dbstore"
	"coatcheck/sessionstore/filestore"
	"coatcheck/sessionstore/ledger"
	"coatcheck/sessionstore/nearcache"
	"coatcheck/sessionstore/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const secret = "a secret key of tests, åß"

// line is a feed that can be followed.
type line interface {
	near.Feed
	Follow(f feed.Follower)
}

// process is one store with its connections, as a process has them.
type process struct {
	t     testing.TB
	now   func() time.Time
	db    *sqlconn.DB
	cache *cache.Cache
	store *nearcache.Store
	heard heard
	deaf  bool                        // its feeds will hear nothing
	runs  []func(ctx context.Context) // of the feeds
}

// heard is told what the feeds tell, to know when they have told everything.
type heard struct {
	mu    sync.Mutex
	names map[string]bool
}

func (h *heard) Told(name string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.names == nil {
		h.names = map[string]bool{}
	}
	h.names[name] = true
}

func (h *heard) ForgetAll() {}

func (h *heard) has(name string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.names[name]
}

// until waits, generously.
func until(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(15 * time.Second); time.Now().Before(end); time.Sleep(200 * time.Microsecond) {
		if done() {
			return
		}
	}
	t.Fatalf("%s: it does not happen", what)
}

func (p *process) openDB(url string) {
	p.t.Helper()
	db, err := sqlconn.Open(url, sqlconn.Options{})
	if err != nil {
		p.t.Fatal(err)
	}
	p.db = db
	p.t.Cleanup(func() { _ = db.Close() })
}

func (p *process) openCache(url, prefix string) {
	p.t.Helper()
	c, err := cache.Open(url, cache.Options{KeyPrefix: prefix, Now: p.now})
	if err != nil {
		p.t.Fatal(err)
	}
	p.cache = c
	p.t.Cleanup(func() { _ = c.Close() })
}

// goes runs work until the test ends.
func (p *process) goes(work func(ctx context.Context)) {
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); work(ctx) }()
	p.t.Cleanup(func() { cancel(); <-done })
}

func (p *process) rows() *dbstore.Store {
	p.t.Helper()
	rows := dbstore.New(p.db, codec.NewSigned(signing.Keys{Secret: secret}, p.now), dbstore.Options{Now: p.now})
	if err := rows.CreateTable(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	return rows
}

func (p *process) cookies() *cookiestore.Store {
	p.t.Helper()
	l := ledger.New(p.db, signing.Keys{Secret: secret}, p.now)
	if err := l.CreateTable(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	return cookiestore.New(signing.Keys{Secret: secret}, l, sessionstore.DefaultCookieAge, p.now)
}

func (p *process) files(dir string) *filestore.Store {
	p.t.Helper()
	store, err := filestore.Open(codec.NewSigned(signing.Keys{Secret: secret}, p.now), filestore.Options{
		Dir: dir, CookieName: "sessionid", Settings: sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}, Now: p.now,
	})
	if err != nil {
		p.t.Fatal(err)
	}
	p.t.Cleanup(func() { store.Close() })
	return store
}

// dbLine is the feed of the database, which is asked with each use where it is SQLite.
func (p *process) dbLine(topic feed.Topic) line {
	p.t.Helper()
	if p.db.Dialect == sqlconn.SQLite {
		changes, err := p.db.Changes()
		if err != nil {
			p.t.Fatal(err)
		}
		l := feed.NewSQLite(changes, 0)
		p.t.Cleanup(func() { _ = l.Close() })
		return l
	}
	if err := feed.MakeTriggers(p.t.Context(), p.db, p.tables()...); err != nil {
		p.t.Fatal(err)
	}
	listener := feed.NewPostgres(p.db, slog.New(slog.DiscardHandler))
	l := listener.Topic(topic)
	l.Follow(&p.heard)
	p.runs = append(p.runs, listener.Run)
	return l
}

func (p *process) tables() []string {
	tables, err := p.db.Tables(p.t.Context())
	if err != nil {
		p.t.Fatal(err)
	}
	return tables
}

func (p *process) cacheLine(prefix string) line {
	l := feed.NewRedis(p.cache, prefix, slog.New(slog.DiscardHandler))
	l.Follow(&p.heard)
	p.runs = append(p.runs, l.Run)
	return l
}

// put puts memory in front of next.
func (p *process) put(next sessionstore.Store, o nearcache.Options, lines ...line) {
	o.Entries, o.Now = 1000, p.now
	for _, l := range lines {
		o.Feeds = append(o.Feeds, l)
	}
	p.store = nearcache.New(next, o)
	for _, l := range lines {
		l.Follow(p.store)
	}
	for _, run := range p.runs {
		p.goes(run)
	}
	for _, l := range lines {
		if p.deaf {
			break
		}
		until(p.t, "a feed is heard", l.Heard)
	}
}

func (p *process) name() func(key string) string {
	if p.db.Dialect == sqlconn.Postgres {
		return feed.SessionName
	}
	return nil
}

func (p *process) ends(prefix string) func(ctx context.Context, key string) (time.Time, error) {
	return func(ctx context.Context, key string) (time.Time, error) {
		at, err := p.cache.Ends(ctx, prefix+key)
		if errors.Is(err, cache.ErrAbsent) {
			err = sessionstore.ErrNotFound
		}
		return at, err
	}
}

func stamps(files *filestore.Store) func(key string) (nearcache.Stamp, error) {
	return func(key string) (nearcache.Stamp, error) {
		modified, size, inode, err := files.Stamp(key)
		return nearcache.Stamp{Modified: modified.UnixNano(), Size: size, Inode: inode}, err
	}
}

// site is a place for records, and the processes that use it.
type site struct {
	url, cacheURL, dir, prefix string
	build                      func(s *site, p *process)
	processes                  []*process
	probes                     int
}

func (s *site) open(t testing.TB, now func() time.Time) *process {
	p := &process{t: t, now: now}
	s.build(s, p)
	s.processes = append(s.processes, p)
	return p
}

// settle sends a word after all that was written, and waits until everybody has heard it.
func (s *site) settle(t testing.TB) {
	t.Helper()
	s.probes++
	word := fmt.Sprintf("probe%08d", s.probes)
	if s.cacheURL != "" {
		for _, prefix := range []string{cachestore.KeyPrefix, cacheddbstore.KeyPrefix} {
			if err := s.processes[0].cache.Add(t.Context(), prefix+word, []byte("x"), time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
	}
	if db := s.processes[0].db; db != nil && db.Dialect == sqlconn.Postgres {
		for _, topic := range []string{"s:", "l:"} {
			if _, err := db.ExecContext(t.Context(), "SELECT pg_notify('coatcheck', $1)", topic+word+"pg"); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, p := range s.processes {
		if p.db != nil && p.db.Dialect == sqlconn.Postgres {
			until(t, "the database's word is heard", func() bool { return p.heard.has(word + "pg") })
		}
		if p.cache != nil {
			until(t, "the cache's word is heard", func() bool { return p.heard.has(word) })
		}
	}
}

// place is the site as the suite knows it.
func (s *site) place(t testing.TB, now func() time.Time) *storetest.Place {
	place := &storetest.Place{
		Open:   func() sessionstore.Store { return s.open(t, now).store.Front() },
		Settle: func() { s.settle(t) },
		Break: func() {
			for _, p := range s.processes {
				if p.db != nil {
					_ = p.db.Close()
				}
				if p.cache != nil {
					_ = p.cache.Close()
				}
			}
		},
	}
	if s.dir != "" {
		place.Break = nil // files can always be reached
	}
	return place
}

func sqlite(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "db.sqlite3") }
