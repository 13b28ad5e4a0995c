package userdb_test

import (
	"database/sql"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"coatcheck/auth/userdb"
	"coatcheck/internal/sqlconn"
)

// TestCreateTables_vectors the tables are, to the letter, those that Django's migrations make.
func TestCreateTables_vectors(t *testing.T) {
	db := fresh(t)
	must(t, open(t, db, userdb.Options{}).CreateTables(background))
	const rest = ` AND tbl_name NOT IN ('django_migrations', 'django_session', 'sqlite_sequence')`
	if diff := cmp.Diff(master(t, fixtureDB(t), rest), master(t, db, rest)); diff != "" {
		t.Errorf("sqlite_master differs from Django's (-) in ours (+):\n%s", diff)
	}
}

func master(t *testing.T, db *sqlconn.DB, where string) map[string]string {
	t.Helper()
	rows, err := db.Query(`SELECT type || ' ' || name || ' on ' || tbl_name, sql FROM sqlite_master WHERE 1 = 1` + where)
	must(t, err)
	defer rows.Close()
	found := map[string]string{}
	for rows.Next() {
		var name string
		var text sql.NullString
		must(t, rows.Scan(&name, &text))
		found[name] = text.String
	}
	must(t, rows.Err())
	return found
}

// TestCheck a database that is not what the configuration says is told apart, with what to do about it.
func TestCheck_F30(t *testing.T) {
	cases := []struct {
		name, script string
		options      userdb.Options
		says         string
	}{
		{"empty database", ``, userdb.Options{}, "make it with `coatcheck user add`"},
		{"table of another program", "CREATE TABLE auth_user (uid integer, login text)", userdb.Options{}, "correct users.table or users.columns"},
		{"column missing", "CREATE TABLE auth_user (id integer, username text, password text, email text, first_name text, last_name text, is_staff bool, is_superuser bool)", userdb.Options{}, "is_active"},
		{"groups missing", "CREATE TABLE auth_user (id integer, username text, password text, email text, first_name text, last_name text, is_active bool, is_staff bool, is_superuser bool)", userdb.Options{}, "auth_group"},
		{"own table missing", ``, userdb.Options{Table: "people"}, "people"},
		{"query without its table", ``, userdb.Options{Query: "SELECT * FROM nowhere WHERE x = :login"}, "nowhere"},
		{"query without username", "CREATE TABLE p (n text, password text)", userdb.Options{Query: "SELECT n, password FROM p WHERE n = :login"}, "AS username"},
		{"query without password", "CREATE TABLE p (username text, pw text)", userdb.Options{Query: "SELECT username, pw FROM p WHERE username = :login"}, "AS password"},
		{"groups query without its table", "CREATE TABLE p (id int, username text, password text)", userdb.Options{Table: "p", Columns: userdb.Columns{ID: "id", Username: "username", Password: "password"}, GroupsQuery: "SELECT g FROM nowhere WHERE u = :id"}, "nowhere"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			db := fresh(t)
			exec(t, db, c.script)
			err := open(t, db, c.options).Check(background)
			if err == nil || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want something with %q", err, c.says)
			}
		})
	}
}

// TestCreateTables_foreign a table of the same name that is another program's is left alone.
func TestCreateTables_foreign(t *testing.T) {
	db := fresh(t)
	exec(t, db, "CREATE TABLE auth_user (uid integer, login text)")
	if err := open(t, db, userdb.Options{}).CreateTables(background); err == nil {
		t.Error("taken for Django's")
	}
}

func TestOpen_1_2_4(t *testing.T) {
	django := userdb.DjangoColumns()
	columns := func(change func(*userdb.Columns)) userdb.Columns {
		c := django
		change(&c)
		return c
	}
	cases := []struct {
		name    string
		options userdb.Options
		says    []string
	}{
		{"table with a quote", userdb.Options{Table: `a"b`}, []string{"users.table"}},
		{"table with SQL", userdb.Options{Table: "auth_user; DROP TABLE x"}, []string{"users.table"}},
		{"several columns", userdb.Options{Columns: columns(func(c *userdb.Columns) { c.Email, c.Staff = "e-mail", "1=1" })}, []string{"users.columns.email", "users.columns.staff"}},
		{"column with a table", userdb.Options{Columns: columns(func(c *userdb.Columns) { c.Email = "x.y" })}, []string{"users.columns.email"}},
		{"no id, no username, no password", userdb.Options{Columns: userdb.Columns{Email: "email"}}, []string{"columns.id", "columns.username", "columns.password"}},
		{"query without placeholder", userdb.Options{Query: "SELECT 1"}, []string{"users.query", ":login"}},
		{"query with another placeholder", userdb.Options{Query: "SELECT 1 WHERE x = :name"}, []string{"users.query", ":name", ":login"}},
		{"query that deletes", userdb.Options{Query: "DELETE FROM x WHERE y = :login"}, []string{"users.query", "SELECT"}},
		{"query and groups query wrong", userdb.Options{Query: "SELECT 1", GroupsQuery: "SELECT 2"}, []string{"users.query", "users.groups_query"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := userdb.Open(fresh(t), c.options)
			if err == nil {
				t.Fatal("accepted")
			}
			for _, says := range c.says {
				if !strings.Contains(err.Error(), says) {
					t.Errorf("%q lacks %q", err, says)
				}
			}
		})
	}
}
