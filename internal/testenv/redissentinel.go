package testenv

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
)

const (
	sentinelCount  = 3
	sentinelQuorum = 2
	masterName     = "coatcheck"
)

// SentinelSet is a Redis master with a replica, watched by three Sentinels that promote the replica within about two
// seconds when the master is gone. The data servers want the user and password, the Sentinels none.
type SentinelSet struct {
	// URL is redis-sentinel://user:password@host:port,host:port,host:port/0?master=coatcheck.
	URL                string
	MasterName         string
	Username, Password string
	Sentinels          []*RedisServer
	Master, Replica    *RedisServer // as they were at the start

	t testing.TB
}

// RedisSentinel starts a SentinelSet.
func RedisSentinel(t testing.TB) *SentinelSet {
	t.Helper()
	set := &SentinelSet{MasterName: masterName, Username: login, Password: newPassword(), t: t}
	replication := []string{"masteruser " + login, "masterauth " + set.Password}
	set.Master = startRedis(t, redisConfig{password: set.Password, more: replication})
	set.Replica = startRedis(t, redisConfig{password: set.Password, more: append(replication, "replicaof 127.0.0.1 "+portOf(set.Master.Addr))})
	await(t, "replica follows master", func() bool {
		return strings.Contains(set.Replica.Do("INFO", "replication"), "master_link_status:up")
	})
	var addrs []string
	for range sentinelCount {
		sentinel := startRedis(t, redisConfig{sentinel: true, more: set.watch()})
		sentinel.URL = "" // not a data server
		sentinel.hurry()
		set.Sentinels = append(set.Sentinels, sentinel)
		addrs = append(addrs, sentinel.Addr)
	}
	set.URL = fmt.Sprintf("redis-sentinel://%s@%s/0?master=%s", url.UserPassword(login, set.Password), strings.Join(addrs, ","), masterName)
	await(t, "sentinels know each other and the replica", func() bool {
		for _, sentinel := range set.Sentinels {
			if !sentinel.knows("num-other-sentinels", sentinelCount-1) || !sentinel.knows("num-slaves", 1) {
				return false
			}
		}
		return true
	})
	return set
}

func (s *SentinelSet) watch() []string {
	return []string{
		fmt.Sprintf("sentinel monitor %s 127.0.0.1 %s %d", masterName, portOf(s.Master.Addr), sentinelQuorum),
		"sentinel auth-user " + masterName + " " + login,
		"sentinel auth-pass " + masterName + " " + s.Password,
		"sentinel down-after-milliseconds " + masterName + " 500",
		"sentinel failover-timeout " + masterName + " 3000",
	}
}

// hurry shortens a Sentinel's periods, of which some are ten seconds.
func (r *RedisServer) hurry() {
	r.t.Helper()
	r.Do("SENTINEL", "DEBUG", "info-period", "200", "ping-period", "100", "ask-period", "100", "publish-period", "100")
}

// knows looks for a number in a Sentinel's view of the master, a list of names and values in turn.
func (r *RedisServer) knows(name string, count int) bool {
	r.t.Helper()
	return strings.Contains(r.Do("SENTINEL", "MASTER", masterName)+"\n", fmt.Sprintf("\n%s\n%d\n", name, count))
}

// Current gives the address of the master that the first running Sentinel names.
func (s *SentinelSet) Current() string {
	s.t.Helper()
	for _, sentinel := range s.Sentinels {
		if sentinel.proc != nil {
			host, port, _ := strings.Cut(sentinel.Do("SENTINEL", "GET-MASTER-ADDR-BY-NAME", masterName), "\n")
			return host + ":" + port
		}
	}
	s.t.Fatal("no sentinel is running")
	return ""
}
