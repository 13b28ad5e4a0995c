package e2e

import (
	"errors"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestUserVerify names each reason, shows nothing of what is stored, and its exit code tells no from fault.
func TestUserVerify(t *testing.T) {
	p := serve(t, serveOptions{})
	file := filepath.Join(p.dir, "coatcheck-data", "coatcheck.sqlite3")
	if out, err := p.run(userPassword, "user", "add", "alice", "--password-stdin"); err != nil {
		t.Fatal(err, out)
	}
	verify := func(secret string) (string, int) {
		out, err := p.run(secret, "user", "verify", "alice", "--password-stdin")
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			return out, exit.ExitCode()
		}
		return out, 0
	}
	for _, c := range []struct {
		name, stored, says string
		hidden             string
	}{
		{"unusable", "!abcdefgh", "no usable password", "abcdefgh"},
		{"empty", "", "no usable password", "-"},
		{"legacy format", "$1$abcdefgh$hodaNnKnL22RTqoXGDQNg.", "it looks like crypt_md5; add that to users.password_formats", "hodaNn"},
		{"unknown format", "$zz9$abcdefgh$hodaNnKnL22RTqoXGDQNg.", "it begins with $zz9$", "hodaNn"},
		{"plain text", "hunter2 & more", "14 bytes without a mark of its format; perhaps plain text", "hunter"},
		{"malformed", "pbkdf2_sha256$many$abcdefgh$xyzxyzxyz", "cannot be checked: ", "xyzxyz"},
		{"costly", "pbkdf2_sha256$2000000000$abcdefgh$hodaNnKnL22RTqoXGDQNghodaNnKnL22RTqoXGDQNgA=", "above the limit", "hodaNn"},
	} {
		sql(t, file, "UPDATE auth_user SET password = ? WHERE username = 'alice'", c.stored)
		if out, code := verify(userPassword); code != 3 || !strings.Contains(out, c.says) || strings.Contains(out, c.hidden+"x") || c.hidden != "-" && strings.Contains(out, c.hidden) {
			t.Errorf("%s: exit code %d, %s; want 3 and %q", c.name, code, out, c.says)
		}
	}
	for range 21 {
		newVisitor(t, p.URL).post("/.auth/login", url.Values{"username": {"alice"}, "password": {"wrong"}})
	}
	sql(t, file, "UPDATE coatcheck_throttle SET failures = 25 WHERE id LIKE 'u:%'")
	if out, code := verify(userPassword); code != 3 || !strings.Contains(out, "25 logins in a row failed: from a new place the next one has to wait ") {
		t.Errorf("throttled: exit code %d, %s", code, out)
	}
	sql(t, file, "DROP TABLE auth_user_groups")
	sql(t, file, "DROP TABLE auth_user_user_permissions")
	sql(t, file, "ALTER TABLE auth_user DROP COLUMN email")
	if out, code := verify(userPassword); code != 1 {
		t.Errorf("a table that cannot be read: exit code %d, %s", code, out)
	}
}
