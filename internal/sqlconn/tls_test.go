package sqlconn

import (
	"net"
	"strings"
	"testing"
)

func TestLocal_12_3_1(t *testing.T) {
	for host, want := range map[string]bool{"": true, "localhost": true, "127.0.0.1": true, "127.9.9.9": true, "::1": true, "/run/postgresql": true,
		"db": false, "10.0.0.1": false, "localhost.example.org": false, "db.example.org": false} {
		if got := local(host); got != want {
			t.Errorf("local(%q) = %v, want %v", host, got, want)
		}
	}
}

// A server elsewhere that has no TLS is not spoken to in the clear unless the URL says so.
func TestNoSilentPlaintext_12_3_1(t *testing.T) {
	address := outsideAddress(t)
	for _, test := range []struct{ scheme, plain, hello string }{
		{"postgres", "sslmode=disable", ""},
		{"mysql", "tls=false", mysqlGreetingWithoutTLS},
	} {
		listener, err := net.Listen("tcp", net.JoinHostPort(address, "0"))
		if err != nil {
			t.Skip("no address besides loopback: ", err)
		}
		t.Cleanup(func() { _ = listener.Close() })
		go serveWithoutTLS(listener, test.hello)
		url := test.scheme + "://u:s3cret@" + listener.Addr().String() + "/n"
		db := open(t, url, Options{})
		if err := db.PingContext(t.Context()); err == nil || !strings.Contains(err.Error(), test.plain) || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: ping = %v, want a refusal that says %q", test.scheme, err, test.plain)
		}
		db = open(t, url+"?"+test.plain, Options{})
		if err := db.PingContext(t.Context()); err == nil || strings.Contains(err.Error(), "TLS") {
			t.Errorf("%s?%s: ping = %v, want an attempt in the clear", test.scheme, test.plain, err)
		}
	}
}

func outsideAddress(t *testing.T) string {
	t.Helper()
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range addresses {
		if n, ok := a.(*net.IPNet); ok && !n.IP.IsLoopback() && n.IP.To4() != nil {
			return n.IP.String()
		}
	}
	t.Skip("this machine has no address besides loopback")
	return ""
}

// mysqlGreetingWithoutTLS is a handshake (protocol 10) whose capabilities lack CLIENT_SSL (0x0800).
const mysqlGreetingWithoutTLS = "\x4a\x00\x00\x00\x0a5.5.5-test\x00\x01\x00\x00\x00aaaaaaaa\x00\xfe\xf7\x08\x02\x00\xff\x81\x15" +
	"\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00bbbbbbbbbbbb\x00mysql_native_password\x00"

// serveWithoutTLS greets as MySQL does, or answers N as PostgreSQL does when asked for TLS, and hangs up.
func serveWithoutTLS(listener net.Listener, hello string) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		if hello != "" {
			_, _ = conn.Write([]byte(hello))
		}
		buf := make([]byte, 512)
		_, _ = conn.Read(buf)
		if hello == "" {
			_, _ = conn.Write([]byte("N"))
		}
		_ = conn.Close()
	}
}
