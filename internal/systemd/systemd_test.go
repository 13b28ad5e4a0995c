package systemd

import (
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// manager listens as systemd does and returns what it heard next.
func manager(t *testing.T) (socket string, heard func() string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "notify")
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return socket, func() string {
		t.Helper()
		_ = conn.SetReadDeadline(time.Now().Add(20 * time.Second))
		buf := make([]byte, 256)
		n, err := conn.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		return string(buf[:n])
	}
}

func TestTell(t *testing.T) {
	socket, heard := manager(t)
	for _, state := range []string{Ready, Reloading, Stopping} {
		if err := FromEnviron([]string{"A=B", "NOTIFY_SOCKET=" + socket}, 1).Tell(state); err != nil {
			t.Fatal(err)
		}
		if got := heard(); got != state {
			t.Errorf("heard %q, want %q", got, state)
		}
	}
	if err := (Manager{}).Tell(Ready); err != nil {
		t.Errorf("without systemd: %v", err)
	}
	if err := FromEnviron([]string{"NOTIFY_SOCKET=/none"}, 1).Tell(Ready); err == nil {
		t.Error("a manager that is not there was told")
	}
}

func TestWatch(t *testing.T) {
	socket, heard := manager(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan struct{})
	m := FromEnviron([]string{"NOTIFY_SOCKET=" + socket, "WATCHDOG_USEC=20000", "WATCHDOG_PID=7"}, 7)
	go func() { defer close(done); m.Watch(ctx) }()
	for range 3 {
		if got := heard(); got != "WATCHDOG=1" {
			t.Errorf("heard %q", got)
		}
	}
	stop()
	<-done
	for _, environ := range [][]string{nil, {"WATCHDOG_USEC=20000", "WATCHDOG_PID=8"}, {"WATCHDOG_USEC=x"}, {"WATCHDOG_USEC=-1"}} {
		FromEnviron(environ, 7).Watch(t.Context()) // returns: nobody asked
	}
}

func TestSocketsAreForThisProcessAlone(t *testing.T) {
	for _, environ := range [][]string{nil, {"LISTEN_FDS=1", "LISTEN_PID=8"}, {"LISTEN_FDS=1"}, {"LISTEN_FDS=0", "LISTEN_PID=7"}, {"LISTEN_FDS=x", "LISTEN_PID=7"}} {
		if got, err := Sockets(environ, 7); len(got) > 0 || err != nil {
			t.Errorf("%q: got %v, %v; want nothing", environ, got, err)
		}
	}
}

// The test's own binary is the service: it prints the addresses of what it was passed.
func TestSockets(t *testing.T) {
	if os.Getenv("SYSTEMD_TEST_SERVICE") != "" {
		sockets, err := Sockets(os.Environ(), os.Getpid())
		if err != nil {
			t.Fatal(err)
		}
		for name, l := range sockets {
			println(name, l.Addr().String())
		}
		return
	}
	var files []*os.File
	var want []string
	for _, name := range []string{"listen", "admin_listen", "unknown"} {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		f, err := l.(*net.TCPListener).File()
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		files, want = append(files, f), append(want, name+" "+l.Addr().String())
	}
	service := exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" -test.run '^TestSockets$'`, os.Args[0])
	service.Env = append(os.Environ(), "SYSTEMD_TEST_SERVICE=1", "LISTEN_FDS=3", "LISTEN_FDNAMES=listen:admin_listen")
	service.ExtraFiles = files
	out, err := service.CombinedOutput()
	for _, line := range want {
		if err != nil || !strings.Contains(string(out), line) {
			t.Errorf("%v: printed %s, want %s", err, out, line)
		}
	}
}

// A manager that has stopped reading must not keep the process from ending.
func TestTellDoesNotWaitForever_F25(t *testing.T) {
	name := filepath.Join(t.TempDir(), "notify")
	deaf, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	m := FromEnviron([]string{"NOTIFY_SOCKET=" + name}, os.Getpid())
	for range 10_000 { // more than any queue holds
		if err := m.Tell(Ready); err != nil {
			return
		}
	}
	t.Error("ten thousand messages that nobody reads were taken")
}
