package lane

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

// net/http waits half a second before it closes a connection that it has refused something on.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("net/http.(*conn).closeWriteAndWait"))
}

// rig is a server on a real listener, with a lane or without.
type rig struct {
	t      testing.TB
	addr   string
	lane   *Lane // nil: none
	server *http.Server
	handed atomic.Int32 // connections that net/http has seen
}

func asIs(l net.Listener) net.Listener { return l }

func newRig(t testing.TB, laned bool, handler http.HandlerFunc, change ...func(*http.Server)) *rig {
	t.Helper()
	g := &rig{t: t, server: &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, IdleTimeout: 5 * time.Second, ErrorLog: log.New(io.Discard, "", 0)}}
	g.server.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			g.handed.Add(1)
		}
	}
	for _, c := range change {
		c(g.server)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	g.addr = l.Addr().String()
	if laned {
		g.lane = New(g.server, asIs)
		l = g.lane.Listener(l)
	}
	var serving sync.WaitGroup
	serving.Go(func() { _ = g.server.Serve(l) })
	t.Cleanup(func() {
		l.Close()
		if laned {
			g.lane.Close()
			g.lane.Drain(context.Background())
		}
		g.server.Close()
		serving.Wait()
	})
	return g
}

func (g *rig) dial() net.Conn {
	g.t.Helper()
	conn, err := net.Dial("tcp", g.addr)
	if err != nil {
		g.t.Fatal(err)
	}
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	g.t.Cleanup(func() { conn.Close() })
	return conn
}

// raw sends text and returns everything up to the end of the connection.
func (g *rig) raw(text string) string {
	g.t.Helper()
	conn := g.dial()
	if _, err := io.WriteString(conn, text); err != nil {
		g.t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if ne := net.Error(nil); errors.As(err, &ne) && ne.Timeout() {
		g.t.Fatalf("sent %.100q: the connection was not closed; got %q", text, all)
	}
	return string(all)
}

const host = "Host: app.example.com\r\n"

func plainGet(path string) string { return "GET " + path + " HTTP/1.1\r\n" + host + "\r\n" }
func lastGet(path string) string {
	return "GET " + path + " HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n"
}

func hello(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Path", r.URL.Path)
	fmt.Fprintf(w, "%s %s", r.Method, r.URL.Path)
}

func TestManyRequestsOnOneConnection(t *testing.T) {
	g := newRig(t, true, hello)
	conn := g.dial()
	in := bufio.NewReader(conn)
	for i := range 5 {
		path := fmt.Sprint("/", i)
		_, _ = io.WriteString(conn, plainGet(path))
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		body, _ := io.ReadAll(res.Body)
		if string(body) != "GET "+path || res.Close {
			t.Errorf("answer %d: %q, close %v", i, body, res.Close)
		}
	}
	if n := g.handed.Load(); n != 0 {
		t.Errorf("%d connections were handed over", n)
	}
}

// What a request in the lane is followed by goes to net/http, byte for byte.
func TestHandOver(t *testing.T) {
	echo := func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		fmt.Fprintf(w, "%s %s %q;", r.Method, r.RequestURI, body)
	}
	for name, c := range map[string]struct {
		text string
		want []string
	}{
		"a body":              {plainGet("/1") + "POST /2 HTTP/1.1\r\n" + host + "Content-Length: 3\r\nConnection: close\r\n\r\nabc", []string{`GET /1 ""`, `POST /2 "abc"`}},
		"first":               {"POST /2 HTTP/1.1\r\n" + host + "Content-Length: 3\r\nConnection: close\r\n\r\nabc", []string{`POST /2 "abc"`}},
		"pipelined after it":  {plainGet("/1") + "POST /2 HTTP/1.1\r\n" + host + "Content-Length: 3\r\n\r\nabc" + lastGet("/3"), []string{`GET /1 ""`, `POST /2 "abc"`, `GET /3 ""`}},
		"pipelined":           {plainGet("/1") + plainGet("/2") + lastGet("/3"), []string{`GET /1 ""`, `GET /2 ""`, `GET /3 ""`}},
		"GET with a body":     {"GET /1 HTTP/1.1\r\n" + host + "Content-Length: 1\r\nConnection: close\r\n\r\nx", []string{`GET /1 "x"`}},
		"R3 chunked GET":      {"GET /1 HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n1\r\nx\r\n0\r\n\r\n", []string{`GET /1 "x"`}},
		"HTTP/1.0":            {"GET /1 HTTP/1.0\r\n\r\n", []string{`GET /1 ""`}},
		"R1 space before ':'": {"GET /1 HTTP/1.1\r\n" + host + "X : y\r\n\r\n", []string{"400 Bad Request"}},
		"R1 bare LF":          {"GET /1 HTTP/1.1\nHost: a\nConnection: close\n\n", []string{`GET /1 ""`}},
		"R1 folded line":      {"GET /1 HTTP/1.1\r\n" + host + "X: a\r\n b\r\nConnection: close\r\n\r\n", []string{`GET /1 ""`}},
		"R2 two hosts":        {"GET /1 HTTP/1.1\r\n" + host + host + "\r\n", []string{"400 Bad Request"}},
		"R2 no host":          {"GET /1 HTTP/1.1\r\nX: y\r\n\r\n", []string{"400 Bad Request"}},
		"absolute":            {"GET http://app.example.com/1 HTTP/1.1\r\n" + host + "Connection: close\r\n\r\n", []string{`GET http://app.example.com/1 ""`}},
		"not HTTP":            {"\x16\x03\x01 garbage\r\n\r\n", []string{"400 Bad Request"}},
		"too long":            {"GET /1 HTTP/1.1\r\n" + host + "X: " + strings.Repeat("x", 2<<20) + "\r\n\r\n", []string{"431 Request Header Fields Too Large"}},
		"long":                {"GET /1 HTTP/1.1\r\n" + host + "Connection: close\r\nX: " + strings.Repeat("x", 40<<10) + "\r\n\r\n", []string{`GET /1 ""`}},
	} {
		t.Run(name, func(t *testing.T) {
			got := newRig(t, true, echo).raw(c.text)
			for _, want := range c.want {
				_, rest, found := strings.Cut(got, want)
				if !found {
					t.Fatalf("sent %.200q: got %q, want %q in it", c.text, got, want)
				}
				got = rest
			}
		})
	}
}

func TestHeadInPieces(t *testing.T) {
	g := newRig(t, true, hello)
	conn := g.dial()
	for _, c := range []byte(lastGet("/slow")) {
		_, _ = conn.Write([]byte{c})
		time.Sleep(200 * time.Microsecond)
	}
	all, _ := io.ReadAll(conn)
	if !strings.HasSuffix(string(all), "GET /slow") || g.handed.Load() != 0 {
		t.Errorf("got %q, %d handed over", all, g.handed.Load())
	}
}

func TestTimeLimits(t *testing.T) {
	g := newRig(t, true, hello, func(s *http.Server) { s.ReadHeaderTimeout, s.IdleTimeout = 50*time.Millisecond, 50*time.Millisecond })
	for name, text := range map[string]string{"no request": "", "half a request": "GET / HT", "idle": plainGet("/")} {
		t.Run(name, func(t *testing.T) { g.raw(text) }) // fails if it is not closed
	}
}

func TestClientLeaves(t *testing.T) {
	left := make(chan error, 1)
	g := newRig(t, true, func(_ http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		left <- r.Context().Err()
	})
	conn := g.dial()
	_, _ = io.WriteString(conn, plainGet("/"))
	time.Sleep(2 * watchAfter)
	conn.Close()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("context: %v", err)
	}
}

// A request that takes long is watched; what the client sends meanwhile is not lost.
func TestRequestAheadOfAnswer(t *testing.T) {
	g := newRig(t, true, func(w http.ResponseWriter, r *http.Request) {
		time.Sleep(5 * watchAfter)
		if r.Context().Err() != nil {
			t.Error("request was cancelled")
		}
		hello(w, r)
	})
	conn := g.dial()
	_, _ = io.WriteString(conn, plainGet("/1"))
	time.Sleep(3 * watchAfter)
	_, _ = io.WriteString(conn, lastGet("/2"))
	all, _ := io.ReadAll(conn)
	if !strings.Contains(string(all), "GET /1") || !strings.HasSuffix(string(all), "GET /2") {
		t.Errorf("got %q", all)
	}
}

func TestDrain(t *testing.T) {
	began, finish := make(chan bool), make(chan bool)
	g := newRig(t, true, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			began <- true
			<-finish
		}
		hello(w, r)
	})
	idle, busy, fresh := g.dial(), g.dial(), g.dial()
	_, _ = io.WriteString(idle, plainGet("/"))
	if _, err := http.ReadResponse(bufio.NewReader(idle), nil); err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(busy, plainGet("/wait"))
	<-began
	done := make(chan bool)
	go func() { g.lane.Drain(context.Background()); close(done) }()
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("idle connection: %v", err)
	}
	_, _ = io.WriteString(fresh, plainGet("/fresh"))
	if all, _ := io.ReadAll(fresh); !strings.Contains(string(all), "Connection: close\r\n") || !strings.HasSuffix(string(all), "GET /fresh") {
		t.Errorf("new connection: %q", all)
	}
	select {
	case <-done:
		t.Error("drained while a request runs")
	default:
	}
	close(finish)
	if all, _ := io.ReadAll(busy); !strings.Contains(string(all), "Connection: close\r\n") || !strings.HasSuffix(string(all), "GET /wait") {
		t.Errorf("running request: %q", all)
	}
	<-done
}

func TestDrainOfSilentConnections(t *testing.T) {
	g := newRig(t, true, hello)
	silent := g.dial()
	time.Sleep(20 * time.Millisecond)
	g.lane.Drain(context.Background())
	if _, err := silent.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("silent connection: %v", err)
	}
}

func TestCloseCancels(t *testing.T) {
	began, left := make(chan bool), make(chan error, 1)
	g := newRig(t, true, func(_ http.ResponseWriter, r *http.Request) {
		began <- true
		<-r.Context().Done()
		left <- r.Context().Err()
	})
	_, _ = io.WriteString(g.dial(), plainGet("/"))
	<-began
	g.lane.Close()
	if err := <-left; err == nil {
		t.Error("the request was not cancelled")
	}
}

func TestHijack(t *testing.T) {
	g := newRig(t, true, func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		line, _ := rw.ReadString('\n')
		_, _ = rw.WriteString("raw " + line)
		_ = rw.Flush()
		conn.Close()
		if _, err := w.Write([]byte("x")); !errors.Is(err, http.ErrHijacked) {
			t.Errorf("write after hijack: %v", err)
		}
	})
	if got := g.raw(plainGet("/") + "line\n"); got != "raw line\n" {
		t.Errorf("got %q", got)
	}
}

func TestUnixSocket(t *testing.T) {
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		local, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
		fmt.Fprintf(w, "%s %q", local.Network(), r.RemoteAddr)
	}), ReadHeaderTimeout: time.Second}
	l, err := net.Listen("unix", t.TempDir()+"/s")
	if err != nil {
		t.Fatal(err)
	}
	lane := New(server, asIs)
	go server.Serve(lane.Listener(l)) //nolint:errcheck // ends with Close
	defer server.Close()
	conn, err := net.Dial("unix", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.WriteString(conn, lastGet("/"))
	all, _ := io.ReadAll(conn)
	if !strings.HasSuffix(string(all), `unix "@"`) {
		t.Errorf("got %q", all)
	}
}
