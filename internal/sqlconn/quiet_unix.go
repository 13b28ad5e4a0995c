//go:build unix

package sqlconn

import (
	"net"
	"syscall"
)

// quiet reports whether the other side has neither sent anything nor hung up. It does not wait: Control takes no lock, where RawConn.Read would
// queue behind a reader that pgx may have left in the connection (its bgreader, after a slow write), without an end.
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
