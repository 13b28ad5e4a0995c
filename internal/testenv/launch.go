package testenv

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"strconv"
	"testing"
	"time"
)

const (
	startDeadline = 60 * time.Second // far above what a loaded machine needs
	startTries    = 5                // for a port that another process took between our look and the server's
	probeInterval = 10 * time.Millisecond
	logTail       = 4000 // bytes
)

var errEndedEarly = errors.New("ended before it answered")

// launch starts a program and waits until its probe is content.
func launch(p program) (*process, error) {
	proc, err := start(p)
	if err != nil {
		return nil, err
	}
	probeErr := errors.New("not asked yet")
	for deadline := time.Now().Add(startDeadline); time.Now().Before(deadline); {
		if proc.ended(probeInterval) {
			_ = proc.stop(p.abrupt)
			return nil, fmt.Errorf("start %s: %w; its log:\n%s", p.name, errEndedEarly, tail(p.logPath()))
		}
		// Alive after the answer, too: it may have come from a stranger at this port.
		if probeErr = p.probe(); probeErr == nil && !proc.ended(0) {
			return proc, nil
		}
	}
	_ = proc.stop(p.abrupt)
	return nil, fmt.Errorf("start %s: no answer in %v: %w; its log:\n%s", p.name, startDeadline, probeErr, tail(p.logPath()))
}

// relaunch is launch for an address that must stay: its port may be taken for a moment by somebody's outgoing connection.
func relaunch(p program) (*process, error) {
	var proc *process
	var err error
	for range startTries {
		if proc, err = launch(p); !errors.Is(err, errEndedEarly) {
			break
		}
	}
	return proc, err
}

// launchAnywhere launches what build makes of a free port, of another one when the server ends at once.
func launchAnywhere(build func(port int) (program, error)) (*process, error) {
	var lastErr error
	for range startTries {
		port, err := freePort()
		if err != nil {
			return nil, err
		}
		p, err := build(port)
		if err != nil {
			return nil, err
		}
		proc, err := launch(p)
		if !errors.Is(err, errEndedEarly) {
			return proc, err
		}
		lastErr = err
	}
	return nil, lastErr
}

// freePort finds a free loopback port below the range of outgoing connections (Linux: from 32768). One of that range, as
// listening on port 0 gives, could be taken by any client, even connected to itself, while a test has its server stopped.
func freePort() (int, error) {
	var lastErr error
	for range 100 {
		port := 12000 + rand.IntN(20000)
		listener, err := net.Listen("tcp", address(port))
		if err == nil {
			return port, listener.Close()
		}
		lastErr = err
	}
	return 0, fmt.Errorf("find free port: %w", lastErr)
}

func address(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// tail gives the last bytes of a log.
func tail(path string) string {
	text, err := os.ReadFile(path)
	if err != nil {
		return err.Error()
	}
	return string(text[max(0, len(text)-logTail):])
}

// await waits until a condition holds, at most startDeadline.
func await(t testing.TB, what string, holds func() bool) {
	t.Helper()
	for deadline := time.Now().Add(startDeadline); time.Now().Before(deadline); time.Sleep(probeInterval) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited %v in vain: %s", startDeadline, what)
}
