package testenv

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// PHPSite is PHP-FPM as its package configures it, but for what a test needs: two pools of workers, one on a TCP port and one on a
// unix socket, and PHP's errors on the standard error stream of FastCGI.
type PHPSite struct {
	*Server
	URL     string // fcgi://host:port
	UnixURL string // fcgi+unix:/path
	Root    string // the document root
}

// PHPFPM starts PHP-FPM for the scripts in root; settings are further lines of both pools.
func PHPFPM(t testing.TB, root string, settings ...string) *PHPSite {
	t.Helper()
	path := need(t, "php-fpm", "php-fpm[0-9]*", "php-fpm")
	folder, err := newFolder(account{})
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(folder, "fpm.sock")
	server := serve(t, func(port int) (program, error) {
		config := filepath.Join(folder, "fpm.conf")
		if err := os.WriteFile(config, []byte(phpConfig(port, socket, settings)), 0o600); err != nil {
			return program{}, fmt.Errorf("write configuration of PHP-FPM: %w", err)
		}
		return program{name: "php-fpm", path: path, folder: folder, polite: syscall.SIGQUIT, abrupt: syscall.SIGTERM,
			args: []string{"--nodaemonize", "--allow-to-run-as-root", "--fpm-config", config, "-d", "post_max_size=64M",
				"-d", "upload_max_filesize=64M"},
			probe: func() error { return probeDial(address(port)) }}, nil
	})
	return &PHPSite{Server: server, URL: "fcgi://" + server.Addr, UnixURL: "fcgi+unix:" + socket, Root: root}
}

func phpConfig(port int, socket string, settings []string) string {
	pool := "[%s]\nlisten = %s\npm = static\npm.max_children = 4\n" +
		"php_admin_flag[display_errors] = off\nphp_admin_flag[log_errors] = on\n" +
		strings.Join(append(settings, ""), "\n")
	return "[global]\nerror_log = /proc/self/fd/2\n" + fmt.Sprintf(pool, "tcp", address(port)) + fmt.Sprintf(pool, "unix", socket)
}

func probeDial(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return fmt.Errorf("probe server: %w", err)
	}
	return conn.Close()
}
