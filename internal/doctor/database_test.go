package doctor_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

func TestDatabase(t *testing.T) {
	t.Run("none yet", func(t *testing.T) { expect(t, admit(t, ""), "database") })
	t.Run("a file that is not there", func(t *testing.T) {
		expect(t, admit(t, "database: {url: 'sqlite:/nowhere/db'}"), "database", "warning database.url: not there")
	})
	t.Run("empty", func(t *testing.T) {
		p := withDatabase(t, admit(t, ""), sqlite(t))
		expect(t, p, "database", "warning database.url: no table django_session", "warning users.table: no table auth_user")
		if tables, err := p.Database.Tables(t.Context()); err != nil || len(tables) > 0 {
			t.Errorf("the doctor made %v (%v)", tables, err)
		}
	})
	t.Run("well", func(t *testing.T) {
		p := house(t, "")
		expect(t, p, "database")
		expect(t, p, "rights")
	})
	t.Run("another program's", func(t *testing.T) {
		p := withDatabase(t, admit(t, "users: {table: wp_users}"), sqlite(t))
		execute(t, p, "CREATE TABLE wp_posts (id INTEGER)")
		expect(t, p, "database", "problem database.url: another program", "problem users.table: wp_users")
	})
	t.Run("a column is missing", func(t *testing.T) {
		file := sqlite(t)
		withTables(t, withDatabase(t, admit(t, ""), file))
		p := withDatabase(t, admit(t, "users: {columns: {staff: is_boss}}"), file)
		expect(t, p, "database", "problem users.table: is_boss")
	})
	t.Run("another table of that name", func(t *testing.T) {
		p := withDatabase(t, admit(t, ""), sqlite(t))
		execute(t, p, "CREATE TABLE django_session (id INTEGER)")
		expect(t, p, "database", "problem database.url: django_session", "warning users.table: no table")
	})
	t.Run("nobody answers", func(t *testing.T) {
		p := withDatabase(t, admit(t, ""), "postgres://u:hunter2@127.0.0.1:1/d")
		expect(t, p, "database", "problem database.url: does not answer")
	})
}

func TestRights_13_2_2(t *testing.T) {
	server := testenv.Postgres(t)
	owner := withTables(t, withDatabase(t, admit(t, ""), server))
	for _, statement := range []string{"CREATE ROLE reader LOGIN PASSWORD 'reader'", "GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader"} {
		if _, err := owner.Database.ExecContext(t.Context(), statement); err != nil && !strings.Contains(err.Error(), "already exists") {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	t.Cleanup(func() {
		_, _ = owner.Database.Exec("DROP OWNED BY reader")
		_, _ = owner.Database.Exec("DROP ROLE reader")
	})
	expect(t, owner, "rights")
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword("reader", "reader")
	p := withDatabase(t, admit(t, ""), u.String())
	expect(t, p, "rights", "problem database.url: may not INSERT in django_session", "warning users.columns.last_login: permission denied")
	expect(t, p, "database")
}

func TestClocks(t *testing.T) {
	servers := map[string]string{"postgres": testenv.Postgres(t), "mariadb": testenv.MariaDB(t)}
	for name, server := range servers {
		t.Run(name, func(t *testing.T) {
			p := withDatabase(t, admit(t, ""), server)
			expect(t, p, "clock")
			p.Now = func() time.Time { return time.Now().Add(20 * time.Second) }
			expect(t, p, "clock", "warning : the database's are 20s apart")
			p.Now = func() time.Time { return time.Now().Add(-time.Hour) }
			expect(t, p, "clock", "problem : 1h0m0s apart")
		})
	}
	t.Run("never set", func(t *testing.T) {
		p := withDatabase(t, admit(t, ""), sqlite(t))
		p.Now = func() time.Time { return time.Unix(1000, 0) }
		expect(t, p, "clock", "problem : says 1970-01-01")
	})
}

// The time zone shows with a table of MySQL as it does with SQLite.
func TestTables_MariaDB(t *testing.T) {
	p := withTables(t, withDatabase(t, admit(t, ""), testenv.MariaDB(t)))
	if p.Database.Dialect != sqlconn.MySQL {
		t.Fatal(p.Database.Dialect)
	}
	now := time.Now().Truncate(time.Second)
	put(t, p, now.Add(336*time.Hour+time.Hour), signed(t, secret, now, `{}`))
	expect(t, p, "rights")
	expect(t, p, "session_dates", "problem database.time_zone: 1h0m0s later")
}
