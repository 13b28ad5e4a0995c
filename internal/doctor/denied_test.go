package doctor

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Tests may run as root, whom nobody denies anything: the errors are those that another user gets.
func TestDenied(t *testing.T) {
	n := &notes{}
	denied := &net.OpError{Op: "listen", Err: os.NewSyscallError("bind", syscall.EACCES)}
	new(Patient).judgePort(t.Context(), n, "listen", ":443", denied)
	writable(n, "data_dir", filepath.Join(t.TempDir(), "missing"))
	want := []string{"this user may not listen on :443", "this user cannot write in "}
	if len(n.findings) != len(want) {
		t.Fatalf("found %+v, want %q", n.findings, want)
	}
	for i, f := range n.findings {
		if f.Level != Problem || !strings.HasPrefix(f.Seen, want[i]) || f.Advice == "" {
			t.Errorf("found %+v, want a problem: %s", f, want[i])
		}
	}
}
