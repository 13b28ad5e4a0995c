package testenv

import (
	"path/filepath"
	"syscall"
	"testing"
)

// Fcgiwrap starts fcgiwrap, which runs CGI programs for FastCGI clients, and gives its URL.
func Fcgiwrap(t testing.TB) string {
	t.Helper()
	path := need(t, "fcgiwrap", "fcgiwrap")
	folder, err := newFolder(account{})
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, func(port int) (program, error) {
		return program{name: "fcgiwrap", path: path, folder: folder, polite: syscall.SIGTERM, abrupt: syscall.SIGKILL,
			args:  []string{"-f", "-c", "4", "-s", "tcp:" + address(port)},
			probe: func() error { return probePort(address(port)) }}, nil
	})
	return "fcgi://" + server.Addr
}

// GitBackend finds the CGI program of git, git-http-backend(1).
func GitBackend(t testing.TB) string {
	t.Helper()
	need(t, "git", "git")
	found, err := filepath.Glob("/usr/lib*/git-core/git-http-backend")
	if err != nil || len(found) == 0 {
		missing(t, "no git-http-backend; install the package git (scripts/test-packages does)")
	}
	return found[0]
}
