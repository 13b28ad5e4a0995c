package testenv

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// RedisServer is a Redis server of one test. It knows one user (an ACL user; the default user is off) and keeps its data
// over Stop, Kill and Start.
type RedisServer struct {
	*Server
	URL                string // redis:// or rediss://, with user, password and database 0
	Username, Password string
	CAFile             string // PEM, of a server with TLS

	dialer redisDialer
}

// Redis starts a Redis server.
func Redis(t testing.TB) *RedisServer {
	t.Helper()
	return startRedis(t, redisConfig{password: newPassword()})
}

// RedisTLS starts a Redis server that speaks TLS only, with a certificate for 127.0.0.1 and localhost by the authority of
// CAFile.
func RedisTLS(t testing.TB) *RedisServer {
	t.Helper()
	return startRedis(t, redisConfig{password: newPassword(), tls: true})
}

// Do executes a command and gives its answer as text, the elements of a list one a line, nil as an empty text.
func (r *RedisServer) Do(args ...string) string {
	r.t.Helper()
	answer, err := r.dialer.do(args...)
	if err != nil {
		r.t.Fatal(err)
	}
	return answer
}

// redisConfig is what the kinds of Redis servers differ in.
type redisConfig struct {
	password string
	tls      bool
	sentinel bool     // a Sentinel instead of a data server: without users
	more     []string // lines
}

func startRedis(t testing.TB, config redisConfig) *RedisServer {
	t.Helper()
	path := need(t, "redis-server", "redis-server", "valkey-server")
	folder, err := newFolder(account{})
	if err != nil {
		t.Fatal(err)
	}
	r := &RedisServer{}
	if !config.sentinel {
		r.Username, r.Password = login, config.password
	}
	r.dialer = redisDialer{username: r.Username, password: r.Password}
	if config.tls {
		authority, err := writeCertificates(folder)
		if err != nil {
			t.Fatal(err)
		}
		r.CAFile, r.dialer.tls = filepath.Join(folder, caFile), &tls.Config{RootCAs: authority}
	}
	r.Server = serve(t, func(port int) (program, error) {
		r.dialer.addr = address(port)
		return config.program(path, folder, port, r.dialer)
	})
	scheme := "redis"
	if config.tls {
		scheme = "rediss"
	}
	r.URL = (&url.URL{Scheme: scheme, User: url.UserPassword(login, config.password), Host: r.Addr, Path: "/0"}).String()
	return r
}

func (c redisConfig) program(path, folder string, port int, dialer redisDialer) (program, error) {
	file := filepath.Join(folder, "redis.conf")
	if err := os.WriteFile(file, []byte(strings.Join(c.lines(folder, port), "\n")+"\n"), 0o600); err != nil {
		return program{}, fmt.Errorf("write configuration of Redis: %w", err)
	}
	args := []string{file}
	if c.sentinel {
		args = append(args, "--sentinel")
	}
	return program{name: "redis", path: path, args: args, folder: folder, polite: syscall.SIGTERM, abrupt: syscall.SIGKILL, probe: func() error {
		_, err := dialer.do("PING") // our password, so no stranger's server can answer
		return err
	}}, nil
}

func (c redisConfig) lines(folder string, port int) []string {
	lines := []string{"bind 127.0.0.1", "dir " + folder}
	if c.tls {
		lines = append(lines, "port 0", fmt.Sprintf("tls-port %d", port), "tls-auth-clients no", "tls-ca-cert-file "+caFile,
			"tls-cert-file "+certFile, "tls-key-file "+keyFile)
	} else {
		lines = append(lines, fmt.Sprintf("port %d", port))
	}
	if !c.sentinel {
		lines = append(lines, "save \"\"", "appendonly yes", "appendfsync no", "user default off",
			"user "+login+" on >"+c.password+" ~* &* +@all", "repl-diskless-sync-delay 0")
	}
	return append(lines, c.more...)
}

func portOf(addr string) string {
	_, port, _ := net.SplitHostPort(addr)
	return port
}
