// Package wire is TCP by epoll(7) on one thread, without Go's network poller: what the benchmarks' upstream and load are made of, so that the core which they
// share has time to spare. Linux only.
package wire

import (
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"
)

// ErrAgain says that there is nothing to read now.
var ErrAgain error = unix.EAGAIN

// Poll waits for many connections.
type Poll struct {
	fd     int
	events []unix.EpollEvent
	ready  []int
}

// NewPoll returns a poll of nothing.
func NewPoll() (*Poll, error) {
	fd, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, fmt.Errorf("make epoll: %w", err)
	}
	return &Poll{fd: fd, events: make([]unix.EpollEvent, 256)}, nil
}

// Add waits for a descriptor, too.
func (p *Poll) Add(fd int) error {
	if err := unix.EpollCtl(p.fd, unix.EPOLL_CTL_ADD, fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}); err != nil {
		return fmt.Errorf("add to epoll: %w", err)
	}
	return nil
}

// Wait returns the descriptors that can be read, at most for the given milliseconds; below zero: for ever. The slice is good until the next call.
func (p *Poll) Wait(milliseconds int) ([]int, error) {
	n, err := unix.EpollWait(p.fd, p.events, milliseconds)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return nil, fmt.Errorf("wait for epoll: %w", err)
	}
	p.ready = p.ready[:0]
	for i := range n {
		p.ready = append(p.ready, int(p.events[i].Fd))
	}
	return p.ready, nil
}

// Accept takes a connection and waits for it.
func (p *Poll) Accept(listener int) error {
	fd, _, err := unix.Accept4(listener, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
	if errors.Is(err, unix.EAGAIN) || errors.Is(err, unix.ECONNABORTED) || errors.Is(err, unix.EINTR) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("accept: %w", err)
	}
	noDelay(fd)
	return p.Add(fd)
}

// Close ends the poll; its connections stay.
func (p *Poll) Close() { _ = unix.Close(p.fd) }

// Listen listens at an address such as 127.0.0.1:9000.
func Listen(addr string) (int, error) {
	fd, at, err := socket(addr)
	if err != nil {
		return 0, err
	}
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1)
	if err := errors.Join(unix.Bind(fd, at), unix.Listen(fd, 1024), unix.SetNonblock(fd, true)); err != nil {
		Close(fd)
		return 0, fmt.Errorf("listen at %s: %w", addr, err)
	}
	return fd, nil
}

// Dial connects.
func Dial(addr string) (int, error) {
	fd, at, err := socket(addr)
	if err != nil {
		return 0, err
	}
	if err := errors.Join(unix.Connect(fd, at), unix.SetNonblock(fd, true)); err != nil {
		Close(fd)
		return 0, fmt.Errorf("connect to %s: %w", addr, err)
	}
	noDelay(fd)
	return fd, nil
}

// Read reads what there is; [ErrAgain] when there is nothing, 0 when the peer has closed.
func Read(fd int, buf []byte) (int, error) { return unix.Read(fd, buf) }

// Write writes all of it. What the benchmarks write fits into a socket's buffer; when it does not, that is an error.
func Write(fd int, data []byte) error {
	n, err := unix.Write(fd, data)
	if err == nil && n < len(data) {
		return fmt.Errorf("write: only %d of %d bytes taken", n, len(data))
	}
	return err
}

// Close closes a descriptor.
func Close(fd int) { _ = unix.Close(fd) }

func socket(addr string) (int, unix.Sockaddr, error) {
	at, err := netip.ParseAddrPort(addr)
	if err != nil {
		return 0, nil, fmt.Errorf("address: %w", err)
	}
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return 0, nil, fmt.Errorf("make socket: %w", err)
	}
	return fd, &unix.SockaddrInet4{Port: int(at.Port()), Addr: at.Addr().As4()}, nil
}

func noDelay(fd int) { _ = unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_NODELAY, 1) }
