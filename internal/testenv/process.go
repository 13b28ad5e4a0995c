package testenv

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

// supervise is the shell script between us and each server. A parent-death signal (Pdeathsig) would not do: Linux sends
// it when the thread that started the child ends, and Go ends threads as it likes.
//
//go:embed supervise.sh
var supervise string

const stopDeadline = 10 * time.Second

// program says how a server is run.
type program struct {
	name    string         // for messages
	path    string         // of the executable
	args    []string       //
	env     []string       // added to the clean environment
	folder  string         // working directory; removed when the test process ends
	account account        // who runs it
	probe   func() error   // nil once the server answers
	polite  syscall.Signal // ends it in good order
	abrupt  syscall.Signal // ends it at once, with all its children
}

// process is a running program. It has no goroutine; the kernel's pipes tell both sides of the other's end.
type process struct {
	program
	cmd     *exec.Cmd      // the supervisor
	held    io.WriteCloser // its end tells the supervisor that we are gone
	running *os.File       // end of file when the program has ended
	pid     int            // of the program
}

func (p program) logPath() string { return filepath.Join(p.folder, p.name+".log") }

func start(p program) (*process, error) {
	log, err := os.OpenFile(p.logPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open log of %s: %w", p.name, err)
	}
	defer log.Close()
	running, theirs, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make pipe for %s: %w", p.name, err)
	}
	defer theirs.Close()
	abrupt := strconv.Itoa(int(p.abrupt))
	cmd := exec.Command("/bin/sh", append([]string{"-c", supervise, p.name, p.folder, abrupt, p.path}, p.args...)...)
	cmd.Dir, cmd.Env = p.folder, p.environ()
	cmd.Stdout, cmd.Stderr, cmd.ExtraFiles = log, log, []*os.File{theirs}
	// A group of its own, so that Ctrl-C in the terminal ends the tests first and the servers by them.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Credential: p.account.credential()}
	held, err := cmd.StdinPipe()
	if err != nil {
		running.Close()
		return nil, fmt.Errorf("make pipe for %s: %w", p.name, err)
	}
	if err := cmd.Start(); err != nil {
		running.Close()
		return nil, fmt.Errorf("start %s: %w", p.name, err)
	}
	theirs.Close() // or the line below could wait for ourselves
	proc := &process{program: p, cmd: cmd, held: held, running: running}
	if _, err := fmt.Fscanln(running, &proc.pid); err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: read its process id: %w", p.name, err), proc.stop(p.abrupt))
	}
	return proc, nil
}

// environ is all that a server inherits: nothing of a developer's Python, locale or database settings.
func (p program) environ() []string {
	return append([]string{"PATH=/usr/sbin:/usr/bin:/sbin:/bin", "LANG=C.UTF-8", "TZ=UTC", "HOME=" + p.folder, "TMPDIR=" + p.folder,
		"PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"}, p.env...)
}

// ended waits at most d for the end of the program.
func (p *process) ended(d time.Duration) bool {
	if err := p.running.SetReadDeadline(time.Now().Add(d)); err != nil {
		return true // closed by stop
	}
	_, err := p.running.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
}

// signal sends a signal to the program.
func (p *process) signal(signal syscall.Signal) error {
	if p.ended(0) {
		return fmt.Errorf("send %v to %s: it has ended", signal, p.name)
	}
	if err := syscall.Kill(p.pid, signal); err != nil {
		return fmt.Errorf("send %v to %s: %w", signal, p.name, err)
	}
	return nil
}

// frozen tells whether SIGSTOP has arrived. The state follows the name, which is in brackets (proc(5)).
func (p *process) frozen() bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.pid))
	return err == nil && bytes.Contains(stat, []byte(") T "))
}

// stop ends the program by the signal, or by SIGKILL when it has not obeyed within ten seconds. A program that has ended
// by itself is fine. The folder stays.
func (p *process) stop(signal syscall.Signal) error {
	defer p.running.Close()
	if !p.ended(0) {
		_ = syscall.Kill(p.pid, syscall.SIGCONT)
		_ = syscall.Kill(p.pid, signal)
	}
	if !p.ended(stopDeadline) {
		_ = syscall.Kill(p.pid, syscall.SIGKILL)
	}
	if err := p.cmd.Wait(); err != nil {
		return fmt.Errorf("wait for %s: %w", p.name, err)
	}
	return nil
}
