package testenv

import (
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// programFolders are searched instead of PATH, where a developer's shims may stand before the distribution's programs.
var programFolders = []string{"/usr/bin", "/usr/sbin", "/bin", "/sbin", "/usr/lib/postgresql/*/bin", "/usr/local/bin", "/usr/local/sbin", "/usr/local/pgsql/bin"}

// need finds a program or ends the test: it skips it, but fails it where CI=true promises that everything is there.
func need(t testing.TB, packageName string, names ...string) string {
	t.Helper()
	path, err := find(names...)
	if err != nil {
		missing(t, fmt.Sprintf("%v; install the package %s (scripts/test-packages does)", err, packageName))
	}
	return path
}

func missing(t testing.TB, reason string) {
	t.Helper()
	if os.Getenv("CI") == "true" {
		t.Fatal(reason)
	} else {
		t.Skip(reason)
	}
}

// find gives the path of the first program of these names that is installed, of the highest version where there are
// several.
func find(names ...string) (string, error) {
	for _, name := range names {
		for _, folder := range programFolders {
			found, err := filepath.Glob(filepath.Join(folder, name))
			if err == nil && len(found) > 0 {
				return slices.MaxFunc(found, compareVersions), nil
			}
		}
	}
	return "", fmt.Errorf("%s is not installed", strings.Join(names, " or "))
}

// compareVersions orders /usr/lib/postgresql/9/… before /usr/lib/postgresql/15/….
func compareVersions(a, b string) int {
	if len(a) != len(b) {
		return len(a) - len(b)
	}
	return strings.Compare(a, b)
}

// account is whom a server runs as; the zero account is ourselves.
type account struct{ uid, gid int }

// unprivileged gives the first of the accounts that exists when we are root, whom PostgreSQL, MariaDB and memcached refuse
// to serve; otherwise ourselves.
func unprivileged(names ...string) (account, error) {
	if os.Geteuid() != 0 {
		return account{}, nil
	}
	for _, name := range append(names, "nobody") {
		found, err := user.Lookup(name)
		if err != nil {
			continue
		}
		uid, uidErr := strconv.Atoi(found.Uid)
		gid, gidErr := strconv.Atoi(found.Gid)
		return account{uid, gid}, errors.Join(uidErr, gidErr)
	}
	return account{}, fmt.Errorf("no account to run servers as: tried %v and nobody", names)
}

func (a account) credential() *syscall.Credential {
	if a == (account{}) {
		return nil
	}
	return &syscall.Credential{Uid: uint32(a.uid), Gid: uint32(a.gid)}
}

// newFolder makes a temporary folder that only the account may enter. The system's own, since the path of a test's
// t.TempDir can be too long for a unix socket.
func newFolder(a account) (string, error) {
	folder, err := os.MkdirTemp("", "coatcheck-test-")
	if err != nil {
		return "", fmt.Errorf("make folder for server: %w", err)
	}
	if a != (account{}) {
		if err := os.Chown(folder, a.uid, a.gid); err != nil {
			return "", fmt.Errorf("give folder of server away: %w", err)
		}
	}
	return folder, nil
}

// run executes a program that comes to an end by itself, and gives what it wrote.
func run(p program) (string, error) {
	cmd := exec.Command(p.path, p.args...)
	cmd.Dir, cmd.Env = p.folder, p.environ()
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.account.credential()}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("run %s: %w:\n%s", p.name, err, out)
	}
	return string(out), nil
}

// newPassword makes a password that needs no escaping anywhere. It also tells our server from a stranger's at the same port.
func newPassword() string { return rand.Text() }
