package proxy

import (
	"bufio"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

// Absolute targets for ourselves are served like any other, also where the configuration names no host (RFC 9112 3.2.2). The upstream gets a
// path, and one authority.
func TestAbsoluteTargetOfOurs_R2(t *testing.T) {
	g := publicRig(t)
	for _, c := range []struct{ name, target, host, path string }{
		{"the same name", "http://own.example/a/b?c=d", "own.example", "/a/b?c=d"},
		{"no path", "http://own.example", "own.example", "/"},
		{"a query alone", "http://own.example?x", "own.example", "/?x"},
		{"with a port", "http://own.example:8080/a", "own.example:8080", "/a"},
		{"in capitals", "HTTP://OWN.example/a", "own.EXAMPLE", "/a"},
	} {
		t.Run(c.name, func(t *testing.T) {
			text := g.raw("GET " + c.target + " HTTP/1.1\r\nHost: " + c.host + "\r\nConnection: close\r\n\r\n")
			saw := g.app.taken()
			if statusOf(text) != 200 || saw == nil || saw.URI != c.path || !strings.EqualFold(saw.Host, c.host) {
				t.Errorf("%s: %.100q, the upstream saw %+v, want %s of %s", c.target, text, saw, c.path, c.host)
			}
		})
	}
	t.Run("a second request of the connection", func(t *testing.T) {
		conn := g.dial()
		in := bufio.NewReader(conn)
		for _, target := range []string{"/first", "http://own.example/second"} {
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: own.example\r\n\r\n", target)
			res, err := http.ReadResponse(in, nil)
			if err != nil || res.StatusCode != 200 {
				t.Fatalf("%s: %v, %v, want 200", target, res, err)
			}
			_, _ = io.Copy(io.Discard, res.Body)
		}
	})
}

// Rules of a host hold for it however it is named.
func TestAbsoluteTargetRules_R2_8_2_1(t *testing.T) {
	g := newRig(t, settings{routes: []Route{{Path: "/", Access: Access{Mode: ModePublic}}, {Host: "admin.example", Path: "/", Access: Access{Mode: ModeLogin}}}})
	for host, want := range map[string]int{"admin.example": 401, "own.example": 421} {
		if text := g.raw("GET http://" + host + "/ HTTP/1.1\r\nHost: other.example\r\nConnection: close\r\n\r\n"); statusOf(text) != want {
			t.Errorf("%s with another Host: %.100q, want %d", host, text, want)
		}
	}
	if text := g.raw("GET http://admin.example/ HTTP/1.1\r\nHost: admin.example\r\nConnection: close\r\n\r\n"); statusOf(text) != 401 {
		t.Errorf("%.100q, want 401", text)
	}
}

func TestAbsoluteTargetOfTLS_R6(t *testing.T) {
	s := tlsRig(t, publicRig(t))
	for target, want := range map[string]int{"https://example.com/": 200, "http://Example.com/": 200, "https://other.example/": 421} {
		conn, err := tls.Dial("tcp", s.Listener.Addr().String(), &tls.Config{ServerName: "example.com", RootCAs: s.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: example.com\r\nConnection: close\r\n\r\n", target)
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		text, _ := io.ReadAll(conn)
		conn.Close()
		if statusOf(string(text)) != want {
			t.Errorf("%s: %.60q, want %d", target, text, want)
		}
	}
}
