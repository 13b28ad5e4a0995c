package stage

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

const (
	startDeadline = 2 * time.Minute // ten thousand routes take long on a busy machine
	stopDeadline  = 5 * time.Second
)

// Command says how a process is run.
type Command struct {
	Path  string
	Args  []string
	Env   []string // added to the environment without COATCHECK_ variables
	Dir   string   // working directory; the log goes there, too
	Core  int      // the only core that it may use; below zero: any
	Log   string   // name of the log in Dir
	Ready func(ctx context.Context) bool
}

// Process is a running program with its children.
type Process struct {
	cmd  *exec.Cmd
	log  string
	done chan struct{} // closed: it has ended
	once sync.Once
}

// Start runs a program and returns when it is ready.
func Start(ctx context.Context, c Command) (*Process, error) {
	p, err := start(c)
	if err != nil || c.Ready == nil {
		return p, err
	}
	ctx, cancel := context.WithTimeout(ctx, startDeadline)
	defer cancel()
	for !c.Ready(ctx) {
		select {
		case <-p.done:
			return nil, fmt.Errorf("start %s: it ended; its log:\n%s", c.Path, p.Log())
		case <-ctx.Done():
			p.Stop()
			return nil, fmt.Errorf("start %s: no answer: %w; its log:\n%s", c.Path, ctx.Err(), p.Log())
		case <-time.After(500 * time.Microsecond):
		}
	}
	return p, nil
}

func start(c Command) (*Process, error) {
	path, args := c.Path, c.Args
	if c.Core >= 0 {
		path, args = "taskset", append([]string{"-c", strconv.Itoa(c.Core), c.Path}, c.Args...)
	}
	p := &Process{cmd: exec.Command(path, args...), log: filepath.Join(c.Dir, c.Log), done: make(chan struct{})}
	log, err := os.OpenFile(p.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log: %w", err)
	}
	defer log.Close()
	p.cmd.Dir, p.cmd.Env, p.cmd.Stdout, p.cmd.Stderr = c.Dir, append(Environ(), c.Env...), log, log
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM, Setpgid: true} // a group of its own: Stop ends children, too
	if err := p.cmd.Start(); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.Path, err)
	}
	go func() {
		defer close(p.done)
		_ = p.cmd.Wait() // says how it was ended
	}()
	return p, nil
}

// Environ is the environment without what would configure coatcheck.
func Environ() []string {
	var env []string
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "COATCHECK_") {
			env = append(env, kv)
		}
	}
	return env
}

// PID is the process id.
func (p *Process) PID() int { return p.cmd.Process.Pid }

// Log is the end of what the process has written.
func (p *Process) Log() string {
	text, err := os.ReadFile(p.log)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-4000):])
}

// Stop ends the process and its children, in good order if they do so in time. Stopped already is fine.
func (p *Process) Stop() {
	p.once.Do(func() {
		_ = syscall.Kill(-p.PID(), syscall.SIGTERM)
		select {
		case <-p.done:
		case <-time.After(stopDeadline):
		}
		_ = syscall.Kill(-p.PID(), syscall.SIGKILL)
		<-p.done
	})
}

// FreeAddr finds a free loopback address.
func FreeAddr() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", fmt.Errorf("find free port: %w", err)
	}
	return l.Addr().String(), l.Close()
}

// Accepts reports whether somebody listens at addr.
func Accepts(addr string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "tcp", addr)
		if err != nil {
			return false
		}
		return conn.Close() == nil
	}
}
