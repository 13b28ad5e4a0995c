package proxy

import (
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"testing"
	"testing/synctest"
	"time"
)

// deadlineWriter gives a [http.ResponseController] the deadlines of a connection.
type deadlineWriter struct {
	http.ResponseWriter
	net.Conn
}

func (deadlineWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }

// A body has to come at its pace while somebody waits for it, and only then.
func TestBodyPace(t *testing.T) {
	for _, c := range []struct {
		name    string
		chunk   int
		wait    time.Duration // of the client before each chunk
		idle    time.Duration // of the upstream before each read
		chunks  int
		tooSlow bool
	}{
		{"steady", 2 << 10, 9 * time.Second, 0, 20, false},
		{"silent", 1, 11 * time.Second, 0, 1, true},
		{"dripping", 1, 4 * time.Second, 0, 10, true},
		{"dripping fast", 512, 4 * time.Second, 0, 10, false},
		{"slow upstream", 1, 0, time.Minute, 10, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, far := net.Pipe()
				done := make(chan struct{})
				go func() {
					defer close(done)
					for range c.chunks {
						time.Sleep(c.wait)
						if _, err := far.Write(make([]byte, c.chunk)); err != nil {
							return
						}
					}
					far.Close()
				}()
				body := &pacedBody{body: near, control: http.NewResponseController(deadlineWriter{Conn: near}), left: progressTime}
				var err error
				for err == nil {
					time.Sleep(c.idle)
					_, err = body.Read(make([]byte, 32<<10))
				}
				near.Close()
				<-done
				var read *bodyError
				if tooSlow := errors.As(err, &read) && errors.Is(err, os.ErrDeadlineExceeded); tooSlow != c.tooSlow || !tooSlow && err != io.EOF {
					t.Errorf("body ended with %v, want too slow: %v", err, c.tooSlow)
				}
			})
		})
	}
}

func TestServerLimits(t *testing.T) {
	s := NewServer(http.NotFoundHandler(), discardLog())
	if s.ReadHeaderTimeout != 10*time.Second || s.IdleTimeout != time.Minute || s.ReadTimeout != 0 || s.WriteTimeout != 0 || s.MaxHeaderBytes+4096 != 64<<10 {
		t.Errorf("%+v", s)
	}
}
