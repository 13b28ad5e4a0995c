package cache

import (
	"encoding/json"
	"fmt"
	"os/exec"
	"strings"
	"testing"
)

const pymemcacheProgram = `
import json, sys
from pymemcache.client.hash import HashClient
asked = json.load(sys.stdin)
client = HashClient(asked["servers"], allow_unicode_keys=True)
json.dump([list(client.clients).index(client.hasher.get_node(k)) for k in asked["keys"]], sys.stdout)`

// TestPickAsPymemcache asks pymemcache itself, the client that Django's PyMemcacheCache uses, for the server of many keys.
func TestPickAsPymemcache(t *testing.T) {
	if output, err := exec.Command("/usr/bin/python3", "-c", "import pymemcache").CombinedOutput(); err != nil {
		t.Skipf("pymemcache is not installed (Debian: python3-pymemcache): %s", output)
	}
	servers := []string{"10.0.0.1:11211", "cache.example.com:11212", "[::1]:11211", "/run/memcached.sock", "other"}
	var hosts, keys []string
	for _, server := range servers {
		host, err := address(server, "11211")
		if err != nil {
			t.Fatal(err)
		}
		hosts = append(hosts, nodeName(host))
	}
	for i := range 2000 {
		keys = append(keys, fmt.Sprintf("préfix:%d:django.contrib.sessions.cache%s", i, strings.Repeat("z", i%40)))
	}
	asked, err := json.Marshal(map[string]any{"servers": servers, "keys": keys})
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("/usr/bin/python3", "-c", pymemcacheProgram)
	cmd.Stdin = strings.NewReader(string(asked))
	output, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var want []int
	if err := json.Unmarshal(output, &want); err != nil {
		t.Fatal(err)
	}
	used := map[int]bool{}
	for i, key := range keys {
		if got := pick(hosts, key); got != want[i] {
			t.Fatalf("%q: server %d, pymemcache says %d", key, got, want[i])
		}
		used[want[i]] = true
	}
	if len(used) != len(servers) {
		t.Errorf("only %d servers were used", len(used))
	}
}
