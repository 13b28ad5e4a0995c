package upstream_test

import (
	"bufio"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/proxy/upstream"
)

// rogue listens and hands every connection to serve, whose number it tells.
func rogue(t testing.TB, serve func(conn net.Conn, number int32)) (addr string, connections *atomic.Int32) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connections = new(atomic.Int32)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			serve(conn, connections.Add(1))
		}
	}()
	t.Cleanup(func() { l.Close(); <-ended })
	return l.Addr().String(), connections
}

// says reads the request and writes an answer, byte for byte, then ends the connection.
func says(answer string) func(net.Conn, int32) {
	return func(conn net.Conn, _ int32) {
		defer conn.Close()
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, _ = io.WriteString(conn, answer)
	}
}

func reset(conn net.Conn) {
	_ = conn.(*net.TCPConn).SetLinger(0)
	conn.Close()
}

func TestMisbehaving_F28(t *testing.T) {
	const ok = "HTTP/1.1 200 OK\r\n"
	for name, c := range map[string]struct {
		serve func(net.Conn, int32)
		head  bool // the header comes through, and the body is cut
	}{
		"nothing":              {serve: says("")},
		"another protocol":     {serve: says("SSH-2.0-OpenSSH_9.2\r\n")},
		"no status line":       {serve: says("<html>hello</html>")},
		"half a header":        {serve: says(ok + "Content-Le")},
		"field without colon":  {serve: says(ok + "Content-Length 3\r\n\r\nabc")},
		"conflicting lengths":  {serve: says(ok + "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde")},
		"negative length":      {serve: says(ok + "Content-Length: -3\r\n\r\nabc")},
		"length with sign":     {serve: says(ok + "Content-Length: +3\r\n\r\nabc")},
		"length of letters":    {serve: says(ok + "Content-Length: 3a\r\n\r\nabc")},
		"list of lengths":      {serve: says(ok + "Content-Length: 3, 3\r\n\r\nabc")},
		"empty length":         {serve: says(ok + "Content-Length:\r\n\r\nabc")},
		"enormous length":      {serve: says(ok + "Content-Length: 9223372036854775808\r\n\r\nabc")},
		"two codings":          {serve: says(ok + "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n")},
		"no coding":            {serve: says(ok + "Transfer-Encoding: identity\r\n\r\nabc")},
		"coding that folds":    {serve: says(ok + "Transfer-Encoding: chun\u212aed\r\n\r\n0\r\n\r\n")},
		"no name":              {serve: says(ok + ": 3\r\nContent-Length: 3\r\n\r\nabc")},
		"NUL":                  {serve: says(ok + "X: a\x00b\r\nContent-Length: 3\r\n\r\nabc")},
		"folded at once":       {serve: says(ok + " X: a\r\nContent-Length: 3\r\n\r\nabc")},
		"empty line first":     {serve: says("\r\n" + ok + "Content-Length: 3\r\n\r\nabc")},
		"status of two digits": {serve: says("HTTP/1.1 20 OK\r\nContent-Length: 3\r\n\r\nabc")},
		"status of letters":    {serve: says("HTTP/1.1 2xx OK\r\nContent-Length: 3\r\n\r\nabc")},
		"HTTP/2 in words":      {serve: says("HTTP/a 200 OK\r\nContent-Length: 3\r\n\r\nabc")},
		"short body":           {serve: says(ok + "Content-Length: 100\r\n\r\nshort"), head: true},
		"chunk without CRLF":   {serve: says(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nshortxx0\r\n\r\n"), head: true},
		"chunk too large":      {serve: says(ok + "Transfer-Encoding: chunked\r\n\r\n10000000000000000\r\nshort"), head: true},
		"short chunk":          {serve: says(ok + "Transfer-Encoding: chunked\r\n\r\n64\r\nshort"), head: true},
		"no last chunk":        {serve: says(ok + "Transfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n"), head: true},
		"chunk size":           {serve: says(ok + "Transfer-Encoding: chunked\r\n\r\nzz\r\nshort\r\n0\r\n\r\n"), head: true},
		"another coding":       {serve: says(ok + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n")},
		"reset":                {serve: func(conn net.Conn, _ int32) { reset(conn) }},
		"reset in the middle":  {serve: resetMiddle, head: true},
		"half-closed":          {serve: halfClosed, head: true},
		"header without end":   {serve: flood(ok, "X-Thing: "+strings.Repeat("a", 1000)+"\r\n")},
		"one line without end": {serve: flood(ok+"X-Thing: ", "aaaaaaaaaaaaaaaa")},
		"1xx without end":      {serve: flood("", "HTTP/1.1 103 Early Hints\r\n\r\n")},
	} {
		t.Run(name, func(t *testing.T) {
			carriers(t, func(t *testing.T, by carrier) {
				addr, _ := rogue(t, c.serve)
				u := by.open(t, upstream.Options{URL: "http://" + addr, ResponseHeaderTimeout: 10 * time.Second})
				res, body, err := do(t, u, forwarded(t, "GET", "/", nil))
				if err == nil || (res != nil) != c.head || strings.HasPrefix(name, "short") && !errors.Is(err, io.ErrUnexpectedEOF) {
					t.Errorf("got %v, %q, %v, want an error, after a header: %v", res, body, err, c.head)
				}
			})
		})
	}
}

func resetMiddle(conn net.Conn, _ int32) {
	_, _ = http.ReadRequest(bufio.NewReader(conn))
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nshort\r\n")
	time.Sleep(20 * time.Millisecond) // the reset would overtake what was sent
	reset(conn)
}

// halfClosed ends its own direction in the middle of an answer, and goes on listening.
func halfClosed(conn net.Conn, _ int32) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	_, _ = http.ReadRequest(in)
	_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort")
	_ = conn.(*net.TCPConn).CloseWrite()
	_, _ = io.Copy(io.Discard, in)
}

// flood repeats a text until nobody takes it any more.
func flood(first, again string) func(net.Conn, int32) {
	return func(conn net.Conn, _ int32) {
		defer conn.Close()
		_, _ = http.ReadRequest(bufio.NewReader(conn))
		_, err := io.WriteString(conn, first)
		for err == nil {
			_, err = io.WriteString(conn, again)
		}
	}
}

// What an upstream sends beyond its answer must never become the answer to the next request, who may be somebody else.
func TestPoison_F28(t *testing.T) {
	carriers(t, func(t *testing.T, by carrier) {
		addr, connections := rogue(t, func(conn net.Conn, number int32) {
			in := bufio.NewReader(conn)
			for range 2 {
				r, err := http.ReadRequest(in)
				if err != nil {
					break
				}
				body := "own " + r.URL.Path
				_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: "+string(rune('0'+len(body)))+"\r\n\r\n"+body+
					"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
				time.Sleep(10 * time.Millisecond)
			}
			conn.Close()
		})
		u := by.open(t, upstream.Options{URL: "http://" + addr})
		for i, path := range []string{"/a", "/b", "/c"} {
			if _, body, err := do(t, u, forwarded(t, "GET", path, nil)); err != nil || body != "own "+path {
				t.Errorf("%s: %q, %v", path, body, err)
			}
			if n := connections.Load(); n != int32(i+1) {
				t.Errorf("%d connections after %d requests, want one each", n, i+1)
			}
			time.Sleep(20 * time.Millisecond)
		}
	})
}

// The client of the whole proxy, too, must see a flood of interim answers end.
func TestInterimFlood_F28(t *testing.T) {
	addr, _ := rogue(t, flood("", "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"))
	for name, url := range map[string]string{"http": "http://" + addr, "h2c": h2cServer(t, hinting)} {
		t.Run(name, func(t *testing.T) { checkFlood(t, url) })
	}
}

// hinting sends interim answers as long as its client is there.
func hinting(w http.ResponseWriter, r *http.Request) {
	for r.Context().Err() == nil {
		w.Header().Set("Link", "</a>")
		w.WriteHeader(http.StatusEarlyHints)
	}
}

func checkFlood(t *testing.T, url string) {
	u := open(t, upstream.Options{URL: url})
	p := httptest.NewServer(&httputil.ReverseProxy{Transport: u, Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(u.Target()) }})
	defer p.Close()
	conn, err := net.Dial("tcp", p.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
	all, err := io.ReadAll(conn)
	if hints := strings.Count(string(all), "103 Early Hints"); hints < 100 || hints > 102 || !strings.Contains(string(all), "502 Bad Gateway") {
		t.Errorf("%d hints, %v, and then %q, want a hundred and 502", hints, err, all[max(0, len(all)-200):])
	}
}

// A request is repeated only when it may be, and only when an idle connection turned out to be dead.
func TestRetry_F28(t *testing.T) {
	carriers(t, func(t *testing.T, by carrier) {
		for method, want := range map[string]bool{"GET": true, "HEAD": true, "POST": false} {
			t.Run(method, func(t *testing.T) {
				var asked atomic.Int32
				addr, connections := rogue(t, func(conn net.Conn, number int32) {
					in := bufio.NewReader(conn)
					for i := range 2 {
						if _, err := http.ReadRequest(in); err != nil {
							break
						}
						asked.Add(1)
						if number == 1 && i == 1 {
							break // reads the second request of the first connection and ends
						}
						_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
					}
					conn.Close()
				})
				u := by.open(t, upstream.Options{URL: "http://" + addr})
				if _, _, err := do(t, u, forwarded(t, "GET", "/", nil)); err != nil {
					t.Fatal(err)
				}
				_, _, err := do(t, u, forwarded(t, method, "/", nil))
				if got := err == nil; got != want {
					t.Errorf("%v, want an answer: %v", err, want)
				}
				if n := asked.Load(); want && n != 3 || !want && n != 2 {
					t.Errorf("the upstream was asked %d times on %d connections", n, connections.Load())
				}
				u.Close()
			})
		}
	})
}

func TestStall_F28(t *testing.T) {
	carriers(t, func(t *testing.T, by carrier) {
		held := make(chan struct{})
		addr, _ := rogue(t, func(conn net.Conn, _ int32) {
			_, _ = http.ReadRequest(bufio.NewReader(conn))
			_, _ = io.WriteString(conn, "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nsome")
			<-held
			conn.Close()
		})
		defer close(held)
		u := by.open(t, upstream.Options{URL: "http://" + addr, StallTimeout: 20 * time.Millisecond})
		_, body, err := do(t, u, forwarded(t, "GET", "/", nil))
		var timeout net.Error
		if body != "some" || !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Errorf("%q, %v, want a time-out after some", body, err)
		}
	})
}

func TestMaxConns(t *testing.T) {
	carriers(t, func(t *testing.T, by carrier) {
		entered, release := make(chan struct{}, 3), make(chan struct{})
		s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { entered <- struct{}{}; <-release }))
		defer s.Close()
		u := by.open(t, upstream.Options{URL: s.URL, MaxConns: 1, QueueTimeout: 10 * time.Millisecond})
		first := make(chan error)
		go func() { _, _, err := do(t, u, forwarded(t, "GET", "/", nil)); first <- err }()
		<-entered
		if _, _, err := do(t, u, forwarded(t, "GET", "/", nil)); !errors.Is(err, upstream.ErrBusy) {
			t.Errorf("second: %v, want that it is busy", err)
		}
		close(release)
		if err := <-first; err != nil {
			t.Errorf("first: %v", err)
		}
		if _, _, err := do(t, u, forwarded(t, "GET", "/", nil)); err != nil {
			t.Errorf("third: %v, want the slot of the first", err)
		}
	})
}
