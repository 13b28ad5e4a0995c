//go:build unix

package sqlconn

import (
	"net"
	"testing"
	"time"
)

// TestQuiet_besideAReader a connection that somebody reads from is looked at without waiting for them.
func TestQuiet_besideAReader(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	near, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		near.Read(make([]byte, 1)) // until far hangs up
	}()
	time.Sleep(10 * time.Millisecond) // likely in Read by then; if not, the test is only weaker
	answer := make(chan bool, 1)
	go func() { answer <- quiet(near) }()
	select {
	case silent := <-answer:
		if !silent {
			t.Error("a silent connection is called loud")
		}
	case <-time.After(5 * time.Second):
		t.Error("quiet waits for the reader")
	}
	far.Close()
	<-ended
	if quiet(near) {
		t.Error("a connection that the other side ended is called quiet")
	}
	near.Close()
}
