package cmd

import (
	"errors"
	"syscall"

	"golang.org/x/sys/unix"
)

// sharePort lets processes of one user listen on one port (SO_REUSEPORT, socket(7)). The kernel shares new connections out among them. Those
// that a process has not accepted when it stops listening are reset; a socket that a service manager holds loses none.
func sharePort(_, _ string, conn syscall.RawConn) error {
	var set error
	err := conn.Control(func(fd uintptr) { set = unix.SetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_REUSEPORT, 1) })
	return errors.Join(err, set)
}
