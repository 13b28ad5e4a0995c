package cachestore_test

import (
	"errors"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cache"
	"coatcheck/sessionstore/cachestore"
)

// TestServerDown_F01_F02: a cache that is stopped or silent is a fault and never "no session"; it is back without a restart of ours.
func TestServerDown_F01_F02(t *testing.T) {
	redis, memcached := testenv.Redis(t), testenv.Memcached(t)
	for name, test := range map[string]struct {
		url      string
		down, up func()
	}{
		"redis F01":     {redis.URL, redis.Stop, redis.Start},
		"redis F02":     {redis.URL, redis.Pause, redis.Resume},
		"memcached F01": {memcached.URL, memcached.Stop, memcached.Start},
		"memcached F02": {memcached.URL, memcached.Pause, memcached.Resume},
	} {
		t.Run(name, func(t *testing.T) {
			opts := cache.Options{DialTimeout: 200 * time.Millisecond, OpTimeout: 200 * time.Millisecond}
			sessions := sessionstore.New(cachestore.New(openCache(t, test.url, opts), cachestore.Options{}),
				sessionstore.Settings{CookieAge: time.Hour}, time.Now)
			session := saved(t, sessions)
			test.down()
			if s, err := sessions.Open(t.Context(), session.Key()); err == nil {
				t.Errorf("open = key %q, want a fault", s.Key())
			}
			if err := session.Set("y", 1); err != nil {
				t.Fatal(err)
			}
			for what, err := range map[string]error{"save": session.Save(t.Context()), "flush": session.Flush(t.Context())} {
				if err == nil || errors.Is(err, sessionstore.ErrGone) {
					t.Errorf("%s = %v, want a fault", what, err)
				}
			}
			test.up()
			// A silent server may carry out later what it was sent: whether the session is there nobody knows.
			if _, err := sessions.Open(t.Context(), session.Key()); err != nil {
				t.Errorf("open = %v after the return", err)
			}
			again := saved(t, sessions)
			if s, err := sessions.Open(t.Context(), again.Key()); err != nil || s.Key() != again.Key() {
				t.Errorf("open = %v, %v after a new login", s, err)
			}
		})
	}
}

// TestFlushed_F06: a flushed cache ends the sessions, and the next login works.
func TestFlushed_F06(t *testing.T) {
	server := testenv.Redis(t)
	sessions := sessionstore.New(cachestore.New(openCache(t, server.URL, cache.Options{}), cachestore.Options{}),
		sessionstore.Settings{CookieAge: time.Hour}, time.Now)
	session := saved(t, sessions)
	server.Do("FLUSHALL")
	if s, err := sessions.Open(t.Context(), session.Key()); err != nil || s.Key() != "" || !s.Empty() {
		t.Errorf("open = %+v, %v; want an empty session", s, err)
	}
	if err := session.Set("y", 1); err != nil {
		t.Fatal(err)
	}
	if err := session.Save(t.Context()); !errors.Is(err, sessionstore.ErrGone) {
		t.Errorf("save = %v, want ErrGone", err)
	}
	saved(t, sessions)
}

// TestTooLarge_F20: a session over memcached's limit is not saved; the old one stays.
func TestTooLarge_F20(t *testing.T) {
	store := cachestore.New(openCache(t, testenv.Memcached(t).URL, cache.Options{}), cachestore.Options{})
	key, small := sessionstore.NewKey(), record("x", "small")
	if _, err := store.Create(t.Context(), key, small); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int{cache.MaxValue - 100, cache.MaxValue + 1} {
		large := record("x", string(make([]byte, size)))
		if _, err := store.Update(t.Context(), key, large); err == nil || errors.Is(err, sessionstore.ErrGone) {
			t.Errorf("update with %d bytes = %v, want a fault", size, err)
		}
		if _, err := store.Create(t.Context(), sessionstore.NewKey(), large); err == nil || errors.Is(err, sessionstore.ErrExists) {
			t.Errorf("create with %d bytes = %v, want a fault", size, err)
		}
	}
	if rec, err := store.Load(t.Context(), key); err != nil || !rec.Data.Equal(small.Data) {
		t.Errorf("load = %v, %v; want the old session", rec.Data, err)
	}
}

func record(name, value string) sessionstore.Record {
	d := pyvalue.NewDict()
	d.Set(name, pyvalue.Str(value))
	return sessionstore.Record{Data: d, Expires: time.Now().Add(time.Hour)}
}

func saved(t *testing.T, sessions *sessionstore.Sessions) *sessionstore.Session {
	t.Helper()
	s, err := sessions.Open(t.Context(), "")
	if err == nil {
		err = s.Set("x", 1)
	}
	if err == nil {
		err = s.Save(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}
