//go:build unix

package fastcgi

import (
	"errors"
	"net"
	"syscall"
)

// alive reports whether an idle connection is open, by a look at the socket that does not wait: an application may close it
// at any time, and a request with a body cannot be sent twice.
func alive(conn net.Conn) bool {
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var buf [1]byte
	var readErr error
	n := 0
	if err := raw.Read(func(fd uintptr) bool {
		n, readErr = syscall.Read(int(fd), buf[:])
		return true
	}); err != nil {
		return false
	}
	return n <= 0 && (errors.Is(readErr, syscall.EAGAIN) || errors.Is(readErr, syscall.EWOULDBLOCK))
}
