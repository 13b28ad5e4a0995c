// Package systemd talks with the service manager: it tells it how the process is (sd_notify(3)), and takes over the sockets that it
// opened (sd_listen_fds(3)). Where systemd has not started the process, nothing happens.
package systemd

import (
	"context"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"
)

// States that the manager knows. (A reload is told for Type=notify, with ExecReload sending SIGHUP.)
const (
	Ready     = "READY=1"
	Reloading = "RELOADING=1"
	Stopping  = "STOPPING=1"
	alive     = "WATCHDOG=1"
)

// Manager is the service manager as the environment describes it. The zero Manager is none.
type Manager struct {
	socket   string
	watchdog time.Duration
}

// FromEnviron reads what the manager left in environ for the process pid.
func FromEnviron(environ []string, pid int) Manager {
	m := Manager{socket: value(environ, "NOTIFY_SOCKET")}
	if strings.HasPrefix(m.socket, "@") { // an abstract one (unix(7))
		m.socket = "\x00" + m.socket[1:]
	}
	usec, err := strconv.ParseInt(value(environ, "WATCHDOG_USEC"), 10, 64)
	if whose := value(environ, "WATCHDOG_PID"); err == nil && (whose == "" || whose == strconv.Itoa(pid)) {
		m.watchdog = time.Duration(usec) * time.Microsecond
	}
	return m
}

func value(environ []string, name string) string {
	for _, entry := range environ {
		if text, found := strings.CutPrefix(entry, name+"="); found {
			return text
		}
	}
	return ""
}

// Tell tells the manager the state of the process, such as [Ready].
func (m Manager) Tell(state string) error {
	if m.socket == "" {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: m.socket, Net: "unixgram"})
	if err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	defer conn.Close()
	_ = conn.SetWriteDeadline(time.Now().Add(tellTime))
	if _, err := conn.Write([]byte(state)); err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return nil
}

// tellTime bounds how long a manager that does not listen can hold up the end of the process.
const tellTime = time.Second

// Watch tells that the process lives, twice as often as the manager asks for (sd_watchdog_enabled(3)), until ctx ends.
func (m Manager) Watch(ctx context.Context) {
	if m.watchdog <= 0 {
		return
	}
	ticks := time.NewTicker(max(m.watchdog/2, time.Millisecond))
	defer ticks.Stop()
	for {
		_ = m.Tell(alive) // when it fails the manager hears nothing, which is what it has to know
		select {
		case <-ctx.Done():
			return
		case <-ticks.C:
		}
	}
}
