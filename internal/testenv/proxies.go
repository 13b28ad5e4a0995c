package testenv

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"
)

// Nginx starts nginx. config is what stands in its http block, for the address that it is to listen on.
func Nginx(t testing.TB, config func(addr string) string) *Server {
	t.Helper()
	path := need(t, "nginx-light", "nginx")
	folder, err := newFolder(account{})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, func(port int) (program, error) {
		file, err := writeConfig(folder, "nginx.conf", nginxConfig(folder, config(address(port))))
		return program{name: "nginx", path: path, folder: folder, polite: syscall.SIGQUIT, abrupt: syscall.SIGTERM,
			args:  []string{"-p", folder, "-c", file, "-e", "stderr"},
			probe: func() error { return probePort(address(port)) }}, err
	})
}

func nginxConfig(folder, http string) string {
	return fmt.Sprintf("daemon off;\nmaster_process off;\npid %[1]s/pid;\nerror_log stderr info;\nevents {}\nhttp {\naccess_log off;\n"+
		"client_body_temp_path %[1]s/body;\nproxy_temp_path %[1]s/proxy;\nfastcgi_temp_path %[1]s/fastcgi;\nuwsgi_temp_path %[1]s/uwsgi;\n"+
		"scgi_temp_path %[1]s/scgi;\n%[2]s\n}\n", folder, http)
}

// Caddy starts Caddy with a Caddyfile for the address that it is to listen on.
func Caddy(t testing.TB, config func(addr string) string) *Server {
	t.Helper()
	path := need(t, "caddy", "caddy")
	folder, err := newFolder(account{})
	if err != nil {
		t.Fatal(err)
	}
	return serve(t, func(port int) (program, error) {
		file, err := writeConfig(folder, "Caddyfile", "{\n\tadmin off\n\tauto_https off\n}\n"+config(address(port)))
		return program{name: "caddy", path: path, folder: folder, polite: syscall.SIGTERM, abrupt: syscall.SIGKILL,
			args:  []string{"run", "--adapter", "caddyfile", "--config", file},
			probe: func() error { return probePort(address(port)) }}, err
	})
}

func writeConfig(folder, name, text string) (string, error) {
	file := filepath.Join(folder, name)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write configuration: %w", err)
	}
	return file, nil
}

func probePort(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return fmt.Errorf("probe server: %w", err)
	}
	return conn.Close()
}
