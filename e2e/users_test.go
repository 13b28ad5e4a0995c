package e2e

import (
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"coatcheck/internal/sqlconn"
	"coatcheck/internal/testenv"
)

// guideCase is one application of deploy/guides/users.md.
type guideCase struct {
	section string
	server  string // as the grants of the section call it; SQLite without grants
	schema  string // in testdata/users; "" for the tables that the commands make
	login   string
	secret  string
	want    map[string]string // identity headers
	kept    []string          // login names that must not get in with the same password
}

var guideCases = []guideCase{
	{"Django", "PostgreSQL", "", "alice", "correct horse", map[string]string{"Remote-User": "alice", "Remote-Groups": "editors"}, []string{"ALICE"}},
	{"Django", "MariaDB", "", "alice", "correct horse", map[string]string{"Remote-User": "alice", "Remote-Groups": "editors"}, []string{"ALICE", "àlice"}},
	{"Django", "SQLite", "", "alice", "correct horse", map[string]string{"Remote-User": "alice", "Remote-Groups": "editors"}, []string{"ALICE"}},
	{"Django with its own user model", "SQLite", "django-email", "eve@example.com", "correct horse",
		map[string]string{"Remote-User": "eve@example.com", "Remote-Name": "Eve Example", "Remote-Groups": "editors"}, []string{"Eve@example.com"}},
	{"WordPress", "MariaDB", "wordpress", "admin", "correct horse",
		map[string]string{"Remote-User": "admin", "Remote-Email": "admin@example.com", "Remote-Name": "The Admin", "Remote-Groups": "administrator"}, []string{"àdmin", "ADMIN"}},
	{"WordPress", "MariaDB", "wordpress", "old", "test12345", map[string]string{"Remote-User": "old", "Remote-Groups": "author"}, []string{"OLD"}},
	{"MediaWiki", "MariaDB", "mediawiki", "4training", "4training",
		map[string]string{"Remote-User": "4training", "Remote-Email": "x@example.com", "Remote-Groups": "bureaucrat,sysop"}, []string{"4Training"}},
	{"Redmine", "PostgreSQL", "redmine", "JSmith", "jsmith",
		map[string]string{"Remote-User": "jsmith", "Remote-Email": "jsmith@example.com", "Remote-Name": "John Smith", "Remote-Groups": "Developers"}, []string{"locked"}},
	{"Rails with Devise", "PostgreSQL", "devise", "Eve@example.com", "pässwörd ☃", map[string]string{"Remote-User": "eve@example.com"}, []string{"evé@example.com"}},
	{"Laravel", "MariaDB", "laravel", "ida@example.com", "pässwörd ☃", map[string]string{"Remote-User": "ida@example.com", "Remote-Name": "Ida"}, []string{"idá@example.com"}},
	{"A table of Unix crypt hashes", "SQLite", "crypt", "root", "correct horse", map[string]string{"Remote-User": "root"}, []string{"gone"}},
	{"A mail server's table with {SSHA}", "MariaDB", "ldap", "info@example.com", "pässwörd ☃",
		map[string]string{"Remote-User": "info@example.com", "Remote-Name": "Info"}, []string{"off@example.com"}},
}

// TestUserGuide each block of the guide, with the rights that it grants and no others, lets the application's users log in.
func TestUserGuide(t *testing.T) {
	guide := readFile(t, "../deploy/guides/users.md")
	app := newEcho(t)
	for _, c := range guideCases {
		t.Run(c.section+", "+c.server+", "+c.login, func(t *testing.T) {
			section := sectionOf(t, guide, c.section)
			reader := c.prepare(t, section)
			config := regexp.MustCompile(`(?m)^  url: .*$`).ReplaceAllLiteralString(block(t, section, "yaml", ""), "  url: "+reader)
			p := serve(t, serveOptions{Config: config + "upstream: " + app.URL + "\nlogin: {max_attempts: 0}\n"})
			v := newVisitor(t, p.URL)
			v.login(c.login, c.secret)
			got := v.echoed("/")
			for name, want := range c.want {
				if got.Get(name) != want {
					t.Errorf("%s: got %q, want %q", name, got.Get(name), want)
				}
			}
			for _, name := range append(c.kept, c.login+"x") {
				res := newVisitor(t, p.URL).post("/.auth/login", url.Values{"username": {name}, "password": {c.secret}})
				if res.StatusCode != http.StatusUnauthorized {
					t.Errorf("login of %q: %s, want 401", name, res.Status)
				}
			}
			c.verify(t, p)
		})
	}
}

// verify asks the command why.
func (c guideCase) verify(t *testing.T, p *process) {
	t.Helper()
	config := filepath.Join(p.dir, "config.yaml")
	if out, err := p.run(c.secret, "user", "verify", c.login, "--password-stdin", "--config", config); err != nil {
		t.Errorf("user verify: %v\n%s", err, out)
	}
	if out, err := p.run("wrong", "user", "verify", c.login, "--password-stdin", "--config", config); err == nil || !strings.Contains(out, "the password is wrong") {
		t.Errorf("user verify of a wrong password: %v\n%s", err, out)
	}
}

// prepare makes the application's database and the role, and returns the role's URL.
func (c guideCase) prepare(t *testing.T, section string) string {
	t.Helper()
	owner := map[string]func(testing.TB) string{
		"PostgreSQL": testenv.Postgres, "MariaDB": testenv.MariaDB,
		"SQLite": func(t testing.TB) string { return "sqlite:" + filepath.Join(t.TempDir(), "app.sqlite3") },
	}[c.server](t)
	if c.schema == "" {
		env := append(cleanEnv(), "COATCHECK_DATABASE_URL="+owner)
		if out, err := command(t, t.TempDir(), env, c.secret, "user", "add", c.login, "--group", "editors", "--password-stdin"); err != nil {
			t.Fatalf("user add: %v\n%s", err, out)
		}
	} else {
		script(t, owner, readFile(t, "../testdata/users/"+c.schema+".sql"))
	}
	if c.server == "SQLite" {
		if err := os.Chmod(strings.TrimPrefix(owner, "sqlite:"), 0o440); err != nil {
			t.Fatal(err)
		}
		return owner
	}
	return grant(t, owner, block(t, section, "sql", "-- "+c.server))
}

// grant runs the guide's statements for a role of this test's own.
func grant(t *testing.T, owner, statements string) string {
	t.Helper()
	u, err := url.Parse(owner)
	if err != nil {
		t.Fatal(err)
	}
	role := "reader_" + strings.ToLower(strings.Trim(u.Path, "/"))
	script(t, owner, regexp.MustCompile(`\bcoatcheck\b`).ReplaceAllLiteralString(statements, role))
	if u.Scheme == "postgres" {
		t.Cleanup(func() { script(t, owner, "DROP OWNED BY "+role+";\nDROP ROLE "+role) })
	} else {
		t.Cleanup(func() { script(t, owner, "DROP USER "+role+"@'%'") })
	}
	u.User = url.UserPassword(role, "PASSWORD")
	return u.String()
}

// script runs statements that end with a semicolon at the end of a line.
func script(t testing.TB, address, text string) {
	t.Helper()
	db, err := sqlconn.Open(address, sqlconn.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for statement := range strings.SplitSeq(text+"\n", ";\n") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := db.Exec(statement); err != nil {
			t.Fatalf("%.300s: %v", statement, err)
		}
	}
}

func sectionOf(t *testing.T, guide, title string) string {
	t.Helper()
	_, rest, found := strings.Cut(guide, "\n## "+title+"\n")
	if !found {
		t.Fatalf("the guide has no section %q", title)
	}
	section, _, _ := strings.Cut(rest, "\n## ")
	return section
}

// block is the first fenced text of the language in the section that begins with start.
func block(t *testing.T, section, language, start string) string {
	t.Helper()
	_, rest, found := strings.Cut(section, "```"+language+"\n"+start)
	if !found {
		t.Fatalf("the section has no %s block %q", language, start)
	}
	text, _, _ := strings.Cut(rest, "```")
	if language == "sql" {
		_, text, _ = strings.Cut(text, "\n")
	}
	return text
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
