package sessionstore_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/storetest"
)

var settings = sessionstore.Settings{CookieAge: sessionstore.DefaultCookieAge}

// failing is a store that answers as told.
type failing struct {
	*storetest.Memory
	load, create, remove error
	created              int
}

func (f *failing) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	if f.load != nil {
		return sessionstore.Record{}, f.load
	}
	return f.Memory.Load(ctx, key)
}

func (f *failing) Create(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	f.created++
	if f.create != nil && (f.created <= 3 || !errors.Is(f.create, sessionstore.ErrExists)) {
		return "", f.create
	}
	return f.Memory.Create(ctx, key, rec)
}

func (f *failing) Delete(ctx context.Context, key string) error {
	if f.remove != nil {
		defer func() { f.remove = nil }()
		return f.remove
	}
	return f.Memory.Delete(ctx, key)
}

func keys(t *testing.T, store sessionstore.Lister) []string {
	t.Helper()
	var all []string
	if err := store.Keys(t.Context(), func(key string) bool { all = append(all, key); return true }); err != nil {
		t.Fatal(err)
	}
	return all
}

func open(t *testing.T, sessions *sessionstore.Sessions, key string) *sessionstore.Session {
	t.Helper()
	session, err := sessions.Open(t.Context(), key)
	if err != nil {
		t.Fatal(err)
	}
	return session
}

// saved returns a stored session that holds x=1.
func saved(t *testing.T, sessions *sessionstore.Sessions) *sessionstore.Session {
	t.Helper()
	session := open(t, sessions, "")
	set(t, session, "x", 1)
	if err := session.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	return session
}

func TestOpen(t *testing.T) {
	fault := errors.New("connection refused")
	refusal := &sessionstore.RefusedError{Reason: "bad signature"}
	tests := map[string]struct {
		key            string
		answer         error
		fault, refused bool
	}{
		"no key":      {key: ""},
		"invalid key": {key: "../passwd", answer: fault}, // the store is not asked
		"unknown key": {key: "unknownkey"},
		"fault":       {key: "unknownkey", answer: fault, fault: true},
		"cancelled":   {key: "unknownkey", answer: context.Canceled, fault: true},
		"refused":     {key: "unknownkey", answer: refusal, refused: true},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			store := &failing{Memory: storetest.NewMemory(fixed(noon)), load: test.answer}
			session, err := sessionstore.New(store, settings, fixed(noon)).Open(t.Context(), test.key)
			if (err != nil) != test.fault {
				t.Fatalf("Open(%q) error %v, want one: %v", test.key, err, test.fault)
			}
			if test.fault {
				if !errors.Is(err, test.answer) || session != nil {
					t.Errorf("Open(%q) = %v, %v, want %v", test.key, session, err, test.answer)
				}
				return
			}
			if session.Key() != "" || !session.Empty() || session.Accessed() || session.Modified() || session.Due() {
				t.Errorf("Open(%q) = %+v, want an untouched empty session", test.key, session)
			}
			if (session.Refused() != nil) != test.refused {
				t.Errorf("Refused() = %v, want one: %v", session.Refused(), test.refused)
			}
		})
	}
}

func TestSaveWritesOnlyWhatChanged(t *testing.T) {
	store := storetest.NewMemory(fixed(noon))
	sessions := sessionstore.New(store, settings, fixed(noon))
	key := saved(t, sessions).Key()
	later := sessionstore.New(store, settings, fixed(noon.Add(time.Hour)))
	session := open(t, later, key)
	session.Get("x")
	if err := session.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := open(t, sessions, key).Ends(); !got.Equal(noon.Add(settings.CookieAge)) {
		t.Errorf("an unchanged session was written: ends %s", got)
	}
	session.Touch()
	if err := session.Save(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := open(t, sessions, key).Ends(); !got.Equal(noon.Add(time.Hour + settings.CookieAge)) {
		t.Errorf("after Touch and Save the session ends %s, want an hour later than before", got)
	}
}

func TestDue(t *testing.T) {
	for _, every := range []bool{false, true} {
		s := settings
		s.SaveEveryRequest = every
		sessions := sessionstore.New(storetest.NewMemory(fixed(noon)), s, fixed(noon))
		live := saved(t, sessions).Key()
		changed := open(t, sessions, live)
		set(t, changed, "y", 2)
		flushed := open(t, sessions, saved(t, sessions).Key())
		if err := flushed.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for name, test := range map[string]struct {
			session *sessionstore.Session
			want    bool
		}{
			"none":    {open(t, sessions, ""), false},
			"unknown": {open(t, sessions, "unknownkey"), false}, // Django makes a record here; we make none for a stranger
			"live":    {open(t, sessions, live), every},
			"changed": {changed, true},
			"flushed": {flushed, false},
		} {
			if got := test.session.Due(); got != test.want {
				t.Errorf("save every request %v, %s: Due() = %v, want %v", every, name, got, test.want)
			}
		}
	}
}

func TestNoRecordForAnEmptySession_F34(t *testing.T) {
	store := storetest.NewMemory(fixed(noon))
	sessions := sessionstore.New(store, settings, fixed(noon))
	for name, act := range map[string]func(*sessionstore.Session){
		"nothing": func(*sessionstore.Session) {},
		"touch":   func(s *sessionstore.Session) { s.Touch() },
		"clear":   func(s *sessionstore.Session) { s.Clear() },
		"flush":   func(s *sessionstore.Session) { _ = s.Flush(t.Context()) },
		"delete":  func(s *sessionstore.Session) { s.Delete("absent") },
		"set and delete": func(s *sessionstore.Session) {
			set(t, s, "x", 1)
			s.Delete("x")
		},
	} {
		session := open(t, sessions, "presentedbyclient")
		act(session)
		if err := session.Save(t.Context()); err != nil || session.Key() != "" || len(keys(t, store)) != 0 {
			t.Errorf("%s: Save = %v, key %q, %d records; want none", name, err, session.Key(), len(keys(t, store)))
		}
	}
}

func TestCreateTriesFreshKeys(t *testing.T) {
	store := &failing{Memory: storetest.NewMemory(fixed(noon)), create: sessionstore.ErrExists}
	session := saved(t, sessionstore.New(store, settings, fixed(noon)))
	if store.created != 4 || session.Key() == "" {
		t.Errorf("key %q after %d attempts, want one after 4", session.Key(), store.created)
	}
	store = &failing{Memory: storetest.NewMemory(fixed(noon)), create: errors.New("disk full")}
	session = open(t, sessionstore.New(store, settings, fixed(noon)), "")
	set(t, session, "x", 1)
	if err := session.Save(t.Context()); !errors.Is(err, store.create) || store.created != 1 || session.Key() != "" || !session.Modified() {
		t.Errorf("Save = %v after %d attempts, key %q; want one attempt, no key", err, store.created, session.Key())
	}
}

func TestCycleKey_7_2_4(t *testing.T) {
	store := &failing{Memory: storetest.NewMemory(fixed(noon))}
	sessions := sessionstore.New(store, settings, fixed(noon))
	session := saved(t, sessions)
	old := session.Key()
	set(t, session, "_auth_user_id", "1")
	if err := session.CycleKey(t.Context()); err != nil {
		t.Fatal(err)
	}
	if session.Key() == old || session.Modified() || !slices.Equal(keys(t, store), []string{session.Key()}) {
		t.Errorf("key %q (was %q), modified %v, records %q", session.Key(), old, session.Modified(), keys(t, store))
	}
	again := open(t, sessions, session.Key())
	if id, _ := again.GetString("_auth_user_id"); id != "1" {
		t.Errorf("_auth_user_id = %q after CycleKey alone, want 1", id)
	}

	t.Run("a fault leaves the old session alone", func(t *testing.T) {
		set(t, again, "admin", true)
		before := again.Key()
		store.remove = errors.New("timeout")
		if err := again.CycleKey(t.Context()); !errors.Is(err, sessionstore.ErrGone) && err == nil {
			t.Fatal("CycleKey = nil, want the fault")
		}
		if again.Key() != before || !again.Modified() || !slices.Equal(keys(t, store), []string{before}) {
			t.Errorf("key %q, want %q; records %q, want no new one", again.Key(), before, keys(t, store))
		}
		if _, ok := open(t, sessions, before).Get("admin"); ok {
			t.Error("the old record got data that belonged to the new one")
		}
	})
	t.Run("a login does not need the old record", func(t *testing.T) {
		session := saved(t, sessions)
		_ = store.Memory.Delete(t.Context(), session.Key())
		if err := session.CycleKey(t.Context()); err != nil || open(t, sessions, session.Key()).Key() == "" {
			t.Errorf("CycleKey = %v, want a new record", err)
		}
	})
	t.Run("an ended session stays dead", func(t *testing.T) {
		session := saved(t, sessions)
		_ = store.Memory.Delete(t.Context(), session.Key())
		before := keys(t, store)
		if err := session.CycleLiveKey(t.Context()); !errors.Is(err, sessionstore.ErrGone) || len(keys(t, store)) != len(before) {
			t.Errorf("CycleLiveKey = %v with %d records, want ErrGone with %d", err, len(keys(t, store)), len(before))
		}
	})
	t.Run("a live session moves", func(t *testing.T) {
		session := saved(t, sessions)
		old := session.Key()
		if err := session.CycleLiveKey(t.Context()); err != nil || session.Key() == old || slices.Contains(keys(t, store), old) {
			t.Errorf("CycleLiveKey = %v, key %q, was %q", err, session.Key(), old)
		}
	})
	t.Run("without a record it makes one", func(t *testing.T) {
		session := open(t, sessions, "")
		if err := session.CycleKey(t.Context()); err != nil || session.Key() == "" {
			t.Errorf("CycleKey = %v, key %q", err, session.Key())
		}
	})
}

func TestFlush_7_4_1(t *testing.T) {
	store := &failing{Memory: storetest.NewMemory(fixed(noon)), remove: errors.New("timeout")}
	sessions := sessionstore.New(store, settings, fixed(noon))
	session := saved(t, sessions)
	key := session.Key()
	if err := session.Flush(t.Context()); err == nil || session.Key() != key || session.Empty() {
		t.Errorf("Flush = %v, key %q; want the fault and nothing changed", err, session.Key())
	}
	if err := session.Flush(t.Context()); err != nil || session.Key() != "" || !session.Empty() || len(keys(t, store)) != 0 {
		t.Errorf("Flush = %v, key %q, %d records; want none", err, session.Key(), len(keys(t, store)))
	}
	set(t, session, "y", 2)
	if err := session.Save(t.Context()); err != nil || session.Key() == key {
		t.Errorf("Save after Flush = %v, key %q; want a new one", err, session.Key())
	}
}

func TestAllInOrder(t *testing.T) {
	session := emptySession(t, settings, noon)
	for _, name := range []string{"b", "a", "c"} {
		set(t, session, name, name)
	}
	var names []string
	for name, value := range session.All() {
		names = append(names, name+"="+string(value.(pyvalue.Str)))
	}
	if want := []string{"b=b", "a=a", "c=c"}; !slices.Equal(names, want) {
		t.Errorf("All() = %q, want %q", names, want)
	}
}

func TestSetRefusesWhatASessionCannotHold(t *testing.T) {
	session := emptySession(t, settings, noon)
	if err := session.Set("x", make(chan int)); err == nil || session.Modified() || session.Accessed() {
		t.Errorf("Set of a channel = %v, modified %v", err, session.Modified())
	}
}

func BenchmarkOpenAndSave(b *testing.B) {
	sessions := sessionstore.New(storetest.NewMemory(time.Now), settings, time.Now)
	session, _ := sessions.Open(b.Context(), "")
	_ = session.Set("_auth_user_id", "1")
	_ = session.Save(b.Context())
	b.ReportAllocs()
	for b.Loop() {
		s, err := sessions.Open(b.Context(), session.Key())
		if err != nil || s.Key() == "" {
			b.Fatal(err)
		}
		s.Touch()
		if err := s.Save(b.Context()); err != nil {
			b.Fatal(err)
		}
	}
}
