package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"coatcheck/sessionstore/cache"
)

const (
	user, password = "alice", "a password of races"
	startDeadline  = 30 * time.Second
)

// fleet is three processes on one store, and the application behind them.
type fleet struct {
	dir, config, binary string
	app                 *httptest.Server
	proxies             [3]*process
	cache               *cache.Cache // nil: the engine has none
}

func newFleet(ctx context.Context, o options) (*fleet, error) {
	dir, err := os.MkdirTemp("", "coatcheck-races-")
	if err != nil {
		return nil, err
	}
	f := &fleet{dir: dir, config: filepath.Join(dir, "config.yaml"), binary: o.binary,
		app: httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))}
	if err := f.prepare(ctx, o); err != nil {
		return nil, errors.Join(err, f.close())
	}
	for i := range f.proxies {
		if f.proxies[i], err = f.start(ctx); err != nil {
			return nil, errors.Join(err, f.close())
		}
	}
	return f, nil
}

func (f *fleet) prepare(ctx context.Context, o options) error {
	if err := os.WriteFile(f.config, []byte(f.settings(o)), 0o600); err != nil {
		return err
	}
	if f.binary == "" {
		f.binary = filepath.Join(f.dir, "coatcheck")
		if out, err := exec.CommandContext(ctx, "go", "build", "-o", f.binary, "coatcheck").CombinedOutput(); err != nil {
			return fmt.Errorf("build coatcheck: %w\n%s", err, out)
		}
	}
	if o.cache != "" {
		var err error
		if f.cache, err = cache.Open(o.cache, cache.Options{Version: 1}); err != nil {
			return err
		}
	}
	_, err := f.command(ctx, password+"\n", "user", "add", user, "--password-stdin")
	return err
}

// settings: every request writes the session. Of the password formats scrypt costs the least.
func (f *fleet) settings(o options) string {
	if o.database == "" {
		o.database = "sqlite:" + filepath.Join(f.dir, "races.sqlite3")
	}
	text := fmt.Sprintf("secret_key: races races races races races races races\ndatabase: {url: %q}\nupstream: %q\nlog: {level: error}\n"+
		"users: {password_formats: [scrypt]}\nlogin: {max_attempts: 0}\nsession:\n  engine: %s\n  save_every_request: true\n  near_cache: %s\n", o.database, f.app.URL, o.engine, o.near())
	if o.engine == "file" {
		text += fmt.Sprintf("  file_path: %q\n", f.dir)
	}
	if o.cache != "" {
		text += fmt.Sprintf("cache: {url: %q}\n", o.cache)
	}
	return text
}

// command runs another command of the binary and returns what it printed.
func (f *fleet) command(ctx context.Context, stdin string, args ...string) (string, error) {
	c := exec.CommandContext(ctx, f.binary, append(args, "--config", f.config)...)
	c.Dir, c.Env, c.Stdin = f.dir, f.environ(), strings.NewReader(stdin)
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return "", fmt.Errorf("coatcheck %s: %w\n%s", strings.Join(args, " "), err, stderr.String())
	}
	return string(out), nil
}

func (f *fleet) environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "COATCHECK_") {
			env = append(env, kv)
		}
	}
	return env
}

func (f *fleet) close() error {
	var errs []error
	for _, p := range f.proxies {
		if p != nil {
			p.kill()
		}
	}
	f.app.Close()
	if f.cache != nil {
		errs = append(errs, f.cache.Close())
	}
	return errors.Join(append(errs, os.RemoveAll(f.dir))...)
}

// process is a running proxy.
type process struct {
	url    string
	cmd    *exec.Cmd
	stderr bytes.Buffer // read it after kill only
}

// start runs a proxy and returns when it answers.
func (f *fleet) start(ctx context.Context) (*process, error) {
	listen, admin, err := freeAddrs()
	if err != nil {
		return nil, err
	}
	p := &process{url: "http://" + listen, cmd: exec.Command(f.binary, "serve", "--config", f.config)}
	p.cmd.Dir, p.cmd.Stderr = f.dir, &p.stderr
	p.cmd.Env = append(f.environ(), "COATCHECK_LISTEN="+listen, "COATCHECK_ADMIN_LISTEN="+admin)
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	for deadline := time.Now().Add(startDeadline); time.Now().Before(deadline) && ctx.Err() == nil; time.Sleep(5 * time.Millisecond) {
		if res, err := http.Get("http://" + admin + "/readyz"); err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return p, nil
			}
		}
	}
	p.kill()
	return nil, fmt.Errorf("coatcheck is not ready\n%s", p.stderr.String())
}

// kill ends the process as kill -9 does.
func (p *process) kill() {
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait() // says "killed"
}

// freeAddrs finds two free loopback ports.
func freeAddrs() (string, string, error) {
	a, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", err
	}
	b, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", "", errors.Join(err, a.Close())
	}
	return a.Addr().String(), b.Addr().String(), errors.Join(a.Close(), b.Close())
}

// near is session.near_cache.
func (o options) near() string {
	if o.bound > 0 {
		return "auto"
	}
	return "off"
}
