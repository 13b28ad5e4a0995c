package cache_test

import (
	"io"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// relay stands between a client and a server. Hostile, it cuts answers short and holds them back.
type relay struct {
	listener net.Listener
	target   string
	hostile  atomic.Bool

	mu         sync.Mutex
	conns      map[net.Conn]bool
	open, most int
	group      sync.WaitGroup
}

func newRelay(t *testing.T, target string) *relay {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &relay{listener: listener, target: target, conns: map[net.Conn]bool{}}
	r.group.Go(r.accept)
	t.Cleanup(r.close)
	return r
}

func (r *relay) addr() string { return r.listener.Addr().String() }

// highest is the most connections that were open at once.
func (r *relay) highest() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.most
}

func (r *relay) close() {
	_ = r.listener.Close()
	r.mu.Lock()
	for c := range r.conns {
		_ = c.Close()
	}
	r.mu.Unlock()
	r.group.Wait()
}

func (r *relay) accept() {
	for {
		client, err := r.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", r.target)
		if err != nil {
			_ = client.Close()
			continue
		}
		r.mu.Lock()
		r.conns[client], r.conns[server] = true, true
		r.open++
		r.most = max(r.most, r.open)
		r.mu.Unlock()
		r.group.Go(func() { _, _ = io.Copy(server, client); r.gone(client); _ = server.Close() })
		r.group.Go(func() { r.answers(client, server); _, _ = client.Close(), server.Close() })
	}
}

func (r *relay) gone(client net.Conn) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.conns, client)
	r.open--
	_ = client.Close()
}

func (r *relay) answers(client, server net.Conn) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := server.Read(buffer)
		if err != nil {
			return
		}
		part := buffer[:n]
		if r.hostile.Load() {
			switch rand.IntN(8) {
			case 0:
				_, _ = client.Write(part[:rand.IntN(n)])
				return
			case 1:
				time.Sleep(time.Duration(rand.IntN(40)) * time.Millisecond)
			}
		}
		if _, err := client.Write(part); err != nil {
			return
		}
	}
}
