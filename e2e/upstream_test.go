package e2e

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
)

// Upstreams that are dead or lie (F28): the client sees that something is wrong, and the proxy goes on.
func TestBadUpstreams(t *testing.T) {
	t.Parallel()
	long := liar(t, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 1000\r\n\r\nonly this", true)
	short := liar(t, "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 4\r\n\r\nfour"+
		"HTTP/1.1 200 OK\r\nRemote-User: smuggled\r\nContent-Length: 8\r\n\r\nsmuggled", false)
	garbage := liar(t, "this is no HTTP\r\n\r\n", true)
	silent := liar(t, "", true)
	s := newSettings(t, engine{session: "db", hash: "md5"})
	s.extra = fmt.Sprintf("routes:\n  - {path: /dead, upstream: 'http://%s', access: public}\n", freeAddr(t))
	for path, addr := range map[string]string{"/long": long, "/short": short, "/garbage": garbage, "/silent": silent} {
		s.extra += fmt.Sprintf("  - {path: %s, upstream: 'http://%s', access: public}\n", path, addr)
	}
	p := serve(t, serveOptions{Config: s.yaml()})
	v := newVisitor(t, p.URL)

	for _, path := range []string{"/dead", "/garbage", "/silent"} {
		for what, res := range map[string]answer{"navigation": v.get(path), "script": v.fetch(path)} {
			if res.StatusCode != http.StatusBadGateway {
				t.Errorf("%s of %s: %s, want 502\n%s", what, path, res.Status, res.Text)
			}
			if html := strings.Contains(res.Header.Get("Content-Type"), "html"); html != (what == "navigation") {
				t.Errorf("%s of %s: Content-Type %s", what, path, res.Header.Get("Content-Type"))
			}
		}
	}
	t.Run("promised more than it sent", func(t *testing.T) {
		res, err := v.client.Do(v.request(http.MethodGet, "/long", ""))
		if err != nil {
			return // cut off before the header went out: visible, too
		}
		defer res.Body.Close()
		if body, err := io.ReadAll(res.Body); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("got %q and %v, want a visible end before the end", body, err)
		}
	})
	t.Run("sent more than it promised", func(t *testing.T) {
		for range 10 {
			if res := v.fetch("/short"); res.StatusCode != http.StatusOK || res.Text != "four" {
				t.Errorf("got %s %q, want the promised four bytes", res.Status, res.Text)
			}
		}
	})
	if res := v.get("/.auth/login"); res.StatusCode != http.StatusOK {
		t.Errorf("after all, the login page: %s", res.Status)
	}
}

// liar answers each request with the bytes, whatever they are, and hangs up if told to.
func liar(t testing.TB, bytes string, hangUp bool) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go lie(conn, bytes, hangUp)
		}
	}()
	return l.Addr().String()
}

func lie(conn net.Conn, bytes string, hangUp bool) {
	defer conn.Close()
	requests := bufio.NewReader(conn)
	for {
		if _, err := http.ReadRequest(requests); err != nil {
			return
		}
		if _, err := io.WriteString(conn, bytes); err != nil || hangUp {
			return
		}
	}
}
