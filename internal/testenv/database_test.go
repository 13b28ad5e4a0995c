package testenv_test

import (
	"database/sql"
	"net/url"
	"strings"
	"testing"

	"coatcheck/internal/testenv"

	_ "github.com/go-sql-driver/mysql"
	_ "github.com/jackc/pgx/v5/stdlib"
)

// open connects by the URL of a database, as internal/sqlconn would.
func open(t *testing.T, rawURL string) *sql.DB {
	t.Helper()
	driver, source := "pgx", rawURL
	if strings.HasPrefix(rawURL, "mysql:") {
		u, err := url.Parse(rawURL)
		if err != nil {
			t.Fatal(err)
		}
		driver, source = "mysql", u.User.String()+"@tcp("+u.Host+")"+u.Path
	}
	db, err := sql.Open(driver, source)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func TestSharedDatabases(t *testing.T) {
	for name, newDatabase := range map[string]func(testing.TB) string{"postgres": testenv.Postgres, "mariadb": testenv.MariaDB} {
		t.Run(name, func(t *testing.T) {
			first, second := newDatabase(t), newDatabase(t)
			if first == second {
				t.Fatalf("two databases have one URL: %s", first)
			}
			for _, rawURL := range []string{first, second} { // the second would fail if it were the first
				if _, err := open(t, rawURL).Exec("CREATE TABLE t (a int)"); err != nil {
					t.Errorf("create table: %v", err)
				}
			}
		})
	}
}

func TestDatabaseServers(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *testenv.DatabaseServer{"postgres": testenv.PostgresServer, "mariadb": testenv.MariaDBServer} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			db := open(t, server.URL)
			if _, err := db.Exec("CREATE TABLE t (a int)"); err != nil {
				t.Fatal(err)
			}
			checkRestart(t, server.Server)
			var count int
			if err := open(t, server.URL).QueryRow("SELECT count(*) FROM t").Scan(&count); err != nil {
				t.Errorf("the table did not outlast the restart: %v", err)
			}
		})
	}
}
