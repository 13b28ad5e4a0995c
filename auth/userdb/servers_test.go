package userdb_test

import (
	"errors"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coatcheck/auth"
	"coatcheck/auth/userdb"
	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

func TestAdmin_postgres(t *testing.T) { testAdmin(t, openURL(t, testenv.Postgres(t))) }
func TestAdmin_mariadb(t *testing.T)  { testAdmin(t, openURL(t, testenv.MariaDB(t))) }

const postgresCatalog = `
SELECT table_name || '.' || column_name || ' ' || data_type || coalesce('(' || character_maximum_length || ')', '') || ' ' || is_nullable FROM information_schema.columns WHERE table_schema = current_schema()
UNION ALL SELECT replace(indexdef, current_schema() || '.', '') FROM pg_indexes WHERE schemaname = current_schema()
UNION ALL SELECT conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = current_schema()::regnamespace AND contype IN ('p','u','f')`

const mysqlCatalog = `
SELECT CONCAT(table_name, '.', column_name, ' ', column_type, ' ', is_nullable, ' ', extra) FROM information_schema.columns WHERE table_schema = DATABASE()
UNION ALL SELECT CONCAT(table_name, ' ', index_name, ' ', non_unique, ' ', seq_in_index, ' ', column_name) FROM information_schema.statistics WHERE table_schema = DATABASE()
UNION ALL SELECT CONCAT(table_name, ' ', constraint_name, ' ', column_name, ' ', referenced_table_name, ' ', referenced_column_name) FROM information_schema.key_column_usage WHERE table_schema = DATABASE() AND referenced_table_name IS NOT NULL`

// TestCreateTables_catalog the tables are those that Django's migrations make, but for the identity columns of Django 4.1 and newer.
func TestCreateTables_catalog(t *testing.T) {
	for _, c := range []struct{ name, file, statement string }{
		{"postgres", "testdata/postgres-catalog.txt", postgresCatalog},
		{"mariadb", "testdata/mysql-catalog.txt", mysqlCatalog},
	} {
		t.Run(c.name, func(t *testing.T) {
			db := openURL(t, serverURL(t, c.name))
			must(t, open(t, db, userdb.Options{}).CreateTables(background))
			golden, err := os.ReadFile(c.file)
			must(t, err)
			want := strings.Split(strings.TrimSpace(string(golden)), "\n")[1:]
			got := texts(t, db, c.statement)
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("the catalog differs from Django's (-) in ours (+):\n%s", diff)
			}
		})
	}
}

func serverURL(t *testing.T, name string) string {
	if name == "postgres" {
		return testenv.Postgres(t)
	}
	return testenv.MariaDB(t)
}

func texts(t *testing.T, db *sqlconn.DB, statement string) (found []string) {
	t.Helper()
	rows, err := db.Query(statement)
	must(t, err)
	defer rows.Close()
	for rows.Next() {
		var text string
		must(t, rows.Scan(&text))
		found = append(found, strings.TrimSpace(text))
	}
	must(t, rows.Err())
	return found
}

// TestCollation what MariaDB takes for one name is not one (SPEC 8.7).
func TestCollation_mariadb(t *testing.T) {
	db := openURL(t, testenv.MariaDB(t))
	d := open(t, db, userdb.Options{})
	must(t, d.CreateTables(background))
	exec(t, db, "ALTER TABLE auth_user CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci")
	_, err := d.Add(background, userdb.NewUser{Username: "alice", Password: "pw"})
	must(t, err)
	var n int
	must(t, db.QueryRow("SELECT COUNT(*) FROM auth_user WHERE username = 'àLICE '").Scan(&n))
	if n != 1 {
		t.Fatalf("the collation finds %d rows; this test needs one that finds alice", n)
	}
	for login, want := range map[string]error{"alice": nil, "ALICE": auth.ErrInvalidCredentials, "àlice": auth.ErrInvalidCredentials, "alice ": auth.ErrInvalidCredentials} {
		if _, err := d.CheckPassword(background, login, "pw"); !errors.Is(err, want) {
			t.Errorf("%q: %v, want %v", login, err, want)
		}
	}
}

// TestLeastPrivilege_13_2_2 a role that may only read is enough to log in; what it lacks is named.
func TestLeastPrivilege_13_2_2(t *testing.T) {
	for _, name := range []string{"postgres", "mariadb"} {
		t.Run(name, func(t *testing.T) {
			address := serverURL(t, name)
			db := openURL(t, address)
			owner := open(t, db, userdb.Options{})
			must(t, owner.CreateTables(background))
			_, err := owner.Add(background, userdb.NewUser{Username: "alice", Password: "pw", Groups: []string{"staff"}})
			must(t, err)
			exec(t, db, "CREATE TABLE people (id integer, name varchar(30), pw varchar(128))")
			readerDB := openURL(t, readerURL(t, db, name, address))
			must(t, open(t, readerDB, userdb.Options{Table: "people", Columns: userdb.Columns{ID: "id", Username: "name", Password: "pw"}}).Check(background))
			reader := open(t, readerDB, userdb.Options{Registry: newer(), Upgrade: true})
			must(t, reader.Check(background))
			user, err := reader.CheckPassword(background, "alice", "pw")
			if err != nil || user.Upgraded || len(user.Groups) != 1 {
				t.Errorf("got %+v, %v", user, err)
			}
			for who, d := range map[bool]*userdb.Directory{true: owner, false: reader} {
				if may, err := d.MayReplace(background); may != who || err != nil {
					t.Errorf("passwords may be changed: %v, %v, want %v", may, err, who)
				}
			}
			_, addErr := reader.Add(background, userdb.NewUser{Username: "bob", Password: "pw"})
			for act, err := range map[string]error{"last_login": reader.RecordLogin(background, user.ID, noon), "add": addErr, "passwd": reader.SetPassword(background, "alice", "x")} {
				if err == nil || !strings.Contains(err.Error(), "grant SELECT") {
					t.Errorf("%s: %v; want what to grant", act, err)
				}
			}
		})
	}
}

// readerURL makes a role with the documented grants and returns the database's URL for it.
func readerURL(t *testing.T, db *sqlconn.DB, name, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	must(t, err)
	role := "reader_" + strings.ToLower(strings.Trim(u.Path, "/"))
	tables := []string{"auth_user", "auth_group", "auth_user_groups", "people"}
	if name == "postgres" {
		exec(t, db, "CREATE ROLE "+role+" LOGIN PASSWORD 'reader';\nGRANT SELECT ON "+strings.Join(tables, ", ")+" TO "+role)
		t.Cleanup(func() { db.Exec("DROP OWNED BY " + role); db.Exec("DROP ROLE " + role) })
	} else {
		exec(t, db, "CREATE USER "+role+"@'%' IDENTIFIED BY 'reader'")
		for _, table := range tables {
			exec(t, db, "GRANT SELECT ON "+table+" TO "+role+"@'%'")
		}
	}
	u.User = url.UserPassword(role, "reader")
	return u.String()
}

// TestCustomUserModel a Django project with its own user model, in a schema of its own, with groups found by themselves.
func TestCustomUserModel_postgres(t *testing.T) {
	db := openURL(t, testenv.Postgres(t))
	must(t, open(t, db, userdb.Options{}).CreateTables(background))
	exec(t, db, `CREATE SCHEMA app;
CREATE TABLE app.accounts_person (id uuid PRIMARY KEY DEFAULT gen_random_uuid(), email varchar(254) UNIQUE, password varchar(128), is_active boolean, is_superuser boolean, date_joined timestamptz NOT NULL);
CREATE TABLE app.accounts_person_groups (id bigserial PRIMARY KEY, person_id uuid NOT NULL, group_id integer NOT NULL);
CREATE TABLE app.accounts_person_user_permissions (id bigserial PRIMARY KEY, person_id uuid NOT NULL, permission_id integer NOT NULL);`)
	d := open(t, db, userdb.Options{Table: "app.accounts_person", Columns: userdb.Columns{
		ID: "id", Username: "email", Password: "password", Email: "email", Active: "is_active", Superuser: "is_superuser"}})
	must(t, d.Check(background))
	added, err := d.Add(background, userdb.NewUser{Username: "eve@example.com", Password: "pw", Groups: []string{"editors"}})
	must(t, err)
	if got, want := summary(added), added.ID+"|eve@example.com|eve@example.com|||editors|a"; got != want || len(added.ID) != 36 {
		t.Errorf("added %s, want %s", got, want)
	}
	user, err := d.CheckPassword(background, "eve@example.com", "pw")
	if err != nil || summary(user) != summary(added) {
		t.Errorf("got %s, %v", summary(user), err)
	}
	for _, id := range []string{"1", "abc", strings.ToUpper(added.ID), added.ID + " "} {
		if _, err := d.User(background, id); !errors.Is(err, auth.ErrNoUser) {
			t.Errorf("id %q: %v", id, err)
		}
	}
	must(t, d.Delete(background, "eve@example.com"))
}
