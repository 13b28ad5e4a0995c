package dbstore_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/codec"
	"coatcheck/sessionstore/dbstore"
)

const vectors = "../../testdata/vectors"

func readVectors(t *testing.T, set, name string, into any) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(vectors, set, name))
	if err == nil {
		err = json.Unmarshal(content, into)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// fixture returns a copy of the database that a Django of the set made, and its secret key.
func fixture(t *testing.T, set, secret string, now time.Time) (*sqlconn.DB, *dbstore.Store) {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(vectors, set, "django.sqlite3"))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "django.sqlite3")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
	db := connect(t, "sqlite:"+path, sqlconn.Options{})
	clock := func() time.Time { return now }
	return db, dbstore.New(db, codec.NewSigned(signing.Keys{Secret: secret}, clock), dbstore.Options{Now: clock})
}

var sets = []string{".", "django-3.2", "django-6.1"}

// The sessions that Django left in a database, live, expired, damaged.
func TestFixtureOfDjango(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	for _, set := range sets {
		var fix struct {
			Secret   string `json:"secret_key"`
			Sessions []struct {
				Key, Text string          `json:"-"`
				KeyJSON   string          `json:"session_key"`
				Note      string          `json:"note"`
				Data      json.RawMessage `json:"data"`
				Expires   time.Time       `json:"expire_date"`
			}
		}
		readVectors(t, set, "fixture.json", &fix)
		_, store := fixture(t, set, fix.Secret, now)
		for _, s := range fix.Sessions {
			t.Run(set+"/"+s.Note, func(t *testing.T) {
				rec, err := store.Load(t.Context(), s.KeyJSON)
				var refused *sessionstore.RefusedError
				switch {
				case strings.Contains(s.Note, "corrupt") || strings.Contains(s.Note, "another SECRET_KEY"):
					if !errors.As(err, &refused) {
						t.Errorf("load = %v, want a *RefusedError", err)
					}
				case !s.Expires.After(now):
					if err != sessionstore.ErrNotFound {
						t.Errorf("load = %v, want ErrNotFound", err)
					}
				case err != nil:
					t.Error(err)
				default:
					want, err := pyvalue.ParseJSON(s.Data)
					if err != nil {
						t.Fatal(err)
					}
					if !sameEntries(rec.Data, want) || !rec.Expires.Equal(s.Expires) {
						t.Errorf("data %v until %s, want %s until %s", rec.Data.Entries(), rec.Expires, s.Data, s.Expires)
					}
				}
			})
		}
		if n, err := store.ClearExpired(t.Context()); err != nil || n != 2 {
			t.Errorf("%s: cleared %d, %v, want 2", set, n, err)
		}
	}
}

// sameEntries leaves order aside: the vectors' maker sorted.
func sameEntries(a, b *pyvalue.Dict) bool {
	for _, e := range a.Entries() {
		if v, ok := b.Get(string(e.Key.(pyvalue.Str))); !ok || !pyvalue.Equal(v, e.Value) {
			return false
		}
	}
	return a.Len() == b.Len()
}

// The raw text of expire_date for what set_expiry stored, as Django wrote it.
func TestExpireDateText(t *testing.T) {
	var table struct {
		Table []struct {
			Age     int64  `json:"session_cookie_age"`
			Now     int64  `json:"now"`
			Stored  any    `json:"stored__session_expiry"`
			Label   string `json:"set_expiry"`
			Text    string `json:"sqlite_expire_date_text"`
			Loads   bool   `json:"load_right_after"`
			Browser bool   `json:"expire_at_browser_close_setting"`
		}
	}
	readVectors(t, ".", "expiry.json", &table)
	db := connect(t, "sqlite:"+filepath.Join(t.TempDir(), "db.sqlite3"), sqlconn.Options{})
	for _, row := range table.Table {
		t.Run(fmt.Sprintf("age %d, close %v, %s", row.Age, row.Browser, row.Label), func(t *testing.T) {
			now := func() time.Time { return time.Unix(row.Now, 0) }
			store := newStore(db, now)
			if err := store.CreateTable(t.Context()); err != nil {
				t.Fatal(err)
			}
			settings := sessionstore.Settings{CookieAge: time.Duration(row.Age) * time.Second}
			sessions := sessionstore.New(store, settings, now)
			s, err := sessions.Open(t.Context(), "")
			if err != nil {
				t.Fatal(err)
			}
			if f, ok := row.Stored.(float64); ok && f == float64(int(f)) {
				row.Stored = int(f)
			}
			if err := errors.Join(s.Set("_session_expiry", row.Stored), s.Save(t.Context())); err != nil {
				t.Fatal(err)
			}
			var text string
			if err := db.QueryRow("SELECT CAST(expire_date AS TEXT) FROM django_session WHERE session_key = ?", s.Key()).Scan(&text); err != nil {
				t.Fatal(err)
			}
			if text != row.Text {
				t.Errorf("expire_date %q, want %q", text, row.Text)
			}
			if _, err := store.Load(t.Context(), s.Key()); (err == nil) != row.Loads {
				t.Errorf("load = %v, want it to load: %v", err, row.Loads)
			}
		})
	}
}

func TestDamagedDates(t *testing.T) {
	db := connect(t, "sqlite:"+filepath.Join(t.TempDir(), "db.sqlite3"), sqlconn.Options{})
	store := newStore(db, time.Now)
	if err := store.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, date := range []any{"soon", "z", int64(1) << 60, []byte("2099-01-01 00:00:00")} {
		key := fmt.Sprintf("%032d", i)
		if _, err := db.Exec("INSERT INTO django_session VALUES (?, 'x', ?)", key, date); err != nil {
			t.Fatal(err)
		}
		if _, err := store.Load(t.Context(), key); !errors.Is(err, sessionstore.ErrNotFound) {
			t.Errorf("a record until %v: load = %v, want ErrNotFound", date, err)
		}
	}
}

func TestTableThatIsNotDjangos(t *testing.T) {
	for statement, want := range map[string]string{
		"": "run Django's migrate",
		"CREATE TABLE django_session (id INTEGER)":                          "not Django's session table",
		"CREATE TABLE django_session (session_key TEXT, session_data TEXT)": "not Django's session table",
	} {
		for name, database := range databases {
			t.Run(name+" "+statement, func(t *testing.T) {
				db := connect(t, database(t), sqlconn.Options{})
				if statement != "" {
					if _, err := db.Exec(statement); err != nil {
						t.Fatal(err)
					}
				}
				for verb, err := range askAll(t, newStore(db, time.Now), statement != "") {
					if err == nil || !strings.Contains(err.Error(), want) || errors.Is(err, sessionstore.ErrNotFound) {
						t.Errorf("%s = %v, want a fault that says %q", verb, err, want)
					}
				}
			})
		}
	}
}

// askAll asks for everything that needs the whole table.
func askAll(t *testing.T, store *dbstore.Store, there bool) map[string]error {
	errs := map[string]error{"check": store.Check(t.Context())}
	_, errs["load"] = store.Load(t.Context(), keyA)
	_, errs["create"] = store.Create(t.Context(), keyA, anHour())
	_, errs["clear"] = store.ClearExpired(t.Context())
	if there {
		errs["create table"] = store.CreateTable(t.Context())
	} else {
		errs["delete"] = store.Delete(t.Context(), keyA)
	}
	return errs
}

func TestFallbackKeyAsksForASave(t *testing.T) {
	db := connect(t, "sqlite:"+filepath.Join(t.TempDir(), "db.sqlite3"), sqlconn.Options{})
	old := newStore(db, time.Now)
	rec := sessionstore.Record{Data: pyvalue.NewDict(), Expires: time.Now().Add(time.Hour)}
	key, err := strings.Repeat("a", 32), old.CreateTable(t.Context())
	if err == nil {
		_, err = old.Create(t.Context(), key, rec)
	}
	if err != nil {
		t.Fatal(err)
	}
	keys := signing.Keys{Secret: "new", Fallbacks: []string{secret}}
	rotated := dbstore.New(db, codec.NewSigned(keys, time.Now), dbstore.Options{})
	for _, resign := range []bool{true, false} {
		rec, err := rotated.Load(t.Context(), key)
		if err != nil || rec.Resign != resign {
			t.Fatalf("load = %v, resign %v, want %v", err, rec.Resign, resign)
		}
		if _, err := rotated.Update(t.Context(), key, rec); err != nil {
			t.Fatal(err)
		}
	}
}
