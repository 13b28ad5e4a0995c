package proxy

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// tlsRig serves g's handler over TLS with httptest's certificate (example.com), HTTP/2 included.
func tlsRig(t *testing.T, g *rig) *httptest.Server {
	t.Helper()
	s := httptest.NewUnstartedServer(nil)
	s.Config = NewServer(g.handler, discardLog())
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func TestAuthorityOfTLS_R6(t *testing.T) {
	s := tlsRig(t, publicRig(t))
	for host, want := range map[string]int{"example.com": 200, "EXAMPLE.com:8443": 200, "other.example": 421} {
		conn, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{ServerName: "example.com", RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET / HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", host)
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		text, _ := io.ReadAll(conn)
		if statusOf(string(text)) != want {
			t.Errorf("Host %s: %.60q, want %d", host, text, want)
		}
	}
}

func TestHTTP2_R8_4_1_3(t *testing.T) {
	g := newRig(t, settings{})
	s := tlsRig(t, g)
	client := s.Client()
	transport := client.Transport.(*http.Transport)
	transport.DialContext = nil
	ask := func(method, path string, body io.Reader, header http.Header) *http.Response {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, body)
		if err != nil {
			t.Fatal(err)
		}
		req.Header, req.Host = header, "example.com"
		res, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		return res
	}
	cookies := http.Header{"Cookie": {"a=1", session(g.login("1")), "b=2"}, "Remote_user": {"root"}, "Remote-User": {"root"}}
	res := ask("GET", "/x%2Fy?q", nil, cookies)
	saw := g.app.taken()
	if res.ProtoMajor != 2 || saw == nil || saw.URI != "/x%2Fy?q" || saw.Host != "example.com" || saw.Header.Get("X-Forwarded-Proto") != "https" {
		t.Fatalf("%s %d, upstream saw %+v", res.Proto, res.StatusCode, saw)
	}
	if got := saw.Header["Cookie"]; len(got) != 1 || got[0] != "a=1; b=2" {
		t.Errorf("Cookie lines %q, want one, joined as WSGI needs it", got)
	}
	if got := saw.Header["Remote-User"]; len(got) != 1 || got[0] != "alice" || len(saw.Header["Remote_user"]) > 0 {
		t.Errorf("upstream saw %q", saw.Header)
	}
	if res := ask("POST", "/", strings.NewReader(strings.Repeat("x", 1<<20)), http.Header{}); res.StatusCode != 401 {
		t.Errorf("denied with a body: %d", res.StatusCode)
	}
	if res := ask("TRACE", "/", nil, http.Header{}); res.StatusCode != 405 {
		t.Errorf("TRACE: %d", res.StatusCode)
	}
	if res := ask("POST", "/", strings.NewReader("hi"), cookies); res.StatusCode != 200 || g.app.taken().Body != "hi" {
		t.Errorf("POST: %d", res.StatusCode)
	}
}

// A header that comes in too slowly ends the connection; so does a connection without a request.
func TestSlowHeader(t *testing.T) {
	g := publicRig(t)
	server := NewServer(g.handler, discardLog())
	server.ReadHeaderTimeout, server.IdleTimeout = 50*time.Millisecond, 50*time.Millisecond // the mechanism; TestServerLimits has the values
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go server.Serve(l) //nolint:errcheck // ends with Close
	defer server.Close()
	for _, text := range []string{"", "GET / HTTP/1.1\r\nHost: a", "GET / HTTP/1.1\r\nHost: a\r\n\r\n"} {
		conn, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.WriteString(conn, text)
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if _, err := io.ReadAll(conn); err != nil {
			t.Errorf("%q: %v, want the connection closed", text, err)
		}
	}
}

func TestHSTS_3_4_1(t *testing.T) {
	g := newRig(t, settings{hsts: "max-age=31536000", routes: []Route{{Path: "/", Access: Access{Mode: ModeLogin}}, {Path: "/open", Access: Access{Mode: ModePublic}}}})
	g.app.serve(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/open/own" {
			w.Header().Set("Strict-Transport-Security", "max-age=63072000; preload")
		}
		if r.URL.Path == "/open/hints" {
			w.WriteHeader(http.StatusEarlyHints)
		}
	})
	s := tlsRig(t, g)
	for path, want := range map[string]string{
		"/": "max-age=31536000", "/open": "max-age=31536000", "/.auth/login": "max-age=31536000", "/open/hints": "max-age=31536000",
		"/%00": "max-age=31536000", "/open/own": "max-age=63072000; preload",
	} {
		res, err := s.Client().Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if got := res.Header["Strict-Transport-Security"]; len(got) != 1 || got[0] != want {
			t.Errorf("%s %s: %q, want %q once", path, res.Status, got, want)
		}
	}
	if got := g.get("/open").Header.Get("Strict-Transport-Security"); got != "" {
		t.Errorf("by plain http: %q, want none", got)
	}
}
