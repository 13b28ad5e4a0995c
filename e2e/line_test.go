package e2e

import (
	"io"
	"net"
	"sync"
	"testing"
)

// line is a network cable to a server that can be made to swallow what it is given, without a word to either side.
type line struct {
	addr   string
	target string

	mu     sync.Mutex
	change sync.Cond // with mu: hole or closed has changed
	hole   bool
	closed bool
}

func newLine(t testing.TB, target string) *line {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := &line{addr: l.Addr().String(), target: target}
	c.change.L = &c.mu
	t.Cleanup(func() {
		l.Close()
		c.set(func() { c.closed = true })
	})
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go c.carry(conn)
		}
	}()
	return c
}

// swallow makes the line carry nothing, neither way, until it is called with false; what was under way arrives then.
func (c *line) swallow(on bool) { c.set(func() { c.hole = on }) }

func (c *line) set(change func()) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change()
	c.change.Broadcast()
}

// pass waits until the line carries.
func (c *line) pass() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for c.hole && !c.closed {
		c.change.Wait()
	}
}

func (c *line) carry(near net.Conn) {
	defer near.Close()
	c.pass()
	far, err := net.Dial("tcp", c.target)
	if err != nil {
		return
	}
	defer far.Close()
	done := make(chan struct{}, 2)
	for _, way := range [][2]net.Conn{{near, far}, {far, near}} {
		go func() {
			io.Copy(slow{c, way[1]}, way[0])
			done <- struct{}{}
		}()
	}
	<-done
}

// slow is an end of the line.
type slow struct {
	line *line
	net.Conn
}

func (s slow) Write(b []byte) (int, error) {
	s.line.pass()
	return s.Conn.Write(b)
}

// ReadFrom hides that of [net.TCPConn], which would go around Write.
func (s slow) ReadFrom(r io.Reader) (int64, error) { return io.Copy(struct{ io.Writer }{s}, r) }
