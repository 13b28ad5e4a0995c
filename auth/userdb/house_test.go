package userdb_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/auth"
	"coatcheck/auth/password"
	"coatcheck/auth/userdb"
	"coatcheck/internal/sqlconn"
)

var (
	background = context.Background()
	noon       = time.Date(2026, 3, 1, 12, 0, 0, 123456000, time.UTC)
)

func cheapRegistry() *password.Registry { return password.NewRegistry(password.NewPBKDF2SHA256(1000)) }

// openURL opens the database at url.
func openURL(tb testing.TB, url string) *sqlconn.DB {
	tb.Helper()
	db, err := sqlconn.Open(url, sqlconn.Options{})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() { db.Close() })
	return db
}

// fresh is an empty SQLite database.
func fresh(tb testing.TB) *sqlconn.DB {
	return openURL(tb, "sqlite:"+filepath.Join(tb.TempDir(), "fresh.sqlite3"))
}

// fixtureDB is a copy of the database that Django made.
func fixtureDB(tb testing.TB) *sqlconn.DB {
	tb.Helper()
	content, err := os.ReadFile("../../testdata/vectors/django.sqlite3")
	if err != nil {
		tb.Fatal(err)
	}
	path := filepath.Join(tb.TempDir(), "django.sqlite3")
	if err := os.WriteFile(path, content, 0o600); err != nil {
		tb.Fatal(err)
	}
	return openURL(tb, "sqlite:"+path)
}

func open(tb testing.TB, db *sqlconn.DB, o userdb.Options) *userdb.Directory {
	tb.Helper()
	if o.Registry == nil {
		o.Registry = cheapRegistry()
	}
	if o.Now == nil {
		o.Now = func() time.Time { return noon }
	}
	d, err := userdb.Open(db, o)
	if err != nil {
		tb.Fatal(err)
	}
	return d
}

// exec runs the statements of a script, which are separated by a semicolon at the end of a line.
func exec(tb testing.TB, db *sqlconn.DB, script string) {
	tb.Helper()
	for statement := range strings.SplitSeq(script, ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := db.Exec(statement); err != nil {
			tb.Fatalf("%.200s: %v", statement, err)
		}
	}
}

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// summary is a user in one line.
func summary(u auth.User) string {
	flags := ""
	for _, f := range []struct {
		set  bool
		name string
	}{{u.Active, "a"}, {u.Staff, "s"}, {u.Superuser, "S"}} {
		if f.set {
			flags += f.name
		}
	}
	return strings.Join([]string{u.ID, u.Username, u.Email, u.FirstName, u.LastName, strings.Join(u.Groups, "+"), flags}, "|")
}
