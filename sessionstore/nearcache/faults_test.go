package nearcache_test

import (
	"errors"
	"testing"
	"time"

	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
)

// served counts how the store answers for a session: from memory or its server, not there, or a fault.
func (p *process) served(t *testing.T, key string) (live bool, fault error) {
	t.Helper()
	_, err := p.store.Load(t.Context(), key)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, sessionstore.ErrNotFound):
		return false, nil
	}
	return false, err
}

// warmed creates a session and asks until it comes from memory.
func (p *process) warmed(t *testing.T) (key string) {
	t.Helper()
	key, err := p.store.Create(t.Context(), sessionstore.NewKey(), typical(1))
	if err != nil {
		t.Fatal(err)
	}
	hits := p.store.Stats().Hits
	until(t, "it comes from memory", func() bool {
		if live, err := p.served(t, key); err != nil || !live {
			t.Fatalf("live %v, %v", live, err)
		}
		return p.store.Stats().Hits > hits
	})
	return key
}

// TestFrozenServer_F02: a server that says nothing is a lost feed, within 3 s; then every call is a fault, never "absent". When it is back, so is the session.
func TestFrozenServer_F02(t *testing.T) {
	server := testenv.Redis(t)
	s := &site{cacheURL: server.URL, build: buildCache}
	p := s.open(t, time.Now)
	key := p.warmed(t)
	server.Pause()
	began := time.Now()
	for {
		live, err := p.served(t, key)
		if err != nil {
			break
		}
		if !live {
			t.Fatal("a session is absent while nobody can be asked")
		}
		if time.Since(began) > 10*time.Second { // 3 s on a quiet machine
			t.Fatal("still served from memory after 10 s")
		}
		time.Sleep(10 * time.Millisecond)
	}
	server.Resume()
	until(t, "the session is served again", func() bool { live, _ := p.served(t, key); return live })
	p.warmed(t)
}

// TestRestartedServer_F06: what was in memory does not outlive a cache that came back empty.
func TestFlushedServer_F06(t *testing.T) {
	server := testenv.Redis(t)
	s := &site{cacheURL: server.URL, build: buildCache}
	p := s.open(t, time.Now)
	key := p.warmed(t)
	server.Do("FLUSHALL")
	until(t, "the session is gone with the cache", func() bool { live, err := p.served(t, key); return err == nil && !live })
	p.warmed(t)
}

// TestLostFeed_J1: sessions that end while their feed is cut are never served once the loss is known, and a new feed believes nothing old.
func TestLostFeed_J1(t *testing.T) {
	server := testenv.Redis(t)
	for name, s := range map[string]*site{
		"Redis":      {cacheURL: server.URL, build: buildCache},
		"PostgreSQL": {url: testenv.Postgres(t), build: buildDB},
	} {
		t.Run(name, func(t *testing.T) {
			p, other := s.open(t, time.Now), s.open(t, time.Now)
			for range 5 {
				key := p.warmed(t)
				if p.cache != nil {
					server.Do("CLIENT", "KILL", "TYPE", "pubsub")
				} else if _, err := p.db.Exec("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND query ILIKE '%pg_trigger%' AND pid <> pg_backend_pid()"); err != nil {
					t.Fatal(err)
				}
				if err := other.store.Delete(t.Context(), key); err != nil {
					t.Fatal(err)
				}
				until(t, "the logout is known", func() bool { live, err := p.served(t, key); return err == nil && !live })
			}
			p.warmed(t)
		})
	}
}

// TestTriggersGone: without its triggers a table says nothing, and is read with every use.
func TestTriggersGone(t *testing.T) {
	s := &site{url: testenv.Postgres(t), build: buildDB}
	p, other := s.open(t, time.Now), s.open(t, time.Now)
	key := p.warmed(t)
	if _, err := p.db.Exec("DROP TRIGGER coatcheck_delete ON django_session"); err != nil {
		t.Fatal(err)
	}
	until(t, "the loss is noticed", func() bool { return !p.store.Believed() })
	if err := other.store.Delete(t.Context(), key); err != nil {
		t.Fatal(err)
	}
	if live, err := p.served(t, key); err != nil || live {
		t.Errorf("live %v, %v; want it gone", live, err)
	}
	if _, err := p.db.Exec("TRUNCATE django_session"); err != nil {
		t.Fatal(err)
	}
}

// TestTruncate: a table that is emptied at once takes all sessions with it.
func TestTruncate(t *testing.T) {
	s := &site{url: testenv.Postgres(t), build: buildDB}
	p := s.open(t, time.Now)
	key := p.warmed(t)
	if _, err := p.db.Exec("TRUNCATE django_session"); err != nil {
		t.Fatal(err)
	}
	until(t, "the session is gone", func() bool { live, err := p.served(t, key); return err == nil && !live })
}

// TestTracking_notAllowed: a Redis user without the rights reads through.
func TestTracking_notAllowed(t *testing.T) {
	server := testenv.Redis(t)
	server.Do("ACL", "SETUSER", server.Username, "-client|tracking")
	s := &site{cacheURL: server.URL, build: func(s *site, p *process) {
		p.deaf = true
		buildCache(s, p)
	}}
	p := s.open(t, time.Now)
	key, err := p.store.Create(t.Context(), sessionstore.NewKey(), typical(1))
	if err != nil {
		t.Fatal(err)
	}
	for range 3 {
		if live, err := p.served(t, key); err != nil || !live {
			t.Errorf("live %v, %v", live, err)
		}
	}
	if stats := p.store.Stats(); stats.Hits != 0 || stats.Past != 3 {
		t.Errorf("%+v; want all three to pass by", stats)
	}
}

// TestEntryEnds: a cache's entry that ends by itself is not served a moment longer than there.
func TestEntryEnds(t *testing.T) {
	server := testenv.Redis(t)
	s := &site{cacheURL: server.URL, build: buildCache}
	p := s.open(t, time.Now)
	rec := typical(1)
	rec.Expires = time.Now().Add(2 * time.Second)
	key, err := p.store.Create(t.Context(), sessionstore.NewKey(), rec)
	if err != nil {
		t.Fatal(err)
	}
	until(t, "it comes from memory", func() bool { _, _ = p.served(t, key); return p.store.Stats().Hits > 0 })
	until(t, "it ends", func() bool { live, err := p.served(t, key); return err == nil && !live })
	if over := time.Since(rec.Expires); over > 5*time.Second {
		t.Errorf("served until %s after its end", over)
	}
}
