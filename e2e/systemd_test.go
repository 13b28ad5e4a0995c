package e2e

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// manager is what systemd is to a service: it holds the listening socket, passes it to each process, and hears how they are.
type manager struct {
	t       testing.TB
	dir     string
	address string
	binary  string // what is started; empty: this build
	socket  *os.File
	heard   *net.UnixConn
}

func newManager(t testing.TB, config string) *manager {
	t.Helper()
	m := &manager{t: t, dir: t.TempDir()}
	write(t.(*testing.T), filepath.Join(m.dir, "config.yaml"), config, 0o600)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	m.address = l.Addr().String()
	if m.socket, err = l.(*net.TCPListener).File(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.socket.Close() })
	if m.heard, err = net.ListenUnixgram("unixgram", &net.UnixAddr{Name: m.notifySocket(), Net: "unixgram"}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { m.heard.Close() })
	return m
}

func (m *manager) notifySocket() string { return filepath.Join(m.dir, "notify") }

// await waits until a process tells the state, whatever else it tells before.
func (m *manager) await(state string) {
	m.t.Helper()
	_ = m.heard.SetReadDeadline(time.Now().Add(20 * time.Second))
	buf := make([]byte, 256)
	for {
		n, err := m.heard.Read(buf)
		if err != nil {
			m.t.Fatalf("wait for %s: %v", state, err)
		}
		if string(buf[:n]) == state {
			return
		}
	}
}

// hear takes what was told so far: a socket that is full holds up who tells.
func (m *manager) hear() {
	_ = m.heard.SetReadDeadline(time.Now().Add(20 * time.Millisecond))
	for buf := make([]byte, 256); ; {
		if _, err := m.heard.Read(buf); err != nil {
			return
		}
	}
}

// start starts a process on the socket and waits until it is ready.
func (m *manager) start() *process {
	m.t.Helper()
	admin, binary := freeAddr(m.t), m.binary
	if binary == "" {
		binary = coatcheck(m.t)
	}
	p := &process{t: m.t, dir: m.dir, URL: "http://" + m.address, Admin: "http://" + admin, done: make(chan struct{})}
	p.cmd = exec.Command("/bin/sh", "-c", `LISTEN_PID=$$ exec "$0" serve --config config.yaml`, binary)
	p.cmd.Dir = m.dir
	p.cmd.Env = append(cleanEnv(), "LISTEN_FDS=1", "LISTEN_FDNAMES=coatcheck.socket", "NOTIFY_SOCKET="+m.notifySocket(), "WATCHDOG_USEC=200000",
		"COATCHECK_LISTEN=127.0.0.1:1", "COATCHECK_ADMIN_LISTEN="+admin)
	p.cmd.ExtraFiles = []*os.File{m.socket}
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		m.t.Fatal(err)
	}
	go func() { p.err = p.cmd.Wait(); close(p.done) }()
	m.t.Cleanup(func() {
		p.kill()
		if m.t.Failed() {
			m.t.Logf("log of coatcheck:\n%s", p.stderr.String())
		}
	})
	m.await("READY=1")
	return p
}

func TestSystemdHearsAll(t *testing.T) {
	m := newManager(t, fmt.Sprintf(openRoutes, newStage(t).URL))
	p := m.start()
	if got := newVisitor(t, p.URL).status("/"); got != 200 {
		t.Errorf("at the socket that was passed: got %d, want 200", got)
	}
	m.await("WATCHDOG=1")
	p.cmd.Process.Signal(syscall.SIGHUP)
	m.await("RELOADING=1")
	m.await("READY=1")
	p.cmd.Process.Signal(syscall.SIGTERM)
	m.await("STOPPING=1")
	<-p.done
	if code := p.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}
}

// Restarts under load, with a socket that stays: no request fails.
func TestRestartsDropNothing_F24(t *testing.T) {
	m := newManager(t, fmt.Sprintf(openRoutes, newStage(t).URL))
	p := m.start()
	ctx, stop := context.WithCancel(t.Context())
	var asked, failed atomic.Int64
	var load sync.WaitGroup
	for i := range 4 {
		load.Go(func() {
			client := &http.Client{Timeout: 20 * time.Second, Transport: &http.Transport{DisableKeepAlives: i%2 == 0}}
			defer client.CloseIdleConnections()
			for ctx.Err() == nil {
				asked.Add(1)
				if err := askApplication(client, "http://"+m.address); err != nil {
					failed.Add(1)
					t.Log(err)
				}
			}
		})
	}
	for range 3 {
		time.Sleep(200 * time.Millisecond) // some load between the restarts
		if code := p.stop(); code != 0 {
			t.Errorf("exit code: got %d, want 0", code)
		}
		p = m.start()
	}
	stop()
	load.Wait()
	if failed.Load() > 0 || asked.Load() < 20 {
		t.Errorf("%d of %d requests failed over three restarts, want none", failed.Load(), asked.Load())
	}
}

func askApplication(client *http.Client, url string) error {
	res, err := client.Get(url + "/")
	if err != nil {
		return err
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil || res.StatusCode != 200 || !strings.Contains(string(text), "application") {
		return fmt.Errorf("answered %s %.100q: %v", res.Status, text, err)
	}
	return nil
}
