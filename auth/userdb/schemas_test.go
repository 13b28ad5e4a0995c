package userdb_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"coatcheck/auth"
	"coatcheck/auth/password"
	"coatcheck/auth/userdb"
)

// schemas are user tables of other applications: their published schema, hashes made by them or by the tools of their formats, and
// the configuration that reads them.
var schemas = []struct {
	name     string
	server   string // sqlite, postgres or mariadb: where the application usually lives
	script   string // in testdata/users
	options  userdb.Options
	login    string
	password string
	want     string // summary
	stranger string // a login name that must not get in with the same password
}{
	{
		name: "WordPress 6.8", server: "mariadb",
		script:  "wordpress",
		options: userdb.Options{Table: "wp_users", Columns: userdb.Columns{ID: "ID", Username: "user_login", Password: "user_pass", Email: "user_email", FirstName: "display_name"}},
		login:   "admin", password: "correct horse", want: "1|admin|admin@example.com|The Admin|||a", stranger: "àdmin",
	},
	{
		name: "WordPress before 6.8", server: "mariadb",
		script:  "wordpress",
		options: userdb.Options{Table: "wp_users", Columns: userdb.Columns{ID: "ID", Username: "user_login", Password: "user_pass", Email: "user_email"}},
		login:   "old", password: "test12345", want: "2|old|||||a", stranger: "OLD",
	},
	{
		name: "MediaWiki", server: "mariadb",
		script: "mediawiki",
		options: userdb.Options{Table: "user", Columns: userdb.Columns{ID: "user_id", Username: "user_name", Password: "user_password", Email: "user_email", FirstName: "user_real_name"},
			GroupsQuery: "SELECT ug_group FROM user_groups WHERE ug_user = :id"},
		login: "4training", password: "4training", want: "1|4training|x@example.com|Trainer||bureaucrat+sysop|a", stranger: "4Training",
	},
	{
		name: "Redmine", server: "postgres",
		script: "redmine",
		options: userdb.Options{
			Query: `SELECT u.login AS username, 'redmine$' || u.salt || '$' || u.hashed_password AS password, e.address AS email, u.firstname AS first_name, u.lastname AS last_name, u.status = 1 AS active, u.admin AS superuser
FROM users u LEFT JOIN email_addresses e ON e.user_id = u.id AND e.is_default WHERE u.type = 'User' AND lower(u.login) = lower(:login::text) -- :not one`,
			GroupsQuery: `SELECT g.lastname FROM users u JOIN groups_users m ON m.user_id = u.id JOIN users g ON g.id = m.group_id WHERE u.login = :username`},
		login: "JSmith", password: "jsmith", want: "jsmith|jsmith|jsmith@example.com|John|Smith|Developers|a", stranger: "locked",
	},
	{
		name: "Rails Devise", server: "postgres",
		script:  "devise",
		options: userdb.Options{Table: "users", Columns: userdb.Columns{ID: "id", Username: "email", Password: "encrypted_password", Email: "email", LastLogin: "last_sign_in_at"}},
		login:   "eve@example.com", password: "pässwörd ☃", want: "1|eve@example.com|eve@example.com||||a", stranger: "Eve@example.com",
	},
	{
		name: "Laravel", server: "mariadb",
		script:  "laravel",
		options: userdb.Options{Table: "users", Columns: userdb.Columns{ID: "id", Username: "email", Password: "password", Email: "email", FirstName: "name"}},
		login:   "ida@example.com", password: "pässwörd ☃", want: "2|ida@example.com|ida@example.com|Ida|||a", stranger: "idá@example.com",
	},
	{
		name: "a table of Unix crypt hashes", server: "sqlite",
		script:  "crypt",
		options: userdb.Options{Query: "SELECT login AS username, crypt AS password, locked = 0 AS active FROM accounts WHERE login = :login"},
		login:   "root", password: "correct horse", want: "root|root|||||a", stranger: "gone",
	},
	{
		name: "LDAP-style mailboxes", server: "mariadb",
		script:  "ldap",
		options: userdb.Options{Table: "mailbox", Columns: userdb.Columns{ID: "username", Username: "username", Password: "password", Email: "username", FirstName: "name", Active: "active"}},
		login:   "info@example.com", password: "pässwörd ☃", want: "info@example.com|info@example.com|info@example.com|Info|||a", stranger: "off@example.com",
	},
}

func TestSchemas(t *testing.T) {
	registry, err := password.FromNames([]string{"scrypt", "all"}) // the cheapest to prefer
	must(t, err)
	for _, s := range schemas {
		t.Run(s.name, func(t *testing.T) {
			address := "sqlite:" + filepath.Join(t.TempDir(), "app.sqlite3")
			if s.server != "sqlite" {
				address = serverURL(t, s.server)
			}
			db := openURL(t, address)
			script, err := os.ReadFile("../../testdata/users/" + s.script + ".sql")
			must(t, err)
			exec(t, db, string(script))
			s.options.Registry = registry
			d := open(t, db, s.options)
			must(t, d.Check(background))
			user, err := d.CheckPassword(background, s.login, s.password)
			if err != nil || summary(user) != s.want {
				t.Fatalf("got %s, %v; want %s", summary(user), err, s.want)
			}
			must(t, d.RecordLogin(background, user.ID, noon))
			again, err := d.User(background, user.ID)
			if err != nil || summary(again) != s.want || again.Password != user.Password {
				t.Errorf("by id got %s, %v", summary(again), err)
			}
			if _, err := d.CheckPassword(background, s.stranger, s.password); !errors.Is(err, auth.ErrInvalidCredentials) {
				t.Errorf("%q: %v; want invalid credentials", s.stranger, err)
			}
		})
	}
}

// TestQuery_isRead a table known by a query is not administered.
func TestQuery_isRead(t *testing.T) {
	db := fresh(t)
	exec(t, db, "CREATE TABLE p (username text, password text)")
	d := open(t, db, userdb.Options{Query: "SELECT username, password FROM p WHERE username = :login", Upgrade: true})
	_, addErr := d.Add(background, userdb.NewUser{Username: "a", Password: "b"})
	_, listErr := d.List(background)
	_, countErr := d.Count(background)
	for act, err := range map[string]error{
		"add": addErr, "list": listErr, "count": countErr, "delete": d.Delete(background, "a"), "passwd": d.SetPassword(background, "a", "b"),
		"groups": d.SetGroups(background, "a", nil), "active": d.SetActive(background, "a", true),
	} {
		if err == nil || !strings.Contains(err.Error(), "users.query is only read") {
			t.Errorf("%s: %v", act, err)
		}
	}
	must(t, d.RecordLogin(background, "a", noon))
}

// TestGroupsOfOwnTable groups that a query reads are not written.
func TestGroupsOfOwnTable(t *testing.T) {
	db := fresh(t)
	exec(t, db, "CREATE TABLE p (id integer primary key, name text, pw text);\nCREATE TABLE g (who integer, name text);\nINSERT INTO g VALUES (1, 'z'), (1, 'a'), (1, 'a'), (2, 'b')")
	columns := userdb.Columns{ID: "id", Username: "name", Password: "pw"}
	d := open(t, db, userdb.Options{Table: "p", Columns: columns, GroupsQuery: "SELECT name FROM g WHERE who = :id"})
	user, err := d.Add(background, userdb.NewUser{Username: "alice", Password: "pw"})
	if err != nil || summary(user) != "1|alice||||a+z|a" {
		t.Errorf("got %s, %v", summary(user), err)
	}
	wantError(t, d.AddGroups(background, "alice", []string{"x"}), userdb.ErrNoGroups)
	wantError(t, open(t, db, userdb.Options{Table: "p", Columns: columns}).AddGroups(background, "alice", []string{"x"}), userdb.ErrNoGroups)
	if err := d.SetStaff(background, "alice", true); err == nil || !strings.Contains(err.Error(), "users.columns.staff") {
		t.Errorf("staff without a column: %v", err)
	}
}

// TestFlags only a clear yes is one.
func TestFlags(t *testing.T) {
	db := fresh(t)
	exec(t, db, "CREATE TABLE p (id integer primary key, name text, pw text, ok)")
	d := open(t, db, userdb.Options{Table: "p", Columns: userdb.Columns{ID: "id", Username: "name", Password: "pw", Active: "ok"}})
	for value, want := range map[string]bool{"1": true, "'1'": true, "'t'": true, "'Yes'": true, "TRUE": true, "0": false, "3": false, "-1": false, "NULL": false, "''": false, "'active'": false, "'0'": false, "2.5": false, "X'01'": true, "X'00'": false} {
		exec(t, db, "DELETE FROM p;\nINSERT INTO p VALUES (1, 'a', 'x', "+value+")")
		user, err := d.User(background, "1")
		if value == "2.5" && err != nil {
			continue // a fault keeps out, too
		}
		if err != nil || user.Active != want {
			t.Errorf("%s is %v, %v; want %v", value, user.Active, err, want)
		}
	}
}

// TestTwoRows nobody can log in by a name that two rows have.
func TestTwoRows(t *testing.T) {
	db := fresh(t)
	exec(t, db, "CREATE TABLE p (id integer primary key, name text, pw text)")
	d := open(t, db, userdb.Options{Table: "p", Columns: userdb.Columns{ID: "id", Username: "name", Password: "pw"}})
	_, err := d.Add(background, userdb.NewUser{Username: "alice", Password: "pw"})
	must(t, err)
	exec(t, db, "INSERT INTO p (name, pw) SELECT name, pw FROM p")
	_, err = d.CheckPassword(background, "alice", "pw")
	wantError(t, err, auth.ErrInvalidCredentials)
}

func BenchmarkUser(b *testing.B) {
	d := open(b, fixtureDB(b), userdb.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := d.User(background, "1"); err != nil {
			b.Fatal(err)
		}
	}
}
