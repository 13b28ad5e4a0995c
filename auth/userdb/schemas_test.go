package userdb_test

import (
	"errors"
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
	script   string
	options  userdb.Options
	login    string
	password string
	want     string // summary
	stranger string // a login name that must not get in with the same password
}{
	{
		name: "WordPress 6.8", server: "mariadb",
		script: `CREATE TABLE wp_users (ID bigint(20) unsigned NOT NULL auto_increment, user_login varchar(60) NOT NULL default '', user_pass varchar(255) NOT NULL default '', user_nicename varchar(50) NOT NULL default '', user_email varchar(100) NOT NULL default '', user_url varchar(100) NOT NULL default '', user_registered datetime NOT NULL default '2020-01-01 00:00:00', user_activation_key varchar(255) NOT NULL default '', user_status int(11) NOT NULL default '0', display_name varchar(250) NOT NULL default '', PRIMARY KEY (ID), KEY user_login_key (user_login), KEY user_nicename (user_nicename), KEY user_email (user_email)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_520_ci;
INSERT INTO wp_users (user_login, user_pass, user_email, display_name) VALUES ('admin', '$wp$2y$05$IULbp9DQ5FtvyMpc7FPruODFQJESLLSXFv7eqDu0xie6irapf/FMO', 'admin@example.com', 'The Admin')`,
		options: userdb.Options{Table: "wp_users", Columns: userdb.Columns{ID: "ID", Username: "user_login", Password: "user_pass", Email: "user_email", FirstName: "display_name"}},
		login:   "admin", password: "correct horse", want: "1|admin|admin@example.com|The Admin|||a", stranger: "àdmin",
	},
	{
		name: "WordPress before 6.8", server: "mariadb",
		script: `CREATE TABLE wp_users (ID bigint(20) unsigned NOT NULL auto_increment PRIMARY KEY, user_login varchar(60) NOT NULL default '', user_pass varchar(255) NOT NULL default '', user_email varchar(100) NOT NULL default '', user_status int(11) NOT NULL default '0', display_name varchar(250) NOT NULL default '');
INSERT INTO wp_users (user_login, user_pass) VALUES ('old', '$P$9IQRaTwmfeRo7ud9Fh4E2PdI0S3r.L0')`,
		options: userdb.Options{Table: "wp_users", Columns: userdb.Columns{ID: "ID", Username: "user_login", Password: "user_pass", Email: "user_email"}},
		login:   "old", password: "test12345", want: "1|old|||||a", stranger: "OLD",
	},
	{
		name: "MediaWiki", server: "mariadb",
		script: "CREATE TABLE user (user_id int unsigned NOT NULL PRIMARY KEY AUTO_INCREMENT, user_name varbinary(255) NOT NULL default '', user_real_name varbinary(255) NOT NULL default '', user_password tinyblob NOT NULL, user_newpassword tinyblob NOT NULL, user_newpass_time binary(14), user_email tinyblob NOT NULL, user_touched binary(14) NOT NULL, user_token binary(32) NOT NULL default '', user_registration binary(14), user_editcount int unsigned, UNIQUE KEY user_name (user_name));\n" +
			"CREATE TABLE user_groups (ug_user int unsigned NOT NULL default 0, ug_group varbinary(255) NOT NULL default '', ug_expiry varbinary(14), PRIMARY KEY (ug_user, ug_group));\n" +
			"INSERT INTO user (user_name, user_real_name, user_password, user_newpassword, user_email, user_touched) VALUES ('4training', 'Trainer', ':pbkdf2:sha512:30000:64:pjtCXscgI3Z0OZDuZv8m9w==:l/Je0AYVy0okCapxuIkAfAxYmgnWu4PmtgJxY2J+3PmYqu77BGVSPA5zBZUwCky/3oV/dqGkhy9sXGXWmUww1w==', '', 'x@example.com', '20200101000000');\n" +
			"INSERT INTO user_groups (ug_user, ug_group) VALUES (1, 'sysop'), (1, 'bureaucrat')",
		options: userdb.Options{Table: "user", Columns: userdb.Columns{ID: "user_id", Username: "user_name", Password: "user_password", Email: "user_email", FirstName: "user_real_name"},
			GroupsQuery: "SELECT ug_group FROM user_groups WHERE ug_user = :id"},
		login: "4training", password: "4training", want: "1|4training|x@example.com|Trainer||bureaucrat+sysop|a", stranger: "4Training",
	},
	{
		name: "Redmine", server: "postgres",
		script: `CREATE TABLE users (id serial PRIMARY KEY, login varchar DEFAULT '' NOT NULL, hashed_password varchar(40) DEFAULT '' NOT NULL, firstname varchar(30) DEFAULT '' NOT NULL, lastname varchar(255) DEFAULT '' NOT NULL, admin boolean DEFAULT false NOT NULL, status integer DEFAULT 1 NOT NULL, last_login_on timestamp, type varchar, salt varchar(64));
CREATE TABLE email_addresses (id serial PRIMARY KEY, user_id integer NOT NULL, address varchar NOT NULL, is_default boolean DEFAULT false NOT NULL);
CREATE TABLE groups_users (group_id integer NOT NULL, user_id integer NOT NULL);
INSERT INTO users (login, hashed_password, firstname, lastname, admin, status, type, salt) VALUES ('jsmith', 'bfbe06043353a677d0215b26a5800d128d5413bc', 'John', 'Smith', false, 1, 'User', '67eb4732624d5a7753dcea7ce0bb7d7d'), ('locked', 'bfbe06043353a677d0215b26a5800d128d5413bc', 'L', 'L', true, 3, 'User', '67eb4732624d5a7753dcea7ce0bb7d7d'), ('', '', '', 'Developers', false, 1, 'Group', NULL);
INSERT INTO email_addresses (user_id, address, is_default) VALUES (1, 'other@example.com', false), (1, 'jsmith@example.com', true);
INSERT INTO groups_users VALUES (3, 1)`,
		options: userdb.Options{
			Query: `SELECT u.login AS username, 'redmine$' || u.salt || '$' || u.hashed_password AS password, e.address AS email, u.firstname AS first_name, u.lastname AS last_name, u.status = 1 AS active, u.admin AS superuser
FROM users u LEFT JOIN email_addresses e ON e.user_id = u.id AND e.is_default WHERE u.type = 'User' AND lower(u.login) = lower(:login::text) -- :not one`,
			GroupsQuery: `SELECT g.lastname FROM users u JOIN groups_users m ON m.user_id = u.id JOIN users g ON g.id = m.group_id WHERE u.login = :username`},
		login: "JSmith", password: "jsmith", want: "jsmith|jsmith|jsmith@example.com|John|Smith|Developers|a", stranger: "locked",
	},
	{
		name: "Rails Devise", server: "postgres",
		script: `CREATE TABLE users (id bigserial PRIMARY KEY, email character varying DEFAULT '' NOT NULL, encrypted_password character varying DEFAULT '' NOT NULL, reset_password_token character varying, reset_password_sent_at timestamp(6), remember_created_at timestamp(6), sign_in_count integer DEFAULT 0 NOT NULL, current_sign_in_at timestamp(6), last_sign_in_at timestamp(6), created_at timestamp(6) NOT NULL, updated_at timestamp(6) NOT NULL);
CREATE UNIQUE INDEX index_users_on_email ON users (email);
INSERT INTO users (email, encrypted_password, created_at, updated_at) VALUES ('eve@example.com', '$2a$05$B38.jvVi6mobcNL6t4dH/uAhAZb2tW0JZsUjmmyn4g7ybY7QRqgF6', now(), now())`,
		options: userdb.Options{Table: "users", Columns: userdb.Columns{ID: "id", Username: "email", Password: "encrypted_password", Email: "email", LastLogin: "last_sign_in_at"}},
		login:   "eve@example.com", password: "pässwörd ☃", want: "1|eve@example.com|eve@example.com||||a", stranger: "Eve@example.com",
	},
	{
		name: "Laravel", server: "mariadb",
		script: `CREATE TABLE users (id bigint unsigned NOT NULL AUTO_INCREMENT PRIMARY KEY, name varchar(255) NOT NULL, email varchar(255) NOT NULL, email_verified_at timestamp NULL, password varchar(255) NOT NULL, remember_token varchar(100) NULL, created_at timestamp NULL, updated_at timestamp NULL, UNIQUE KEY users_email_unique (email)) DEFAULT CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci;
INSERT INTO users (name, email, password) VALUES ('Bob', 'bob@example.com', '$2y$05$bmmB9Mp6uviSThSXdxgPquypR0fCwy34ofKeYdQONN/ds4hbNbkIq'), ('Ida', 'ida@example.com', '$argon2id$v=19$m=1024,t=2,p=1$SFJKL2Nrb2V1NU9EM2lmUA$n/a8Hr4SUgVMoktN9AduGQv0PuZn0IpU+ze4T+hs3fM')`,
		options: userdb.Options{Table: "users", Columns: userdb.Columns{ID: "id", Username: "email", Password: "password", Email: "email", FirstName: "name"}},
		login:   "ida@example.com", password: "pässwörd ☃", want: "2|ida@example.com|ida@example.com|Ida|||a", stranger: "idá@example.com",
	},
	{
		name: "a table of Unix crypt hashes", server: "sqlite",
		script: `CREATE TABLE accounts (login TEXT PRIMARY KEY, crypt TEXT, locked INTEGER NOT NULL DEFAULT 0);
INSERT INTO accounts VALUES ('root', '$6$KreTAiMyD.wzZEc8$Oce6KHtLsDILZqGfWJ94fex9FKfOqz8vlfqADBLvVHI63Cok9WHczmnNsjbZTpJt/U3GinLrmZnMD0k7kdnJP0', 0), ('gone', '$6$KreTAiMyD.wzZEc8$Oce6KHtLsDILZqGfWJ94fex9FKfOqz8vlfqADBLvVHI63Cok9WHczmnNsjbZTpJt/U3GinLrmZnMD0k7kdnJP0', 1)`,
		options: userdb.Options{Query: "SELECT login AS username, crypt AS password, locked = 0 AS active FROM accounts WHERE login = :login"},
		login:   "root", password: "correct horse", want: "root|root|||||a", stranger: "gone",
	},
	{
		name: "LDAP-style mailboxes", server: "mariadb",
		script: `CREATE TABLE mailbox (username varchar(255) NOT NULL PRIMARY KEY, password varchar(255) NOT NULL, name varchar(255) NOT NULL, active tinyint(1) NOT NULL default 1) DEFAULT CHARACTER SET latin1;
INSERT INTO mailbox VALUES ('info@example.com', '{SSHA}eFGoK1DTB83U0ybud98ECr1NY5WxltLa', 'Info', 1), ('off@example.com', '{SSHA}eFGoK1DTB83U0ybud98ECr1NY5WxltLa', 'Off', 0)`,
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
			exec(t, db, s.script)
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
