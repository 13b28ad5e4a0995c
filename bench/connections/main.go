// Connections measures what an open connection costs in memory: it builds the binary, opens many connections of each kind through it, and prints
// Markdown. `go run ./bench/connections`. It needs as many as three file descriptors for each connection.
package main

import (
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"time"
)

func main() {
	count := flag.Int("count", 2000, "connections of each kind")
	flag.Parse()
	if err := run(*count); err != nil {
		fmt.Fprintln(os.Stderr, "connections:", err)
		os.Exit(1)
	}
}

func run(count int) error {
	dir, err := os.MkdirTemp("", "coatcheck-connections-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	binary := filepath.Join(dir, "coatcheck")
	if out, err := exec.Command("go", "build", "-o", binary, "coatcheck").CombinedOutput(); err != nil {
		return fmt.Errorf("build: %w\n%s", err, out)
	}
	apps, err := newApplications()
	if err != nil {
		return err
	}
	fmt.Printf("%s, %d cores, %s, %d connections of each kind.\n\n", runtime.GOARCH, runtime.NumCPU(), runtime.Version(), count)
	fmt.Println("| connection | RSS, KiB | live heap, KiB | stacks, KiB | goroutines |\n|---|---|---|---|---|")
	for _, k := range kinds {
		row, err := measure(binary, dir, apps, k, count)
		if err != nil {
			return fmt.Errorf("%s: %w", k.name, err)
		}
		fmt.Println(row)
	}
	return nil
}

// kind is a way to leave a connection open.
type kind struct {
	name, path string
	header     string // further lines of the request
	open       bool   // the answer goes on
}

var kinds = []kind{
	{name: "keep-alive, idle after a request", path: "/"},
	{name: "long poll, not yet answered", path: "/poll", open: true},
	{name: "WebSocket, silent", path: "/ws", header: "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"},
	{name: "server-sent events, silent after the first", path: "/events", header: "Accept: text/event-stream\r\n", open: true},
	{name: "another endless answer, silent", path: "/stream", open: true},
	{name: "server-sent events over FastCGI", path: "/fcgi/events.php", header: "Accept: text/event-stream\r\n", open: true},
}

// measure opens the connections twice: with the collector as it is by default, for what the process takes, and with one that leaves hardly
// any garbage, for what is alive.
func measure(binary, dir string, apps *applications, k kind, count int) (string, error) {
	asIs, err := growth(binary, dir, apps, k, count, "100")
	if err != nil {
		return "", err
	}
	live, err := growth(binary, dir, apps, k, count, "5")
	if err != nil {
		return "", err
	}
	return fmt.Sprintf("| %s | %.1f | %.1f | %.1f | %.1f |", k.name, asIs.rss/1024, live.heap/1024, live.stacks/1024, live.goroutines), nil
}

// growth is what each connection adds.
func growth(binary, dir string, apps *applications, k kind, count int, collector string) (memory, error) {
	s, err := start(binary, dir, apps, collector)
	if err != nil {
		return memory{}, err
	}
	defer s.stop()
	for _, conn := range s.openAll(k, 200) { // pools and caches are filled
		conn.Close()
	}
	time.Sleep(2 * time.Second)
	before, err := s.memory()
	if err != nil {
		return memory{}, err
	}
	conns := s.openAll(k, count)
	defer closeAll(conns)
	if len(conns) != count {
		return memory{}, fmt.Errorf("%d of %d connections: %w", len(conns), count, s.failure)
	}
	time.Sleep(2 * time.Second)
	after, err := s.memory()
	return after.since(before, count), err
}

func closeAll(conns []net.Conn) {
	for _, conn := range conns {
		conn.Close()
	}
}
