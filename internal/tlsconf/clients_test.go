package tlsconf

import (
	"crypto/tls"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"
)

// clientPair is a certificate that vouches for itself, and the PEM file of it.
func clientPair(t *testing.T) (pairOf tls.Certificate, file string) {
	t.Helper()
	cert, key, _ := pair(t, t.TempDir(), "client.test")
	made, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		t.Fatal(err)
	}
	return made, cert
}

func TestClientCertificates(t *testing.T) {
	known, authority := clientPair(t)
	stranger, strangers := clientPair(t)
	for _, auth := range []string{"off", "request", "require"} {
		t.Run(auth, func(t *testing.T) {
			cert, key, root := pair(t, t.TempDir(), "a.test")
			var text lockedBuffer
			c, err := New(Options{CertFile: cert, KeyFile: key, ClientCA: authority, ClientAuth: auth}, slog.New(slog.NewTextHandler(&text, nil)))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
			server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
			server.TLS = &tls.Config{GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) { return c.For(hello), nil }, NextProtos: []string{"h2", "http/1.1"}}
			server.StartTLS()
			defer server.Close()
			cache := tls.NewLRUClientSessionCache(8)
			get := func(certificates ...tls.Certificate) bool {
				client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{
					ServerName: "a.test", RootCAs: root, Certificates: certificates, ClientSessionCache: cache}}}
				res, err := client.Get(server.URL)
				if err == nil {
					res.Body.Close()
				}
				return err == nil && res.StatusCode == http.StatusOK
			}
			if got := get(); got != (auth != "require") {
				t.Errorf("without a certificate: served %v", got)
			}
			if !get(known) {
				t.Error("with a certificate of the authority: not served")
			}
			// Go's client shows no certificate that is not of an authority which the server names.
			shown := func(certificate tls.Certificate) bool {
				conn, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{ServerName: "a.test", RootCAs: root, NextProtos: []string{"http/1.1"},
					GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &certificate, nil }})
				if err != nil {
					return false
				}
				defer conn.Close()
				_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a.test\r\nConnection: close\r\n\r\n")
				answer, _ := io.ReadAll(conn)
				return strings.HasPrefix(string(answer), "HTTP/1.1 200")
			}
			if !shown(known) {
				t.Error("the authority's certificate was refused")
			}
			if got := shown(stranger); got != (auth == "off") {
				t.Errorf("a stranger's certificate: served %v", got)
			}
			if got := challenged(t, server.Listener.Addr().String()); got != "" {
				t.Errorf("by the protocol of challenges got %q, want nothing", got)
			}
			if auth == "off" {
				return
			}
			swapped, err := os.ReadFile(strangers)
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(authority+".new", swapped, 0o600); err != nil {
				t.Fatal(err)
			}
			before, _ := os.ReadFile(authority)
			rename(t, authority+".new", authority)
			defer func() { _ = os.WriteFile(authority, before, 0o600) }()
			for deadline := time.Now().Add(20 * time.Second); !shown(stranger); time.Sleep(50 * time.Millisecond) {
				if time.Now().After(deadline) {
					t.Fatalf("the changed authorities were not taken\n%s", &text)
				}
			}
			if shown(known) {
				t.Error("the former authority still counts")
			}
		})
	}
}

// challenged sends a request over a connection of the protocol by which authorities ask, which needs no certificate.
func challenged(t *testing.T, address string) string {
	t.Helper()
	conn, err := tls.Dial("tcp", address, &tls.Config{ServerName: "a.test", InsecureSkipVerify: true, NextProtos: []string{alpnChallenge}})
	if err != nil {
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nHost: a.test\r\n\r\n")
	answer, _ := io.ReadAll(conn)
	return string(answer)
}

func TestClientAuthoritiesThatCannotBe(t *testing.T) {
	cert, key, _ := pair(t, t.TempDir(), "a.test")
	for _, c := range []struct{ name, file, auth, want string }{
		{"no file", key + "none", "require", "tls.client_ca_file"},
		{"no certificate", key, "request", "tls.client_ca_file"},
		{"no such way", cert, "maybe", "tls.client_auth"},
	} {
		got, err := New(Options{CertFile: cert, KeyFile: key, ClientCA: c.file, ClientAuth: c.auth}, slog.New(slog.DiscardHandler))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got %v, %v, want an error that names %s", c.name, got, err, c.want)
		}
	}
}
