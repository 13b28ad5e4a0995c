package e2e

import (
	"bufio"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
)

// Who reads the log may go away, like the tee of `coatcheck serve 2>&1 | tee log`; the service goes on.
func TestLogReaderGone_F15(t *testing.T) {
	t.Parallel()
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	listen := freeAddr(t)
	c := exec.Command(coatcheck(t), "serve")
	c.Dir, c.Stderr = t.TempDir(), write
	c.Env = append(cleanEnv(), "COATCHECK_LISTEN="+listen, "COATCHECK_ADMIN_LISTEN="+freeAddr(t))
	c.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Process.Kill(); c.Wait() })
	write.Close()
	for lines := bufio.NewScanner(read); lines.Scan(); {
		if strings.Contains(lines.Text(), "is listening") {
			break
		}
	}
	read.Close()
	for i := range 3 { // each writes an access record
		res, err := http.Get("http://" + listen + "/.auth/login")
		if err != nil {
			t.Fatalf("request %d after the log's reader has gone: %v", i+1, err)
		}
		res.Body.Close()
	}
}
