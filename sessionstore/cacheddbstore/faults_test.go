package cacheddbstore_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cacheddbstore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/dbstore"
)

type options = cacheddbstore.Options

// TestCacheDown_F01_F02: without its cache, stopped or silent, everything is served from the database, and the faults are reported.
func TestCacheDown_F01_F02(t *testing.T) {
	eachCache(t, func(t *testing.T, s server) {
		p := start(t, sqlite(t), s.url, options{})
		for name, down := range map[string]func(){"F01": s.Stop, "F02": s.Pause} {
			t.Run(name, func(t *testing.T) {
				live, ended := p.create(t, 1), p.create(t, 1)
				p.rested()
				faults := p.faults.Load()
				down()
				made := p.create(t, 3)
				p.update(t, live, 2)
				p.logout(t, ended)
				p.holds(t, live, 2)
				p.holds(t, made, 3)
				p.holds(t, ended, 0)
				if p.faults.Load() == faults {
					t.Error("no fault was reported")
				}
				if name == "F01" {
					s.Start()
				} else {
					s.Resume()
				}
				p.rested()
				p.settled(t)
				for range 2 {
					p.holds(t, live, 2)
					p.holds(t, made, 3)
					p.holds(t, ended, 0)
				}
				if p.entry(t, live) == "" || p.entry(t, made) == "" || p.entry(t, ended) != "" {
					t.Errorf("entries afterwards: %q, %q, %q", p.entry(t, live), p.entry(t, made), p.entry(t, ended))
				}
			})
		}
	})
}

// TestFlushed_F06_F07: a flushed cache logs nobody out, and each row is read once however many ask.
func TestFlushed_F06_F07(t *testing.T) {
	eachCache(t, func(t *testing.T, s server) {
		p := start(t, sqlite(t), s.url, options{})
		var keys []string
		for range 50 {
			keys = append(keys, p.create(t, 1))
		}
		s.forget()
		var group sync.WaitGroup
		for _, key := range keys {
			for range 10 {
				group.Go(func() { p.holds(t, key, 1) })
			}
		}
		group.Wait()
		for _, key := range keys {
			if n := p.rows.reads(key); n != 1 {
				t.Errorf("a row was read %d times", n)
			}
		}
	})
}

// TestFirstCallerLeaves_F05_F07: who waits for a cold load is not harmed when the one who began it leaves.
func TestFirstCallerLeaves_F05_F07(t *testing.T) {
	s := testenv.Redis(t)
	p := start(t, sqlite(t), s.URL, options{})
	key := p.create(t, 1)
	s.Do("FLUSHALL")
	p.rows.gate.Lock()
	ctx, cancel := context.WithCancel(t.Context())
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := p.Load(ctx, key); !errors.Is(err, context.Canceled) {
			t.Errorf("load of who left = %v, want context.Canceled", err)
		}
	})
	for p.rows.reads(key) == 0 {
		time.Sleep(time.Millisecond)
	}
	group.Go(func() { p.holds(t, key, 1) })
	cancel()
	p.rows.gate.Unlock()
	group.Wait()
	p.holds(t, key, 1)
}

// TestLogoutWithCacheDown_F08: the old entry is there again when the cache returns, and the session stays dead.
func TestLogoutWithCacheDown_F08(t *testing.T) {
	s := testenv.Redis(t) // keeps its data over a stop
	url := sqlite(t)
	here, there := start(t, url, s.URL, options{}), start(t, url, s.URL, options{})
	ended, changed := here.create(t, 1), here.create(t, 1)
	s.Stop()
	here.logout(t, ended)
	here.update(t, changed, 2)
	s.Start()
	here.rested()
	if here.entry(t, ended) == "" {
		t.Fatal("the old entry is gone: this tests nothing")
	}
	here.holds(t, ended, 0)
	here.holds(t, changed, 2)
	here.settled(t)
	there.holds(t, ended, 0)
	there.holds(t, changed, 2)
	if here.entry(t, ended) != "" {
		t.Error("the old entry is still there")
	}
}

// TestLateWrites_F08: what a silent cache was sent and carries out when it wakes up, after the logout, does not stay.
func TestLateWrites_F08(t *testing.T) {
	eachCache(t, func(t *testing.T, s server) {
		url := sqlite(t)
		here, there := start(t, url, s.url, options{}), start(t, url, s.url, options{})
		here.create(t, 1) // connected
		var keys []string
		for range 5 {
			s.Pause()
			keys = append(keys, here.create(t, 1))
			here.rested()
			here.logout(t, keys[len(keys)-1])
			here.rested()
			s.Resume()
			here.settled(t)
		}
		for _, key := range keys {
			there.holds(t, key, 0)
			if entry := there.entry(t, key); entry != "" {
				t.Errorf("entry %q after the logout", entry)
			}
		}
	})
}

// TestDatabaseDown_F09: without its database the store is closed, whatever the cache has; nothing is acknowledged; it is back by itself.
func TestDatabaseDown_F09(t *testing.T) {
	db, s := testenv.PostgresServer(t), testenv.Redis(t)
	p := start(t, db.URL, s.URL, options{})
	key := p.create(t, 1)
	p.holds(t, key, 1)
	db.Stop()
	p.rested() // what was warm may be served for the time of a heartbeat
	for range 3 {
		if rec, err := p.Load(t.Context(), key); err == nil || errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("load = %v, %v; want a fault", rec, err)
		}
	}
	if err := p.Delete(t.Context(), key); err == nil {
		t.Error("logout was acknowledged")
	}
	if _, err := p.Update(t.Context(), key, record(2)); err == nil || errors.Is(err, sessionstore.ErrGone) {
		t.Errorf("update = %v, want a fault", err)
	}
	if _, err := p.Create(t.Context(), sessionstore.NewKey(), record(1)); err == nil {
		t.Error("login was acknowledged")
	}
	db.Start()
	for range 500 {
		if _, err := p.Load(t.Context(), key); err == nil {
			break
		}
		time.Sleep(10 * time.Millisecond)
	}
	p.holds(t, key, 1)
	reads := p.rows.reads(key)
	p.holds(t, key, 1)
	if p.rows.reads(key) != reads {
		t.Error("hits still ask the database after its return")
	}
}

// TestLyingCache_F21: damaged entries are no fault and no logout; the row decides, and heals them where it can.
func TestLyingCache_F21(t *testing.T) {
	eachCache(t, func(t *testing.T, s server) {
		p := start(t, sqlite(t), s.url, options{})
		for name, entry := range map[string]string{
			"words": "bad", "not a dict": "\x80\x05]\x94.", "gadget": "cos\nsystem\n(S'true'\ntR.", "truncated": "\x80\x05}", "bomb": "\x80\x05" + strings.Repeat("(", 10000),
		} {
			key := p.create(t, 1)
			faults := p.faults.Load()
			if err := p.cache.Replace(t.Context(), cacheddbstore.KeyPrefix+key, []byte(entry), time.Now().Add(time.Hour)); err != nil {
				t.Fatal(err)
			}
			p.holds(t, key, 1)
			if p.faults.Load() == faults {
				t.Errorf("%s: not reported", name)
			}
			if p.entry(t, key) == entry {
				t.Errorf("%s: still there", name)
			}
			p.logout(t, key)
			p.holds(t, key, 0)
		}
	})
}

// TestForeignEntry_F21: what is no string in Redis is left alone.
func TestForeignEntry_F21(t *testing.T) {
	s := testenv.Redis(t)
	p := start(t, sqlite(t), s.URL, options{})
	key := p.create(t, 1)
	s.Do("DEL", ":1:"+cacheddbstore.KeyPrefix+key)
	s.Do("RPUSH", ":1:"+cacheddbstore.KeyPrefix+key, "x")
	p.holds(t, key, 1)
	p.update(t, key, 2)
	p.holds(t, key, 2)
	p.logout(t, key)
	p.holds(t, key, 0)
}

// TestVanishedRow: an entry without its row is found out with the next heartbeat, and by a save at once.
func TestVanishedRow(t *testing.T) {
	s := testenv.Redis(t)
	p := start(t, sqlite(t), s.URL, options{})
	read, saved := p.create(t, 1), p.create(t, 1)
	for _, key := range []string{read, saved} {
		if err := p.rows.Delete(t.Context(), key); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := p.Update(t.Context(), saved, record(2)); !errors.Is(err, sessionstore.ErrGone) {
		t.Errorf("save = %v, want ErrGone", err)
	}
	p.holds(t, saved, 0)
	p.rested()
	p.holds(t, read, 0)
	if p.entry(t, read) != "" || p.entry(t, saved) != "" {
		t.Error("entries without rows are left")
	}
}

// TestManyDoubts_F08: when more keys are in doubt than the list holds, no entry is trusted.
func TestManyDoubts_F08(t *testing.T) {
	s := testenv.Redis(t)
	p := start(t, sqlite(t), s.URL, options{MaxDistrusted: 2, EntryLife: time.Hour})
	live := p.create(t, 1)
	var ended []string
	for range 4 {
		ended = append(ended, p.create(t, 1))
	}
	s.Stop()
	for _, key := range ended {
		p.logout(t, key)
	}
	s.Start()
	p.rested()
	p.settled(t)
	for _, key := range ended {
		p.holds(t, key, 0)
	}
	p.holds(t, live, 1)
	if p.rows.reads(live) != 1 {
		t.Errorf("the row was read %d times, want once", p.rows.reads(live))
	}
	p.ahead.Add(int64(time.Hour))
	_, _ = p.Load(t.Context(), live)
	reads := p.rows.reads(live)
	p.holds(t, live, 1)
	if p.rows.reads(live) != reads {
		t.Error("entries are not trusted again after their longest life")
	}
}

// TestUnknownKeysLeaveNothing_F34: guesses make no entries.
func TestUnknownKeysLeaveNothing_F34(t *testing.T) {
	s := testenv.Redis(t)
	p := start(t, sqlite(t), s.URL, options{})
	for range 20 {
		p.holds(t, sessionstore.NewKey(), 0)
	}
	if n := s.Do("DBSIZE"); n != "0" {
		t.Errorf("%s entries after guesses", n)
	}
}

// TestFallbackKey_F26: a row that has to be signed anew is not cached before that, so that it is not forgotten.
func TestFallbackKey_F26(t *testing.T) {
	s := testenv.Redis(t)
	url := sqlite(t)
	old := start(t, url, s.URL, options{})
	key := old.create(t, 1)
	s.Do("FLUSHALL")
	c := openCache(t, s.URL, cache.Options{})
	keys := signing.Keys{Secret: "the new secret key", Fallbacks: []string{secret}}
	rotated := cacheddbstore.New(dbstore.New(openDB(t, url), codec.NewSigned(keys, time.Now), dbstore.Options{}), c, options{})
	for range 2 {
		if rec, err := rotated.Load(t.Context(), key); err != nil || !rec.Resign {
			t.Errorf("load = %+v, %v; want it to be signed anew", rec, err)
		}
	}
	if _, err := rotated.Update(t.Context(), key, record(2)); err != nil {
		t.Fatal(err)
	}
	if rec, err := rotated.Load(t.Context(), key); err != nil || rec.Resign {
		t.Errorf("load = %+v, %v; want it to be signed", rec, err)
	}
	if old.entry(t, key) == "" {
		t.Error("not cached after it was signed")
	}
}

// TestWithoutScripts: a Redis user who may not run scripts has a slower cache, and nothing else.
func TestWithoutScripts(t *testing.T) {
	s := testenv.Redis(t)
	p := start(t, sqlite(t), s.URL, options{})
	s.Do("ACL", "SETUSER", s.Username, "-@scripting")
	key := p.create(t, 1)
	p.holds(t, key, 1)
	p.update(t, key, 2)
	p.holds(t, key, 2)
	p.rested()
	p.settled(t)
	p.holds(t, key, 2)
	p.logout(t, key)
	p.holds(t, key, 0)
	if p.faults.Load() == 0 {
		t.Error("nobody is told")
	}
}
