package testenv

import (
	"bufio"
	"fmt"
	"net"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// MemcachedServer is a memcached of one test; it forgets everything when it is stopped.
type MemcachedServer struct {
	*Server
	URL string // memcached://host:port
}

// Memcached starts a memcached server. For several, call it several times.
func Memcached(t testing.TB) *MemcachedServer {
	t.Helper()
	path := need(t, "memcached", "memcached")
	as, err := unprivileged("memcache")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := newFolder(as)
	if err != nil {
		t.Fatal(err)
	}
	server := serve(t, func(port int) (program, error) {
		return program{name: "memcached", path: path, folder: folder, account: as, polite: syscall.SIGTERM, abrupt: syscall.SIGKILL,
			args:  []string{"-l", "127.0.0.1", "-p", strconv.Itoa(port), "-U", "0", "-m", "64", "-t", "2"},
			probe: func() error { return askMemcached(address(port)) }}, nil
	})
	return &MemcachedServer{Server: server, URL: MemcachedURL(server.Addr)}
}

// MemcachedURL is the cache.url of several servers by their addresses.
func MemcachedURL(addrs ...string) string { return "memcached://" + strings.Join(addrs, ",") }

func askMemcached(addr string) error {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return fmt.Errorf("connect to memcached: %w", err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(time.Second))
	if _, err := fmt.Fprint(conn, "version\r\n"); err != nil {
		return fmt.Errorf("ask memcached: %w", err)
	}
	answer, err := bufio.NewReader(conn).ReadString('\n')
	if err != nil || !strings.HasPrefix(answer, "VERSION ") {
		return fmt.Errorf("ask memcached for its version: %q, %w", answer, err)
	}
	return nil
}
