//go:build unix

package sqlconn

import (
	"net"
	"testing"
)

// dialled returns both ends of a connection.
func dialled(t *testing.T) (ours, theirs net.Conn) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	if ours, err = net.Dial("tcp", listener.Addr().String()); err != nil {
		t.Fatal(err)
	}
	if theirs, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _, _ = ours.Close(), theirs.Close() })
	return ours, theirs
}

func TestQuiet(t *testing.T) {
	ours, theirs := dialled(t)
	if !quiet(ours) {
		t.Error("an idle connection is not quiet")
	}
	// pgx may leave a reader in an idle connection; looking at it must not wait for that.
	read := make(chan error)
	go func() {
		_, err := ours.Read(make([]byte, 1))
		read <- err
	}()
	for range 1000 {
		if !quiet(ours) {
			t.Fatal("an idle connection with a reader is not quiet")
		}
	}
	if _, err := theirs.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if err := <-read; err != nil {
		t.Fatal(err)
	}
	for name, act := range map[string]func(net.Conn) error{
		"data":    func(c net.Conn) error { _, err := c.Write([]byte("E")); return err },
		"hung up": net.Conn.Close,
	} {
		ours, theirs := dialled(t)
		if err := act(theirs); err != nil {
			t.Fatal(err)
		}
		for tries := 0; quiet(ours); tries++ { // the news takes a moment
			if tries > 1e6 {
				t.Fatalf("%s: still quiet", name)
			}
		}
	}
	ours.Close()
	if quiet(ours) {
		t.Error("a closed connection is quiet")
	}
}
