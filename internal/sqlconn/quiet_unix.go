//go:build unix

package sqlconn

import (
	"net"
	"syscall"
)

// quiet reports whether the other side has neither sent anything nor hung up. It does not wait: not for data, and not for somebody who
// reads from the connection meanwhile, as pgx's background reader does for as long as the server is silent (RawConn.Read would wait for its turn).
func quiet(conn net.Conn) bool {
	if encrypted, ok := conn.(interface{ NetConn() net.Conn }); ok {
		conn = encrypted.NetConn()
	}
	socket, ok := conn.(syscall.Conn)
	if !ok {
		return true
	}
	raw, err := socket.SyscallConn()
	if err != nil {
		return false
	}
	var peekErr error
	err = raw.Control(func(fd uintptr) {
		var buf [1]byte
		_, _, peekErr = syscall.Recvfrom(int(fd), buf[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT)
	})
	return err == nil && (peekErr == syscall.EAGAIN || peekErr == syscall.EWOULDBLOCK)
}
