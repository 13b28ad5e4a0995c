//go:build unix

package direct

import (
	"errors"
	"net"
	"syscall"
)

// canLook: without it a connection on which the upstream has said too much could be used again.
const canLook = true

// probe looks at the socket of an idle connection without waiting, and without allocating.
type probe struct {
	socket syscall.RawConn // nil: the connection has no socket, as in tests
	look   func(fd uintptr) bool
	silent bool
	buf    [1]byte
}

func (p *probe) init(conn net.Conn) {
	if c, ok := conn.(syscall.Conn); ok {
		p.socket, _ = c.SyscallConn()
	}
	p.look = func(fd uintptr) bool {
		n, err := syscall.Read(int(fd), p.buf[:])
		p.silent = n < 0 && (errors.Is(err, syscall.EAGAIN) || errors.Is(err, syscall.EWOULDBLOCK))
		return true
	}
}

// quiet reports whether the connection is open and its other end has said nothing: an upstream may close it at any time, and what it
// says without being asked must not become the answer to somebody's request.
func (p *probe) quiet() bool {
	if p.socket == nil {
		return true
	}
	p.silent = false
	return p.socket.Read(p.look) == nil && p.silent
}
