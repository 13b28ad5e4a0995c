package ledger_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
	"coatcheck/sessionstore/ledger"
)

var databases = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "db.sqlite3") },
	"postgres": testenv.Postgres,
	"mariadb":  testenv.MariaDB,
}

var begin = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func connect(t testing.TB, url string) *sqlconn.DB {
	t.Helper()
	db, err := sqlconn.Open(url, sqlconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

func open(t testing.TB, db *sqlconn.DB, secret string, fallbacks ...string) *ledger.Ledger {
	t.Helper()
	l := ledger.New(db, signing.Keys{Secret: secret, Fallbacks: fallbacks}, func() time.Time { return begin })
	if err := l.CreateTable(t.Context()); err != nil {
		t.Fatal(err)
	}
	return l
}

func each(t *testing.T, test func(t *testing.T, db *sqlconn.DB)) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) { test(t, connect(t, database(t))) })
	}
}

func sighting(hash, user string, created, seen time.Duration) ledger.Sighting {
	return ledger.Sighting{
		Entry: ledger.Entry{Hash: hash, UserID: user, Created: begin.Add(created), AuthTime: begin.Add(created), LastSeen: begin.Add(seen), Address: "192.0.2.1", Agent: "Firefox"},
		Key:   "key-of-" + hash, Expires: begin.Add(time.Hour),
	}
}

func note(t *testing.T, l *ledger.Ledger, seen ...ledger.Sighting) {
	t.Helper()
	if err := l.Note(t.Context(), seen...); err != nil {
		t.Fatal(err)
	}
}

func hashesOf(t *testing.T, l *ledger.Ledger, user string) string {
	t.Helper()
	entries, err := l.OfUser(t.Context(), user)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Hash)
	}
	return strings.Join(names, " ")
}

func TestOfUser(t *testing.T) {
	each(t, func(t *testing.T, db *sqlconn.DB) {
		l := open(t, db, "s")
		expired := sighting("expired", "7", 0, 0)
		expired.Expires = begin
		note(t, l, sighting("old", "7", 0, time.Minute), sighting("new", "7", 0, 2*time.Minute), sighting("other", "8", 0, 0), sighting("ended", "7", 0, 0), expired)
		if err := l.Revoke(t.Context(), "ended", begin.Add(-time.Hour)); err != nil {
			t.Fatal(err)
		}
		if err := l.End(t.Context(), "logged out", begin.Add(time.Hour)); err != nil { // not known
			t.Fatal(err)
		}
		note(t, l, sighting("logged out", "7", 0, 0))
		if err := l.End(t.Context(), "logged out", begin.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		note(t, l, sighting("ended", "7", 0, 3*time.Minute), sighting("logged out", "7", 0, 3*time.Minute)) // a late batch of another process
		if got := hashesOf(t, l, "7"); got != "new old" {
			t.Errorf("sessions of user 7: got %q, want the live ones, newest activity first", got)
		}
		if got := hashesOf(t, l, "9"); got != "" {
			t.Errorf("sessions of nobody: got %q", got)
		}
	})
}

func TestNoteKeepsTheBeginningAndTheLatest(t *testing.T) {
	each(t, func(t *testing.T, db *sqlconn.DB) {
		l := open(t, db, "s")
		note(t, l, sighting("h", "7", time.Minute, 5*time.Minute))
		note(t, l, sighting("h", "7", 0, 3*time.Minute), sighting("h", "7", 0, 3*time.Minute))
		note(t, l, sighting("h", "7", 2*time.Minute, 4*time.Minute))
		got, err := l.Find(t.Context(), "h")
		if err != nil {
			t.Fatal(err)
		}
		want := sighting("h", "7", 0, 5*time.Minute).Entry
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("found (-want +got):\n%s", diff)
		}
		if _, err := l.Find(t.Context(), "x"); !errors.Is(err, ledger.ErrUnknown) {
			t.Errorf("find unknown session: got %v, want ErrUnknown", err)
		}
		if err := l.End(t.Context(), "h", begin.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := l.Find(t.Context(), "h"); !errors.Is(err, ledger.ErrEnded) {
			t.Errorf("find ended session: got %v, want ErrEnded", err)
		}
	})
}

func TestNoteTakesWhatClientsSend(t *testing.T) {
	each(t, func(t *testing.T, db *sqlconn.DB) {
		l := open(t, db, "s")
		odd := sighting("odd", "7", 0, 0)
		odd.Agent, odd.Address = "\x00\xff€'\"; DROP TABLE 🦊"+strings.Repeat("x", 10000), "fe80::1%"+strings.Repeat("e", 100)
		long := sighting("long", strings.Repeat("7", 300), 0, 0)
		note(t, l, odd, long, sighting("fine", "7", 0, 0))
		got, err := l.Find(t.Context(), "odd")
		if err != nil || len(got.Agent) > ledger.MaxAgent || strings.Trim(got.Agent, "?'\"; DROPTABLEx") != "" {
			t.Errorf("got agent %q, %v; want at most %d bytes of ASCII", got.Agent, err, ledger.MaxAgent)
		}
		if got := hashesOf(t, l, "7"); got != "fine odd" {
			t.Errorf("got %q, want all but the session whose user id does not fit", got)
		}
	})
}

func TestNoteOfMany(t *testing.T) {
	each(t, func(t *testing.T, db *sqlconn.DB) {
		l := open(t, db, "s")
		var many []ledger.Sighting
		for i := range 1234 {
			many = append(many, sighting(strings.Repeat(string(rune('a'+i%26)), 1+i/26), "7", 0, 0))
		}
		note(t, l, many...)
		if got := len(strings.Fields(hashesOf(t, l, "7"))); got != len(many) {
			t.Errorf("%d rows, want %d", got, len(many))
		}
		walked := 0
		if err := l.Held(t.Context(), func(ledger.Entry) bool { walked++; return true }); err != nil || walked != len(many) {
			t.Errorf("walked %d rows, %v; want %d", walked, err, len(many))
		}
	})
}

func TestKeyIsSealed(t *testing.T) {
	each(t, func(t *testing.T, db *sqlconn.DB) {
		old := open(t, db, "old secret")
		note(t, old, sighting("h", "7", 0, 0))
		var stored string
		if err := db.QueryRow("SELECT sealed_key FROM coatcheck_session").Scan(&stored); err != nil || strings.Contains(stored, "key-of") {
			t.Errorf("stored %q, %v; want no session key to be read", stored, err)
		}
		for _, c := range []struct {
			name, user, hash string
			l                *ledger.Ledger
			want             error
		}{
			{"its own", "7", "h", old, nil},
			{"another user", "8", "h", old, ledger.ErrUnknown},
			{"another session", "7", "x", old, ledger.ErrUnknown},
			{"rotated secret key", "7", "h", open(t, db, "new secret", "old secret"), nil},
			{"foreign secret key", "7", "h", open(t, db, "new secret"), ledger.ErrUnknown},
		} {
			key, err := c.l.Key(t.Context(), c.user, c.hash)
			if !errors.Is(err, c.want) || err == nil && key != "key-of-h" {
				t.Errorf("%s: got %q, %v; want error %v", c.name, key, err, c.want)
			}
		}
		// bound to its row: nobody can put another's key there
		note(t, old, sighting("mine", "7", 0, 0))
		if _, err := db.Exec("UPDATE coatcheck_session SET sealed_key = " + "'" + stored + "' WHERE session_hash = 'mine'"); err != nil {
			t.Fatal(err)
		}
		if key, err := old.Key(t.Context(), "7", "mine"); !errors.Is(err, ledger.ErrUnknown) {
			t.Errorf("a moved key: got %q, %v; want ErrUnknown", key, err)
		}
	})
}

func TestClear(t *testing.T) {
	each(t, func(t *testing.T, db *sqlconn.DB) {
		l := open(t, db, "s")
		over, revoked := sighting("over", "7", 0, 0), sighting("revoked", "7", 0, 0)
		over.Expires, revoked.Expires = begin.Add(-time.Second), begin.Add(-time.Hour)
		note(t, l, sighting("live", "7", 0, 0), over, revoked)
		for hash, until := range map[string]time.Duration{"revoked": time.Hour, "forgotten": -time.Hour} {
			if err := l.Revoke(t.Context(), hash, begin.Add(until)); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := l.ClearRevoked(t.Context()); n != 2 || err != nil {
			t.Errorf("cleared %d, %v; want the expired session and the old revocation", n, err)
		}
		if is, err := l.Revoked(t.Context(), "revoked"); !is || err != nil {
			t.Errorf("revoked %t, %v; want the revocation to be kept beyond the session", is, err)
		}
	})
}

func TestDue(t *testing.T) {
	each(t, func(t *testing.T, db *sqlconn.DB) {
		l := open(t, db, "s")
		note(t, l, sighting("a", "7", 0, 10*time.Minute), sighting("b", "7", 10*time.Minute, 10*time.Minute), sighting("c", "7", 10*time.Minute, 0))
		for _, c := range []struct {
			name       string
			idle, auth time.Duration
			want       string
		}{{"idle alone", time.Minute, 0, "c"}, {"lifetime alone", 0, time.Minute, "a"}, {"both", time.Minute, time.Minute, "a c"}, {"none", 0, 0, ""}} {
			var got []string
			at := func(d time.Duration) time.Time {
				if d == 0 {
					return time.Time{}
				}
				return begin.Add(d)
			}
			err := l.Due(t.Context(), at(c.idle), at(c.auth), func(e ledger.Entry) bool { got = append(got, e.Hash); return true })
			if err != nil || strings.Join(got, " ") != c.want {
				t.Errorf("%s: got %q, %v; want %q", c.name, got, err, c.want)
			}
		}
	})
}

// The table as the first release made it, with a row in it.
func TestOldTableIsBroughtUpToDate(t *testing.T) {
	each(t, func(t *testing.T, db *sqlconn.DB) {
		date := map[sqlconn.Dialect]string{sqlconn.SQLite: "datetime", sqlconn.Postgres: "timestamp with time zone", sqlconn.MySQL: "datetime(6)"}[db.Dialect]
		for _, statement := range []string{
			"CREATE TABLE coatcheck_session (session_hash varchar(64) NOT NULL PRIMARY KEY, revoked_until " + date + " NULL)",
			"INSERT INTO coatcheck_session VALUES ('h', '2026-03-02 00:00:00')",
		} {
			if _, err := db.Exec(statement); err != nil {
				t.Fatal(err)
			}
		}
		l := open(t, db, "s")
		if is, err := l.Revoked(t.Context(), "h"); !is || err != nil {
			t.Errorf("revoked %t, %v; want the row to be kept", is, err)
		}
		note(t, l, sighting("h", "7", 0, 0), sighting("new", "7", 0, 0))
		if got := hashesOf(t, l, "7"); got != "new" {
			t.Errorf("got %q, want the new session alone", got)
		}
		// what the first release writes
		if _, err := db.Exec("INSERT INTO coatcheck_session (session_hash, revoked_until) VALUES ('older', '2026-03-02 00:00:00')"); err != nil {
			t.Errorf("an older program beside this one: %v", err)
		}
	})
}
