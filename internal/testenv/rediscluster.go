package testenv

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"
)

const (
	clusterNodes = 3
	clusterSlots = 16384 // of every Redis Cluster
)

// Cluster is a Redis Cluster of three masters without replicas.
type Cluster struct {
	URL                string // redis-cluster://user:password@host:port,host:port,host:port
	Username, Password string
	Nodes              []*RedisServer // each holds a third of the slots, in order
}

// RedisCluster starts a Cluster.
func RedisCluster(t testing.TB) *Cluster {
	t.Helper()
	c := &Cluster{Username: login, Password: newPassword()}
	var addrs []string
	for i := range clusterNodes {
		node, bus := startNode(t, c.Password)
		c.Nodes = append(c.Nodes, node)
		addrs = append(addrs, node.Addr)
		first, end := i*clusterSlots/clusterNodes, (i+1)*clusterSlots/clusterNodes
		node.Do("CLUSTER", "ADDSLOTSRANGE", strconv.Itoa(first), strconv.Itoa(end-1))
		node.Do("CLUSTER", "SET-CONFIG-EPOCH", strconv.Itoa(i+1)) // distinct, or the nodes have to quarrel first
		if i > 0 {
			c.Nodes[0].Do("CLUSTER", "MEET", "127.0.0.1", portOf(node.Addr), strconv.Itoa(bus))
		}
	}
	c.URL = fmt.Sprintf("redis-cluster://%s@%s", url.UserPassword(login, c.Password), strings.Join(addrs, ","))
	c.Await(t)
	return c
}

// Await waits until every node sees all nodes and all slots; a restarted node needs a moment to be seen.
func (c *Cluster) Await(t testing.TB) {
	t.Helper()
	await(t, "cluster is complete", func() bool {
		for _, node := range c.Nodes {
			info := node.Do("CLUSTER", "INFO")
			if !strings.Contains(info, "cluster_state:ok") || !strings.Contains(info, fmt.Sprintf("cluster_known_nodes:%d\r", clusterNodes)) {
				return false
			}
		}
		return true
	})
}

// startNode starts a node with a bus port of its own choice: the default is 10000 above the other and may be taken.
func startNode(t testing.TB, password string) (node *RedisServer, bus int) {
	t.Helper()
	bus, err := freePort()
	if err != nil {
		t.Fatal(err)
	}
	return startRedis(t, redisConfig{password: password, more: []string{"cluster-enabled yes", "cluster-config-file nodes.conf",
		"cluster-port " + strconv.Itoa(bus), "cluster-node-timeout 2000"}}), bus
}
