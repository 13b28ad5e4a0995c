package schema_test

import (
	"errors"
	"fmt"
	"net/url"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"coatcheck/internal/schema"
	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

var databases = map[string]func(testing.TB) string{
	"sqlite":   func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "db.sqlite3") },
	"postgres": testenv.Postgres,
	"mariadb":  testenv.MariaDB,
}

func connect(t testing.TB, url string) *sqlconn.DB {
	t.Helper()
	db, err := sqlconn.Open(url, sqlconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = db.Close() })
	return db
}

// part counts how often its second step was done by the rows of another table.
func part(steps int) schema.Part {
	all := []schema.Step{
		func(sqlconn.Dialect) []string {
			return []string{"CREATE TABLE IF NOT EXISTS coatcheck_thing (id integer NOT NULL PRIMARY KEY)", "CREATE TABLE IF NOT EXISTS done (step integer)"}
		},
		func(d sqlconn.Dialect) []string {
			return []string{"INSERT INTO done (step) VALUES (2)", "ALTER TABLE coatcheck_thing ADD COLUMN name varchar(10) NULL"}
		},
		func(d sqlconn.Dialect) []string { return []string{"INSERT INTO done (step) VALUES (3)"} },
	}
	return schema.Part{Name: "coatcheck_thing", Steps: all[:steps]}
}

func number(t *testing.T, db *sqlconn.DB, query string) (n int) {
	t.Helper()
	if err := db.QueryRow(query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func TestUpgrade(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			db := connect(t, database(t))
			for _, steps := range []int{1, 3, 2, 3} { // the third is an older program beside a newer one
				if err := schema.Upgrade(t.Context(), db, part(steps)); err != nil {
					t.Fatalf("upgrade to version %d: %v", steps, err)
				}
			}
			if got := number(t, db, "SELECT version FROM coatcheck_schema WHERE name = 'coatcheck_thing'"); got != 3 {
				t.Errorf("version %d, want 3", got)
			}
			if got := number(t, db, "SELECT COUNT(*) FROM done"); got != 2 {
				t.Errorf("%d steps were done after the first, want each once", got)
			}
			if _, err := db.Exec("INSERT INTO coatcheck_thing (id) VALUES (1)"); err != nil {
				t.Errorf("an older program writes: %v", err)
			}
		})
	}
}

// What somebody did by hand, or a server that stopped half-way, is passed over.
func TestUpgradeAgain(t *testing.T) {
	for name, database := range databases {
		if name == "postgres" {
			continue // undoes what was done half; and its steps say IF NOT EXISTS
		}
		t.Run(name, func(t *testing.T) {
			db := connect(t, database(t))
			for _, statement := range []string{"CREATE TABLE coatcheck_thing (id integer NOT NULL PRIMARY KEY)", "ALTER TABLE coatcheck_thing ADD COLUMN name varchar(10) NULL"} {
				if _, err := db.Exec(statement); err != nil {
					t.Fatal(err)
				}
			}
			if err := schema.Upgrade(t.Context(), db, part(3)); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestUpgradeByTenAtOnce(t *testing.T) {
	for name, database := range databases {
		t.Run(name, func(t *testing.T) {
			address := database(t)
			var all sync.WaitGroup
			errs := make([]error, 10)
			for i := range errs {
				db := connect(t, address)
				all.Go(func() { errs[i] = schema.Upgrade(t.Context(), db, part(3)) })
			}
			all.Wait()
			if err := errors.Join(errs...); err != nil {
				t.Fatal(err)
			}
			if got := number(t, connect(t, address), "SELECT COUNT(*) FROM done"); got != 2 {
				t.Errorf("%d steps were done after the first, want each once", got)
			}
		})
	}
}

func TestUpgradeWithoutRights(t *testing.T) {
	for name, limited := range map[string]func(*testing.T) (owner, user *sqlconn.DB){"sqlite": readOnlySQLite, "postgres": readOnlyPostgres, "mariadb": readOnlyMariaDB} {
		t.Run(name, func(t *testing.T) {
			owner, user := limited(t)
			err := schema.Upgrade(t.Context(), user, part(1))
			var denied *schema.DeniedError
			if !errors.As(err, &denied) {
				t.Fatalf("got %v, want a *DeniedError", err)
			}
			if !strings.Contains(err.Error(), "CREATE TABLE IF NOT EXISTS coatcheck_thing") {
				t.Errorf("got %v, want the statements in it", err)
			}
			for _, statement := range denied.Statements {
				if _, err := owner.Exec(statement); err != nil {
					t.Fatalf("%s: %v", statement, err)
				}
			}
			if err := schema.Upgrade(t.Context(), user, part(1)); err != nil {
				t.Errorf("after the owner did as told: %v", err)
			}
		})
	}
}

func readOnlySQLite(t *testing.T) (owner, user *sqlconn.DB) {
	address := databases["sqlite"](t)
	owner, user = connect(t, address), connect(t, address)
	if _, err := user.Exec("PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	return owner, user
}

func readOnlyPostgres(t *testing.T) (owner, user *sqlconn.DB) {
	address := testenv.Postgres(t)
	owner = connect(t, address)
	const role = "schema_test_reader"
	for _, statement := range []string{
		"DO $$ BEGIN CREATE ROLE " + role + " LOGIN PASSWORD 'p'; EXCEPTION WHEN duplicate_object THEN NULL; END $$",
		"REVOKE CREATE ON SCHEMA public FROM PUBLIC",
		"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO " + role,
	} {
		if _, err := owner.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	t.Cleanup(func() {
		if _, err := owner.Exec("DROP OWNED BY " + role); err != nil {
			t.Error(err)
		}
	})
	return owner, connect(t, as(t, address, role))
}

func readOnlyMariaDB(t *testing.T) (owner, user *sqlconn.DB) {
	address := testenv.MariaDB(t)
	owner = connect(t, address)
	const role = "schema_test_reader"
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		fmt.Sprintf("CREATE USER IF NOT EXISTS '%s'@'%%' IDENTIFIED BY 'p'", role),
		fmt.Sprintf("GRANT SELECT ON %s.* TO '%s'@'%%'", strings.TrimPrefix(u.Path, "/"), role),
	} {
		if _, err := owner.Exec(statement); err != nil {
			t.Fatalf("%s: %v", statement, err)
		}
	}
	return owner, connect(t, as(t, address, role))
}

func as(t *testing.T, address, role string) string {
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	u.User = url.UserPassword(role, "p")
	return u.String()
}
