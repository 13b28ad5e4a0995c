package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync/atomic"
	"testing"

	"coatcheck/auth"
	"coatcheck/auth/nearusers"
	"coatcheck/internal/near"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/nearcache"
	"coatcheck/sessionstore/storetest"
)

// ear is a feed that hears unless it is deaf.
type ear struct{ deaf atomic.Bool }

func (e *ear) Heard() bool { return !e.deaf.Load() }

// counted is a directory whose questions are counted, and fail when it is down.
type counted struct {
	auth.Directory
	asked atomic.Int64
	down  atomic.Bool
}

func (c *counted) User(ctx context.Context, id string) (auth.User, error) {
	c.asked.Add(1)
	if c.down.Load() {
		return auth.User{}, errors.New("directory is down")
	}
	return c.Directory.User(ctx, id)
}

// loads counts the questions to a store.
type loads struct {
	*storetest.Memory
	asked atomic.Int64
}

func (l *loads) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	l.asked.Add(1)
	return l.Memory.Load(ctx, key)
}

// nearHouse is a house with memory in front of sessions and users.
type nearHouse struct {
	*house
	ear       ear
	directory *counted
	records   *loads
	store     *nearcache.Store
	rows      *nearusers.Rows
}

func buildNear(tb testing.TB) *nearHouse {
	tb.Helper()
	n := &nearHouse{}
	n.house = build(tb, func(h *house) {
		n.directory = &counted{Directory: h.directory}
		n.rows = nearusers.New(n.directory, nearusers.Options{Entries: 100, Feeds: []near.Feed{&n.ear}, Keys: h.options.Keys})
		h.options.Directory, h.options.Rows = n.directory, n.rows
	})
	n.records = &loads{Memory: n.house.store}
	n.store = nearcache.New(n.records, nearcache.Options{Entries: 100, Feeds: []near.Feed{&n.ear}, Now: n.clock})
	n.sessions = sessionstore.New(n.store, n.options.Sessions, n.clock)
	return n
}

func (n *nearHouse) who(tb testing.TB, key string) auth.Principal {
	tb.Helper()
	p, err := n.service.Principal(context.Background(), n.open(tb, key))
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func (n *nearHouse) exec(tb testing.TB, statement string, args ...any) {
	tb.Helper()
	if _, err := n.db.Exec(statement, args...); err != nil {
		tb.Fatal(err)
	}
}

// TestNear_noCall: a warm session asks nobody.
func TestNear_noCall(t *testing.T) {
	n := buildNear(t)
	key := n.put(t, n.loggedIn(1))
	first := n.who(t, key)
	rows, records := n.directory.asked.Load(), n.records.asked.Load()
	for range 1000 {
		p := n.who(t, key)
		if p.Username != first.Username || p.Session.Key() != key || strings.Join(p.Groups, "+") != "admins+editors" {
			t.Fatalf("principal %+v, want %+v", p, first)
		}
	}
	if a, b := n.directory.asked.Load()-rows, n.records.asked.Load()-records; a != 0 || b != 0 {
		t.Errorf("1000 warm requests asked the directory %d and the store %d times, want 0 and 0", a, b)
	}
}

// TestNear_remembers: what callers compute dies with the row or with the data, whichever changes.
func TestNear_remembers(t *testing.T) {
	n := buildNear(t)
	key, other := n.put(t, n.loggedIn(1)), n.put(t, n.loggedIn(1))
	ofUser, ofSession := 0, 0
	use := func(key string) {
		p := n.who(t, key)
		p.OfUser(n, func() any { ofUser++; return nil })
		p.OfSession(n, func() any { ofSession++; return nil })
	}
	for _, step := range []struct {
		name              string
		before            func()
		ofUser, ofSession int
	}{
		{"cold", func() {}, 1, 1},
		{"warm", func() {}, 1, 1},
		{"another session of the user", func() { use(other) }, 1, 2},
		{"the session changed", func() {
			s := n.open(t, key)
			_ = s.Set("cart", 1)
			if err := s.Save(t.Context()); err != nil {
				t.Fatal(err)
			}
		}, 1, 3},
		{"read again, and the same", func() { n.store.ForgetAll(); n.rows.ForgetAll() }, 1, 3},
		{"the row changed", func() {
			n.exec(t, "UPDATE auth_user SET email = 'new@example.com' WHERE id = 1")
			n.rows.Told("1")
		}, 2, 4},
	} {
		step.before()
		use(key)
		if ofUser != step.ofUser || ofSession != step.ofSession {
			t.Errorf("%s: computed %d times of the user, %d of the session; want %d, %d", step.name, ofUser, ofSession, step.ofUser, step.ofSession)
		}
	}
}

// TestNear_F30: once told, nobody is served by an old row, and what ends a session ends it.
func TestNear_F30(t *testing.T) {
	for name, change := range map[string]string{
		"deactivated":      "UPDATE auth_user SET is_active = 0 WHERE id = 1",
		"deleted":          "DELETE FROM auth_user WHERE id = 1",
		"password changed": "UPDATE auth_user SET password = 'pbkdf2_sha256$1$x$y' WHERE id = 1",
	} {
		t.Run(name, func(t *testing.T) {
			n := buildNear(t)
			n.exec(t, "PRAGMA foreign_keys = OFF")
			key := n.put(t, n.loggedIn(1))
			n.who(t, key)
			n.exec(t, change)
			n.rows.Told("1")
			if p := n.who(t, key); !p.Anonymous() {
				t.Errorf("still speaks for %s", p.Username)
			}
			if alive, want := n.alive(t, key), name != "password changed"; alive != want {
				t.Errorf("record alive %v, want %v", alive, want)
			}
		})
	}
}

// TestNear_neverFlushesByOldRow: a session that is newer than the row in memory is not ended by it. A password was changed at one process, its owner logged in
// there, and comes here before anything was heard.
func TestNear_neverFlushesByOldRow(t *testing.T) {
	n := buildNear(t)
	n.who(t, n.put(t, n.loggedIn(1))) // the row is in memory now
	n.exec(t, "UPDATE auth_user SET password = (SELECT password FROM auth_user WHERE id = 2) WHERE id = 1")
	data := n.loggedIn(2)
	data["_auth_user_id"] = "1"
	key := n.put(t, data)
	if p := n.who(t, key); p.ID != "1" {
		t.Errorf("principal %q, want 1", p.ID)
	}
	if !n.alive(t, key) {
		t.Error("the session was flushed by an old row")
	}
}

// TestNear_neverFlushesByOldRecord: Django's update_session_auth_hash keeps the session of a visitor who changes the password.
func TestNear_neverFlushesByOldRecord(t *testing.T) {
	n := buildNear(t)
	key := n.put(t, n.loggedIn(1))
	n.who(t, key)
	n.exec(t, "UPDATE auth_user SET password = (SELECT password FROM auth_user WHERE id = 2) WHERE id = 1")
	n.rows.Told("1")
	elsewhere, err := sessionstore.New(n.house.store, n.options.Sessions, n.clock).Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(elsewhere.Set("_auth_user_hash", n.loggedIn(2)["_auth_user_hash"]), elsewhere.Save(t.Context())); err != nil {
		t.Fatal(err)
	}
	if p := n.who(t, key); p.ID != "1" || !n.alive(t, key) {
		t.Errorf("principal %q, alive %v; want 1, true", p.ID, n.alive(t, key))
	}
}

// TestNear_lostFeed: what cannot be heard is asked.
func TestNear_lostFeed(t *testing.T) {
	n := buildNear(t)
	key := n.put(t, n.loggedIn(1))
	n.who(t, key)
	n.ear.deaf.Store(true)
	n.exec(t, "UPDATE auth_user SET is_active = 0 WHERE id = 1")
	if p := n.who(t, key); !p.Anonymous() {
		t.Errorf("a deaf process still serves %s", p.Username)
	}
	n.directory.down.Store(true)
	if p, err := n.service.Principal(t.Context(), n.open(t, key)); err == nil {
		t.Errorf("principal %+v, want a fault: a directory that cannot be asked denies nobody", p)
	}
}

// TestNear_vectors: Django's sessions are what they are, out of memory and for the second time.
func TestNear_vectors(t *testing.T) {
	n := buildNear(t)
	for _, u := range n.fixture.Users {
		key := n.put(t, map[string]any{"_auth_user_id": "1", "_auth_user_backend": auth.DefaultBackend, "_auth_user_hash": u.SessionAuthHash})
		for range 2 {
			if p := n.who(t, key); p.Anonymous() != (u.ID != 1) {
				t.Errorf("the hash of user %d counts for user 1: %v", u.ID, !p.Anonymous())
			}
		}
	}
}

func BenchmarkPrincipalWarm(b *testing.B) {
	n := buildNear(b)
	key := n.put(b, n.loggedIn(1))
	n.open(b, key) // the second one comes from memory
	session := n.open(b, key)
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		if p, err := n.service.Principal(ctx, session); err != nil || p.ID != "1" {
			b.Fatal(p, err)
		}
	}
}

func BenchmarkOpenWarm(b *testing.B) {
	n := buildNear(b)
	key := n.put(b, n.loggedIn(1))
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		session, err := n.sessions.Open(ctx, key)
		if err != nil {
			b.Fatal(err)
		}
		if p, err := n.service.Principal(ctx, session); err != nil || p.ID != "1" {
			b.Fatal(p, err)
		}
	}
}

func BenchmarkOpenCold(b *testing.B) {
	n := buildNear(b)
	key := n.put(b, n.loggedIn(1))
	ctx := b.Context()
	b.ReportAllocs()
	for b.Loop() {
		n.store.Forget(key)
		session, err := n.sessions.Open(ctx, key)
		if err != nil {
			b.Fatal(err)
		}
		if p, err := n.service.Principal(ctx, session); err != nil || p.ID != "1" {
			b.Fatal(p, err)
		}
	}
}
