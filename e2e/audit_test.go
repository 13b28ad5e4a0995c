package e2e

import (
	"net/url"
	"path/filepath"
	"strings"
	"testing"
)

// TestAudit_16_3_1 each event of a login says who, from where and in which request; each of them once.
func TestAudit_16_3_1(t *testing.T) {
	p := serve(t, serveOptions{Config: "login: {max_attempts: 3}\nusers: {upgrade_passwords: 'true', password_formats: [pbkdf2_sha256, md5]}\n"})
	for _, name := range []string{"alice", "odd", "old"} {
		if out, err := p.run(userPassword, "user", "add", name, "--password-stdin", "--config", "config.yaml"); err != nil {
			t.Fatal(err, out)
		}
	}
	file := filepath.Join(p.dir, "coatcheck-data", "coatcheck.sqlite3")
	sql(t, file, "UPDATE auth_user SET password = '$zz$abcdefgh' WHERE username = 'odd'")
	sql(t, file, "UPDATE auth_user SET password = 'md5$a$187ef4436122d1cc2f40dc2b92f0eba0' WHERE username = 'old'") // md5("ab")
	post := func(name, secret string) {
		newVisitor(t, p.URL).post("/.auth/login", url.Values{"username": {name}, "password": {secret}})
	}
	post("alice", userPassword)
	post("old", "b")
	post("odd", "x")
	post("odd", "x")
	for range 4 {
		post("nobody", "x")
	}
	for event, user := range map[string]string{"login_ok": "alice", "password_upgraded": "old", "password_format_refused": "odd", "login_failed": "odd", "login_throttled": "nobody"} {
		found := p.events(event)
		if len(found) == 0 || event == "password_format_refused" && len(found) != 1 {
			t.Errorf("%s: %d records", event, len(found))
			continue
		}
		if r := found[0]; r["user"] != user || r["client"] != "127.0.0.1" || r["request_id"] == nil {
			t.Errorf("%s: %v", event, r)
		}
	}
	for line := range strings.Lines(p.stderr.String()) {
		if strings.Count(line, `"client":`) > 1 || strings.Count(line, `"request_id":`) > 1 {
			t.Errorf("an attribute twice: %s", line)
		}
	}
}
