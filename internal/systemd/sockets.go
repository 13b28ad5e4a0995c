package systemd

import (
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"
	"syscall"
)

// firstSocket is the first file descriptor that the manager passes (SD_LISTEN_FDS_START).
const firstSocket = 3

// Sockets takes over the listening sockets that the manager opened for the process pid, by their names (FileDescriptorName=; by default
// that of the socket unit). Of several with one name the last counts.
func Sockets(environ []string, pid int) (map[string]net.Listener, error) {
	n, err := strconv.Atoi(value(environ, "LISTEN_FDS"))
	if err != nil || n <= 0 || value(environ, "LISTEN_PID") != strconv.Itoa(pid) {
		return nil, nil // not for us: a parent's environment is inherited
	}
	names := strings.Split(value(environ, "LISTEN_FDNAMES"), ":")
	sockets := map[string]net.Listener{}
	for i := range n {
		name := "unknown" // as sd_listen_fds_with_names(3) has it
		if i < len(names) && names[i] != "" {
			name = names[i]
		}
		syscall.CloseOnExec(firstSocket + i)
		file := os.NewFile(uintptr(firstSocket+i), name)
		listener, err := net.FileListener(file) // has a descriptor of its own
		file.Close()
		if err != nil {
			return nil, fmt.Errorf("take socket %s over from systemd: %w", name, err)
		}
		sockets[name] = listener
	}
	return sockets, nil
}
