package testenv

import (
	"os"
	"syscall"
	"testing"
)

// Server is a server of one test. It ends with the test; before that the test may stop it and start it again at the same
// address and with the same data folder. Not safe for concurrent use.
type Server struct {
	Addr string // host:port

	t       testing.TB
	program program
	proc    *process // nil while stopped
}

// serve launches a server of the test's own.
func serve(t testing.TB, build func(port int) (program, error)) *Server {
	t.Helper()
	s := &Server{t: t}
	t.Cleanup(s.end)
	proc, err := launchAnywhere(func(port int) (program, error) {
		s.Addr = address(port)
		p, err := build(port)
		s.program = p
		return p, err
	})
	if err != nil {
		t.Fatal(err)
	}
	s.proc = proc
	return s
}

// Start runs a stopped server again and returns when it answers.
func (s *Server) Start() {
	s.t.Helper()
	if s.proc != nil {
		s.t.Fatalf("start %s: it runs already", s.program.name)
	}
	proc, err := relaunch(s.program)
	if err != nil {
		s.t.Fatal(err)
	}
	s.proc = proc
}

// Stop shuts the server down in good order, connections included, and returns when it is gone. Stopped already is fine.
func (s *Server) Stop() { s.stop(s.program.polite) }

// Kill ends the server at once, as a crash would.
func (s *Server) Kill() { s.stop(s.program.abrupt) }

func (s *Server) stop(signal syscall.Signal) {
	s.t.Helper()
	if s.proc == nil {
		return
	}
	if err := s.proc.stop(signal); err != nil {
		s.t.Error(err)
	}
	s.proc = nil
}

// Pause freezes the server: it accepts connections (the kernel does) and answers nothing, as behind a network that
// swallows packets. A server of several processes is frozen by its main one only, which is enough for Redis and memcached.
func (s *Server) Pause() {
	s.t.Helper()
	s.signal(syscall.SIGSTOP)
	await(s.t, s.program.name+" is frozen", s.proc.frozen)
}

// Resume ends a Pause.
func (s *Server) Resume() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(signal syscall.Signal) {
	s.t.Helper()
	if s.proc == nil {
		s.t.Fatalf("signal %s: it does not run", s.program.name)
	}
	if err := s.proc.signal(signal); err != nil {
		s.t.Fatal(err)
	}
}

// Log gives the end of what the server has written to its log.
func (s *Server) Log() string { return tail(s.program.logPath()) }

func (s *Server) end() {
	if s.t.Failed() && s.program.folder != "" {
		s.t.Logf("log of %s:\n%s", s.program.name, s.Log())
	}
	s.Kill()
	if s.program.folder == "" {
		return
	}
	if err := os.RemoveAll(s.program.folder); err != nil {
		s.t.Errorf("remove folder of %s: %v", s.program.name, err)
	}
}
