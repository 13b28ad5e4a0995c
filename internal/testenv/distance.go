package testenv

import (
	"errors"
	"io"
	"net"
	"syscall"
	"testing"
	"time"
)

// Distance is a way to the server at addr that takes longer by oneWay in each direction, as a network does. It returns the address of its near end. A server
// whose answers come in pieces is the further away.
func Distance(t testing.TB, addr string, oneWay time.Duration) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			go carry(near, addr, oneWay)
		}
	}()
	return listener.Addr().String()
}

// carry ends when either side closes.
func carry(near net.Conn, addr string, oneWay time.Duration) {
	defer near.Close()
	far, err := net.Dial("tcp", addr)
	if err != nil {
		return
	}
	defer far.Close()
	done := make(chan error, 2)
	go func() { done <- late(far, near, oneWay) }()
	go func() { done <- late(near, far, oneWay) }()
	<-done
}

func late(to io.Writer, from io.Reader, delay time.Duration) error {
	buf := make([]byte, 64<<10)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			wait := syscall.NsecToTimespec(int64(delay)) // time.Sleep is exact to a millisecond only
			_ = syscall.Nanosleep(&wait, nil)
			if _, writeErr := to.Write(buf[:n]); writeErr != nil {
				return errors.Join(err, writeErr)
			}
		}
		if err != nil {
			return err
		}
	}
}
