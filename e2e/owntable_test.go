package e2e

import (
	"path/filepath"
	"strings"
	"testing"
)

// TestUserCommandsOnOwnTable the commands work on an application's own table, in a database of its own.
func TestUserCommandsOnOwnTable(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "shop.sqlite3")
	script(t, "sqlite:"+file, `CREATE TABLE customers (nr INTEGER PRIMARY KEY, mail TEXT NOT NULL UNIQUE, pw TEXT NOT NULL, ok INTEGER NOT NULL DEFAULT 1, seen TEXT);
INSERT INTO customers (mail, pw) VALUES ('old@example.com', '$2a$05$B38.jvVi6mobcNL6t4dH/uAhAZb2tW0JZsUjmmyn4g7ybY7QRqgF6')`)
	p := serve(t, serveOptions{Dir: dir, Config: `users:
  url: sqlite:shop.sqlite3
  table: customers
  columns: {id: nr, username: mail, password: pw, email: mail, active: ok, last_login: seen, first_name: "", last_name: "", staff: "", superuser: ""}
  password_formats: [crypt_bcrypt]
`})
	for _, step := range []struct {
		args, stdin, says string
		fails             bool
	}{
		{"list", "", "old@example.com", false},
		{"verify old@example.com --password-stdin", "pässwörd ☃", "can log in", false},
		{"add new@example.com --password-stdin", "correct horse", "added user new@example.com (id 2)", false},
		{"verify new@example.com --password-stdin", "correct horse", "can log in", false},
		{"add new@example.com --password-stdin", "correct horse", "a user of this name already", true},
		{"passwd old@example.com --password-stdin", "another one", "password of old@example.com set", false},
		{"verify old@example.com --password-stdin", "another one", "can log in", false},
		{"disable old@example.com", "", "disabled old@example.com", false},
		{"verify old@example.com --password-stdin", "another one", "the user is disabled", true},
		{"enable old@example.com", "", "enabled old@example.com", false},
		{"groups old@example.com --add editors", "", "no group tables", true},
		{"delete old@example.com", "", "deleted old@example.com", false},
		{"show old@example.com", "", "no such user", true},
		{"show new@example.com", "", "last login", false},
	} {
		out, err := p.run(step.stdin, append(append([]string{"user"}, strings.Fields(step.args)...), "--config", "config.yaml")...)
		if (err != nil) != step.fails || !strings.Contains(out, step.says) {
			t.Errorf("user %s: %v\n%s\nwant %q", step.args, err, out, step.says)
		}
	}
	newVisitor(t, p.URL).login("new@example.com", "correct horse")
	out, err := p.run("", "user", "show", "new@example.com", "--json", "--config", "config.yaml")
	if err != nil || strings.Contains(out, `"last_login": null`) {
		t.Errorf("the login is not recorded: %v\n%s", err, out)
	}
}
