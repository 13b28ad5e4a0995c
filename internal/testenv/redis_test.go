package testenv_test

import (
	"crypto/tls"
	"net"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/testenv"
)

func TestRedis(t *testing.T) {
	for name, start := range map[string]func(testing.TB) *testenv.RedisServer{"plain": testenv.Redis, "tls": testenv.RedisTLS} {
		t.Run(name, func(t *testing.T) {
			server := start(t)
			server.Do("SET", "k", "v")
			checkRestart(t, server.Server)
			if got := server.Do("GET", "k"); got != "v" {
				t.Errorf("after the restarts k = %q, want v", got)
			}
		})
	}
}

func TestRedisWantsItsUser(t *testing.T) {
	server := testenv.Redis(t)
	conn, err := net.Dial("tcp", server.Addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	conn.Write([]byte("GET k\r\n"))
	answer := make([]byte, 64)
	n, _ := conn.Read(answer)
	if got := string(answer[:n]); !strings.HasPrefix(got, "-NOAUTH") {
		t.Errorf("without a user: %q, want NOAUTH", got)
	}
}

func TestRedisTLSIsNotPlain(t *testing.T) {
	server := testenv.RedisTLS(t)
	conn, err := tls.Dial("tcp", server.Addr, nil)
	if err == nil {
		conn.Close()
		t.Error("the system's authorities believe the server's certificate")
	}
}

func TestPause(t *testing.T) {
	server := testenv.Redis(t)
	server.Pause()
	conn, err := net.Dial("tcp", server.Addr)
	if err != nil {
		t.Fatalf("a paused server must accept connections: %v", err)
	}
	defer conn.Close()
	conn.Write([]byte("PING\r\n"))
	conn.SetReadDeadline(time.Now().Add(100 * time.Millisecond))
	if n, err := conn.Read(make([]byte, 1)); err == nil {
		t.Errorf("a paused server sent %d bytes", n)
	}
	server.Resume()
	if got := server.Do("PING"); got != "PONG" {
		t.Errorf("after resume: %q, want PONG", got)
	}
}

func TestRedisSentinel(t *testing.T) {
	set := testenv.RedisSentinel(t)
	set.Master.Do("SET", "k", "v")
	set.Master.Do("WAIT", "1", "1000")
	set.Master.Kill()
	for deadline := time.Now().Add(30 * time.Second); set.Current() != set.Replica.Addr; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("master is still %s; log of a sentinel:\n%s", set.Current(), set.Sentinels[0].Log())
		}
	}
	if got := set.Replica.Do("GET", "k"); got != "v" {
		t.Errorf("at the new master k = %q, want v", got)
	}
}

func TestRedisCluster(t *testing.T) {
	cluster := testenv.RedisCluster(t)
	var stored, moved int
	for _, node := range cluster.Nodes {
		if strings.Contains(node.Do("CLUSTER", "SLOTS"), "127.0.0.1") {
			stored++
		}
		if node.Do("CLUSTER", "KEYSLOT", "k") == "7629" {
			moved++
		}
	}
	if stored != 3 || moved != 3 {
		t.Errorf("%d nodes list slots, %d know the key's slot, want 3 and 3", stored, moved)
	}
	cluster.Nodes[1].Do("SET", "k", "v") // slot 7629 is in the second third
	checkRestart(t, cluster.Nodes[1].Server)
	cluster.Await(t)
	if got := cluster.Nodes[1].Do("GET", "k"); got != "v" {
		t.Errorf("after the restarts k = %q, want v", got)
	}
}

func TestMemcached(t *testing.T) {
	first, second := testenv.Memcached(t), testenv.Memcached(t)
	if first.Addr == second.Addr {
		t.Fatalf("two servers at %s", first.Addr)
	}
	checkRestart(t, first.Server)
	if want, got := "memcached://"+first.Addr+","+second.Addr, testenv.MemcachedURL(first.Addr, second.Addr); got != want {
		t.Errorf("URL = %q, want %q", got, want)
	}
}
