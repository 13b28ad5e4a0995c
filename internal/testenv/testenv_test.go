package testenv_test

import (
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"coatcheck/internal/testenv"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// answers tells whether somebody listens at the address.
func answers(addr string) bool {
	conn, err := net.DialTimeout("tcp", addr, time.Second)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// checkRestart stops, kills and restarts a server that works.
func checkRestart(t *testing.T, s *testenv.Server) {
	t.Helper()
	for name, end := range map[string]func(){"stop": s.Stop, "kill": s.Kill} {
		end()
		if answers(s.Addr) {
			t.Errorf("after %s somebody answers at %s, want nobody", name, s.Addr)
		}
		s.Start()
		if !answers(s.Addr) {
			t.Errorf("after %s and start nobody answers at %s", name, s.Addr)
		}
	}
}

// The servers must end however the test process ends, and take their folders with them.
func TestServersEndWithTheTestProcess(t *testing.T) {
	if os.Getenv("TESTENV_DIE") != "" {
		testenv.Redis(t)
		testenv.Postgres(t)
		os.Stdout.WriteString("STARTED\n")
		panic("die with servers running")
	}
	folder := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestServersEndWithTheTestProcess$")
	cmd.Env = append(os.Environ(), "TESTENV_DIE=1", "TMPDIR="+folder)
	for _, path := range []string{folder, filepath.Dir(folder)} { // as /tmp: some servers are not ours
		if err := os.Chmod(path, 0o777|os.ModeSticky); err != nil {
			t.Fatal(err)
		}
	}
	out, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(out), "STARTED") {
		t.Fatalf("servers did not start: %v\n%s", err, out)
	}
	for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(20 * time.Millisecond) {
		left, _ := filepath.Glob(filepath.Join(folder, "*"))
		if len(left) == 0 {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("left after the end of the test process: %v", left)
		}
	}
}
