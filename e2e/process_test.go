// Package e2e tests the built binary, in front of real applications.
package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

var (
	buildOnce sync.Once
	binary    string
	buildErr  error
)

// TestMain removes the binary that the first test built.
func TestMain(m *testing.M) {
	code := m.Run()
	if binary != "" {
		os.RemoveAll(filepath.Dir(binary))
	}
	os.Exit(code)
}

// coatcheck builds the binary once and returns its path.
func coatcheck(t testing.TB) string {
	t.Helper()
	buildOnce.Do(func() {
		dir, err := os.MkdirTemp("", "coatcheck-e2e-")
		if err != nil {
			buildErr = err
			return
		}
		binary = filepath.Join(dir, "coatcheck")
		build := exec.Command("go", "build", "-o", binary, "coatcheck")
		if out, err := build.CombinedOutput(); err != nil {
			buildErr = fmt.Errorf("build coatcheck: %w\n%s", err, out)
		}
	})
	if buildErr != nil {
		t.Fatal(buildErr)
	}
	return binary
}

// process is a running `coatcheck serve`.
type process struct {
	t      testing.TB
	cmd    *exec.Cmd
	dir    string // working directory, empty at the first start
	URL    string // of the public listener
	Admin  string // of the admin listener
	stdout lockedBuffer
	stderr lockedBuffer
	done   chan struct{}
	err    error // of Wait, once done is closed
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

// serveOptions are what differs between the tests' processes.
type serveOptions struct {
	Dir    string   // "" = a new one
	Args   []string // after "serve"
	Env    []string // COATCHECK_…=…
	Config string   // text of a config.yaml; listen and admin_listen are set by environment
}

// serve starts the binary on free loopback ports and waits until it answers.
func serve(t testing.TB, o serveOptions) *process {
	t.Helper()
	p := launch(t, o)
	client := &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); {
		select {
		case <-p.done:
			t.Fatalf("coatcheck stopped: %v\n%s", p.err, p.stderr.String())
		case <-time.After(10 * time.Millisecond):
		}
		if res, err := client.Get(p.Admin + "/healthz"); err == nil {
			res.Body.Close()
			return p
		}
	}
	t.Fatalf("coatcheck does not answer\n%s", p.stderr.String())
	return nil
}

// launch starts the binary and does not wait for it.
func launch(t testing.TB, o serveOptions) *process {
	t.Helper()
	if o.Dir == "" {
		o.Dir = t.TempDir()
	}
	args := append([]string{"serve"}, o.Args...)
	if o.Config != "" {
		file := filepath.Join(o.Dir, "config.yaml")
		if err := os.WriteFile(file, []byte(o.Config), 0o600); err != nil {
			t.Fatal(err)
		}
		args = append(args, "--config", file)
	}
	listen, admin := freeAddr(t), freeAddr(t)
	p := &process{t: t, dir: o.Dir, URL: "http://" + listen, Admin: "http://" + admin, done: make(chan struct{})}
	p.cmd = exec.Command(coatcheck(t), args...)
	p.cmd.Dir = o.Dir
	p.cmd.Env = append(cleanEnv(), "COATCHECK_LISTEN="+listen, "COATCHECK_ADMIN_LISTEN="+admin)
	p.cmd.Env = append(p.cmd.Env, o.Env...)
	p.cmd.Stdout, p.cmd.Stderr = &p.stdout, &p.stderr
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { p.err = p.cmd.Wait(); close(p.done) }()
	t.Cleanup(func() {
		p.kill()
		if t.Failed() {
			t.Logf("log of coatcheck:\n%s", p.stderr.String())
		}
	})
	return p
}

func (p *process) kill() {
	p.cmd.Process.Kill()
	<-p.done
}

// stop asks the process to end and returns its exit code.
func (p *process) stop() int {
	p.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-p.done:
	case <-time.After(20 * time.Second):
		p.t.Error("coatcheck did not stop within 20 s of SIGTERM")
		p.kill()
	}
	return p.cmd.ProcessState.ExitCode()
}

// run runs another command of the binary in the same directory and with the same environment.
func (p *process) run(stdin string, args ...string) (string, error) {
	return command(p.t, p.dir, p.cmd.Env, stdin, args...)
}

// command runs the binary to its end and returns what it printed, both outputs together.
func command(t testing.TB, dir string, env []string, stdin string, args ...string) (string, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
	defer cancel()
	c := exec.CommandContext(ctx, coatcheck(t), args...)
	c.Dir, c.Env, c.Stdin = dir, env, strings.NewReader(stdin)
	out, err := c.CombinedOutput()
	return string(out), err
}

// cleanEnv is the test's environment without anything of coatcheck's, but for the fast lane: all tests can be run without it.
func cleanEnv() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "COATCHECK_") || strings.HasPrefix(kv, "COATCHECK_FAST_LANE=") {
			env = append(env, kv)
		}
	}
	return env
}

// handedOut are the ports that freeAddr has given to one of the tests that run side by side.
var handedOut sync.Map

// freeAddr finds a loopback port below those that the kernel gives to connections: one of them could take the port again before
// the process listens there.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10000+rand.IntN(22000))
		if _, taken := handedOut.LoadOrStore(addr, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}

// events returns the log's records whose "event" is name. The log is written behind the answers, so it waits a little for the first.
func (p *process) events(name string) []map[string]any {
	for deadline := time.Now().Add(3 * time.Second); ; time.Sleep(10 * time.Millisecond) {
		if found := p.eventsNow(name); len(found) > 0 || time.Now().After(deadline) {
			return found
		}
	}
}

func (p *process) eventsNow(name string) []map[string]any {
	var found []map[string]any
	lines := bufio.NewScanner(strings.NewReader(p.stderr.String()))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var record map[string]any
		if json.Unmarshal(lines.Bytes(), &record) == nil && record["event"] == name {
			found = append(found, record)
		}
	}
	return found
}

func readAll(t testing.TB, r io.ReadCloser) string {
	t.Helper()
	defer r.Close()
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
