package direct

import (
	"bufio"
	"net"
	"time"
)

// link is a connection. It belongs to one exchange, or to the pool.
type link struct {
	net.Conn
	in     *bufio.Reader // nil while it is idle
	abort  func()        // closes it; made once, for the contexts of all its requests
	probe  probe
	reused bool
	odd    bool      // has sent what can be understood in more than one way
	since  time.Time // when it became idle
}

func newLink(conn net.Conn) *link {
	l := &link{Conn: conn}
	l.abort = func() { conn.Close() }
	l.probe.init(conn)
	return l
}
