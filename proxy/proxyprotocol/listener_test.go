package proxyprotocol_test

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"coatcheck/proxy/proxyprotocol"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// v2 is a header of version 2 for TCP over IPv4, from 192.0.2.7:5 to 192.0.2.1:80.
const v2 = "\r\n\r\n\x00\r\nQUIT\n\x21\x11\x00\x0c\xc0\x00\x02\x07\xc0\x00\x02\x01\x00\x05\x00\x50"

func TestClient_4_1_3(t *testing.T) {
	const request = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
	for _, c := range []struct {
		name, trusted, sent, want string
	}{
		{"version 1", "127.0.0.0/8", "PROXY TCP4 192.0.2.7 192.0.2.1 5 80\r\n" + request, "192.0.2.7:5"},
		{"version 1, IPv6", "127.0.0.0/8", "PROXY TCP6 2001:db8::7 2001:db8::1 5 80\r\n" + request, "[2001:db8::7]:5"},
		{"version 2", "127.0.0.0/8", v2 + request, "192.0.2.7:5"},
		{"health check of the load balancer", "127.0.0.0/8", "\r\n\r\n\x00\r\nQUIT\n\x20\x00\x00\x00" + request, "127.0.0.1:"},
		{"trusted, but nothing announced", "127.0.0.0/8", request, ""},
		{"trusted, garbage", "127.0.0.0/8", "PROXY TCP4 nonsense\r\n" + request, ""},
		{"trusted, announced twice", "127.0.0.0/8", "PROXY TCP4 192.0.2.7 192.0.2.1 5 80\r\nPROXY TCP4 10.0.0.1 192.0.2.1 5 80\r\n" + request, "400"},
		{"stranger without", "10.0.0.0/8", request, "127.0.0.1:"},
		{"stranger with version 1", "10.0.0.0/8", "PROXY TCP4 10.0.0.1 192.0.2.1 5 80\r\n" + request, "400"},
		{"stranger with version 2", "10.0.0.0/8", v2 + request, "400"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := ask(t, c.trusted, c.sent)
			_, body, _ := strings.Cut(got, "\r\n\r\n")
			switch {
			case c.want == "" && got != "", c.want == "400" && !strings.HasPrefix(got, "HTTP/1.1 400"), c.want != "400" && !strings.HasPrefix(body, c.want):
				t.Errorf("sent %.60q: got %.200q, want %q", c.sent, got, c.want)
			}
		})
	}
}

func ask(t *testing.T, trusted, text string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.RemoteAddr) }), ReadHeaderTimeout: 5 * time.Second}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(proxyprotocol.Listener(l, []netip.Prefix{netip.MustParsePrefix(trusted)}))
	}()
	defer func() { server.Close(); <-done }()
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	all, _ := io.ReadAll(conn) // a reset is an answer, too
	return string(all)
}
