//go:build unix

package sqlconn

import (
	"net"
	"testing"
	"time"
)

// pgx leaves a reader behind after a write that took long (pgconn's bgreader). Looking at the connection must not wait for it: the
// server says nothing more until it is asked.
func TestQuietBesideAReader(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	near, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()

	read := make(chan error, 1)
	go func() {
		_, err := near.Read(make([]byte, 1))
		read <- err
	}()
	looked := make(chan bool)
	go func() {
		for range 100 { // the reader begins to wait in the midst of these
			if !quiet(near) {
				break
			}
			time.Sleep(time.Millisecond)
		}
		looked <- quiet(near)
	}()
	select {
	case ok := <-looked:
		if !ok {
			t.Error("a connection on which nothing came is not quiet")
		}
	case <-time.After(10 * time.Second):
		t.Fatal("the look waits for the reader")
	}
	far.Close()
	<-read
	if quiet(near) {
		t.Error("a connection that the other side has closed is quiet")
	}
}
