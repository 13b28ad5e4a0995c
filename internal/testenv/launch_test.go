package testenv

import (
	"errors"
	"strings"
	"syscall"
	"testing"
)

func shell(t *testing.T, script string) program {
	t.Helper()
	return program{name: "shell", path: "/bin/sh", args: []string{"-c", script}, folder: t.TempDir(), polite: syscall.SIGTERM,
		abrupt: syscall.SIGKILL, probe: func() error { return nil }}
}

func TestLaunchShowsTheLogOfAServerThatEnds(t *testing.T) {
	p := shell(t, "echo the disk is made of cheese; exit 1")
	p.probe = func() error { return errors.New("no answer") }
	_, err := launch(p)
	if !errors.Is(err, errEndedEarly) || !strings.Contains(err.Error(), "cheese") {
		t.Errorf("launch: %v, want %v with the log", err, errEndedEarly)
	}
}

func TestLaunchAnywhereTriesAnotherPort(t *testing.T) {
	var ports []int
	proc, err := launchAnywhere(func(port int) (program, error) {
		ports = append(ports, port)
		if len(ports) == 1 {
			p := shell(t, "echo address already in use; exit 1")
			p.probe = func() error { return errors.New("no answer") }
			return p, nil
		}
		return shell(t, "exec sleep 600"), nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := proc.stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if len(ports) != 2 || ports[0] == ports[1] {
		t.Errorf("ports tried: %v, want two", ports)
	}
}

func TestServersInheritNothing(t *testing.T) {
	t.Setenv("PYTHONPATH", "/nowhere")
	t.Setenv("PGHOST", "db.example.com")
	out, err := run(shell(t, "env"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"PYTHONPATH=", "PGHOST="} {
		if strings.Contains(out, name) {
			t.Errorf("a server inherits %s in\n%s", name, out)
		}
	}
}

// verdict records how a test ended.
type verdict struct {
	testing.TB
	skipped, failed bool
}

func (v *verdict) Helper()      {}
func (v *verdict) Skip(...any)  { v.skipped = true }
func (v *verdict) Fatal(...any) { v.failed = true }

func TestMissingProgram(t *testing.T) {
	for ci, wantFailed := range map[string]bool{"": false, "true": true} {
		t.Setenv("CI", ci)
		v := &verdict{TB: t}
		need(v, "no-package", "no-such-program")
		if v.failed != wantFailed || v.skipped == wantFailed {
			t.Errorf("CI=%q: failed %v, skipped %v", ci, v.failed, v.skipped)
		}
	}
}

func TestFindTakesTheHighestVersion(t *testing.T) {
	if got := compareVersions("/usr/lib/postgresql/9/bin/postgres", "/usr/lib/postgresql/15/bin/postgres"); got >= 0 {
		t.Errorf("9 against 15 = %d, want less", got)
	}
	if _, err := find("no-such-program", "sh"); err != nil {
		t.Errorf("find the second name: %v", err)
	}
}
