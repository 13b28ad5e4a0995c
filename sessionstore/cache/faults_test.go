package cache_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"coatcheck/internal/testenv"
	"coatcheck/sessionstore/cache"
)

type single struct {
	*testenv.Server
	url string
}

func singles(t *testing.T) map[string]single {
	r, m := testenv.Redis(t), testenv.Memcached(t)
	return map[string]single{"redis": {r.Server, r.URL}, "memcached": {m.Server, m.URL}}
}

func answered(err error) bool {
	return err == nil || errors.Is(err, cache.ErrAbsent) || errors.Is(err, cache.ErrPresent) || errors.Is(err, cache.ErrForeign) || errors.Is(err, cache.ErrTooLarge)
}

// allFault asks for everything; nothing may be answered.
func allFault(t *testing.T, c *cache.Cache) {
	t.Helper()
	ctx := t.Context()
	errs := map[string]error{
		"get": second(c.Get(ctx, "k")), "add": c.Add(ctx, "k", nil, soon()), "replace": c.Replace(ctx, "k", nil, soon()),
		"swap": c.Swap(ctx, "k", nil, nil, soon()), "delete": c.Delete(ctx, "k"), "ping": c.Ping(ctx),
	}
	if c.CanList() {
		errs["keys"] = c.Keys(ctx, "", func(string) bool { return true })
	}
	for verb, err := range errs {
		if answered(err) {
			t.Errorf("%s = %v, want a fault", verb, err)
		}
	}
}

// eventually repeats what may fail for a moment after a server came back.
func eventually(t *testing.T, what string, done func() error) {
	t.Helper()
	var err error
	for range 4000 { // a vote of the sentinels that nobody wins is repeated after twice their failover-timeout
		if err = done(); err == nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("%s: still %v", what, err)
}

// TestStopped_F01: opened before its server runs; a fault while it is down; back without a restart of ours, at the first read.
func TestStopped_F01(t *testing.T) {
	for name, s := range singles(t) {
		t.Run(name, func(t *testing.T) {
			s.Stop()
			c := open(t, s.url, cache.Options{})
			allFault(t, c)
			s.Start()
			for range 3 {
				check(t, c, "first read", nil, nil, "nothing", nil)
				var group sync.WaitGroup
				for range 8 { // leaves several idle connections
					group.Go(func() { _, _ = c.Get(t.Context(), "nothing") })
				}
				group.Wait()
				s.Kill()
				s.Start()
			}
			eventually(t, "write", func() error { return c.Add(t.Context(), "k", []byte("v"), soon()) })
			check(t, c, "read", nil, nil, "k", []byte("v"))
		})
	}
}

// TestBlackHole_F02: calls end by themselves while the server is silent, and no more connections are made than allowed.
func TestBlackHole_F02(t *testing.T) {
	const maxConns = 4
	for name, s := range singles(t) {
		t.Run(name, func(t *testing.T) {
			relay := newRelay(t, s.Addr)
			c := open(t, strings.Replace(s.url, s.Addr, relay.addr(), 1),
				cache.Options{MaxConns: maxConns, DialTimeout: 100 * time.Millisecond, OpTimeout: 100 * time.Millisecond})
			if err := c.Ping(t.Context()); err != nil {
				t.Fatal(err)
			}
			s.Pause()
			var group sync.WaitGroup
			for range 100 {
				group.Go(func() {
					if _, err := c.Get(t.Context(), "k"); answered(err) {
						t.Errorf("get = %v, want a fault", err)
					}
				})
			}
			group.Wait()
			if open := relay.highest(); open > 2*maxConns { // the relay hears late of a close
				t.Errorf("%d connections at once, allowed are %d", open, maxConns)
			}
			s.Resume()
			eventually(t, "read", func() error { return c.Ping(t.Context()) })
		})
	}
}

// TestNoCrossTalk_F04_F05_J4: connections are cut in the middle of answers, answers come late, callers leave; nobody ever gets another's value.
func TestNoCrossTalk_F04_F05_J4(t *testing.T) {
	const keys, rounds = 50, 400
	for name, s := range singles(t) {
		t.Run(name, func(t *testing.T) {
			direct := open(t, s.url, cache.Options{})
			for i := range keys {
				if err := direct.Add(t.Context(), fmt.Sprint("key", i), value(i), soon()); err != nil {
					t.Fatal(err)
				}
			}
			relay := newRelay(t, s.Addr)
			relay.hostile.Store(true)
			c := open(t, strings.Replace(s.url, s.Addr, relay.addr(), 1), cache.Options{MaxConns: 4, OpTimeout: 20 * time.Millisecond})
			var group sync.WaitGroup
			var mu sync.Mutex
			outcomes := map[bool]int{}
			for range 8 {
				group.Go(func() {
					for range rounds / 8 {
						ok := askOne(t, c, rand.IntN(keys))
						mu.Lock()
						outcomes[ok]++
						mu.Unlock()
					}
				})
			}
			group.Wait()
			if outcomes[true] == 0 || outcomes[false] == 0 {
				t.Errorf("good and bad calls: %v; want some of both", outcomes)
			}
		})
	}
}

func value(i int) []byte { return bytes.Repeat([]byte(fmt.Sprint("value", i, ";")), 50) }

func askOne(t *testing.T, c *cache.Cache, i int) bool {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if rand.IntN(5) == 0 {
		time.AfterFunc(time.Duration(rand.IntN(10))*time.Millisecond, cancel)
	}
	got, err := c.Get(ctx, fmt.Sprint("key", i))
	if err == nil && !bytes.Equal(got, value(i)) {
		t.Errorf("key %d has %.20q", i, got)
	}
	if answered(err) && err != nil {
		t.Errorf("key %d: %v", i, err)
	}
	return err == nil
}

// TestFailover_F19: writes and reads go to the master, and to the next one when it is gone; a replica is never asked.
func TestFailover_F19(t *testing.T) {
	set := testenv.RedisSentinel(t)
	c := open(t, set.URL, cache.Options{})
	if err := c.Add(t.Context(), "k", []byte("v"), soon()); err != nil {
		t.Fatal(err)
	}
	set.Replica.Do("CONFIG", "SET", "replica-read-only", "no")
	set.Replica.Do("SET", ":1:k", "stale")
	for range 50 {
		check(t, c, "get", nil, nil, "k", []byte("v"))
	}
	set.Master.Kill()
	if _, err := c.Get(t.Context(), "k"); answered(err) {
		t.Errorf("get from a dead master = %v, want a fault", err)
	}
	eventually(t, "write to the next master", func() error { return c.Add(t.Context(), "new", []byte("n"), soon()) })
	check(t, c, "get", nil, nil, "new", []byte("n"))
}

// TestReadOnly_F19: a server that became a replica is a fault for writes, and the connections to it are given up.
func TestReadOnly_F19(t *testing.T) {
	server := testenv.Redis(t)
	c := open(t, server.URL, cache.Options{})
	if err := c.Add(t.Context(), "k", []byte("v"), soon()); err != nil {
		t.Fatal(err)
	}
	server.Do("REPLICAOF", "127.0.0.1", "1")
	before := server.Do("CLIENT", "LIST", "TYPE", "normal")
	if err := c.Delete(t.Context(), "k"); answered(err) {
		t.Errorf("delete = %v, want a fault", err)
	}
	if err := c.Replace(t.Context(), "k", []byte("w"), soon()); answered(err) {
		t.Errorf("replace = %v, want a fault", err)
	}
	server.Do("REPLICAOF", "NO", "ONE")
	if err := c.Delete(t.Context(), "k"); err != nil {
		t.Errorf("delete from the master again: %v", err)
	}
	after := server.Do("CLIENT", "LIST", "TYPE", "normal")
	if id := clientID(before); id == "" || strings.Contains(after, id) {
		t.Errorf("connection %q of before is still in use:\n%s", id, after)
	}
}

// clientID is the first connection that is not the asker's own.
func clientID(list string) string {
	for line := range strings.SplitSeq(list, "\n") {
		if id, _, ok := strings.Cut(line, " "); ok && !strings.Contains(line, "cmd=client") {
			return id + " "
		}
	}
	return ""
}

// TestRefusals_F19: what Redis refuses is a fault and never an answer.
func TestRefusals_F19(t *testing.T) {
	server := testenv.Redis(t)
	c := open(t, server.URL, cache.Options{})
	if err := c.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	server.Do("CONFIG", "SET", "maxmemory", "1")
	if err := c.Add(t.Context(), "k", []byte("v"), soon()); answered(err) {
		t.Errorf("add without memory = %v, want a fault", err)
	}
	server.Do("CONFIG", "SET", "maxmemory", "0")
	if err := c.Add(t.Context(), "k", []byte("v"), soon()); err != nil {
		t.Errorf("add with memory again: %v", err)
	}
	rotated := open(t, strings.Replace(server.URL, server.Password, "old-password", 1), cache.Options{})
	allFault(t, rotated)
}

// TestClusterNode_F19: a dead node is a fault for its keys; the others' go on.
func TestClusterNode_F19(t *testing.T) {
	cluster := testenv.RedisCluster(t)
	for _, node := range cluster.Nodes {
		node.Do("CONFIG", "SET", "cluster-require-full-coverage", "no")
	}
	c := open(t, cluster.URL, cache.Options{})
	for i := range 30 {
		if err := c.Add(t.Context(), fmt.Sprint("k", i), []byte("v"), soon()); err != nil {
			t.Fatal(err)
		}
	}
	cluster.Nodes[0].Kill()
	good, bad := 0, 0
	for i := range 30 {
		switch _, err := c.Get(t.Context(), fmt.Sprint("k", i)); {
		case err == nil:
			good++
		case answered(err):
			t.Errorf("k%d: %v", i, err)
		default:
			bad++
		}
	}
	if good == 0 || bad == 0 {
		t.Errorf("%d good, %d faults", good, bad)
	}
	cluster.Nodes[0].Start()
	cluster.Await(t)
	for i := range 30 {
		eventually(t, "all", func() error { _, err := c.Get(t.Context(), fmt.Sprint("k", i)); return err })
	}
}

// TestServerOfSeveral_F01: the keys of a dead memcached do not move to another, where they would be found again after its return.
func TestServerOfSeveral_F01(t *testing.T) {
	one, two := testenv.Memcached(t), testenv.Memcached(t)
	c := open(t, testenv.MemcachedURL(one.Addr, two.Addr), cache.Options{})
	one.Kill()
	good, bad := 0, 0
	for i := range 30 {
		switch err := c.Add(t.Context(), fmt.Sprint("k", i), []byte("v"), soon()); {
		case err == nil:
			good++
		case answered(err):
			t.Errorf("k%d: %v", i, err)
		default:
			bad++
		}
	}
	if good == 0 || bad == 0 {
		t.Errorf("%d good, %d faults", good, bad)
	}
}
