package tlsconf

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pair writes a certificate for the name into dir and returns its files and its root.
func pair(t testing.TB, dir, name string) (cert, key string, root *x509.CertPool) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{name},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		t.Fatal(err)
	}
	privateDER, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	put(t, cert, "CERTIFICATE", der)
	put(t, key, "PRIVATE KEY", privateDER)
	root = x509.NewCertPool()
	parsed, _ := x509.ParseCertificate(der)
	root.AddCert(parsed)
	return cert, key, root
}

func put(t testing.TB, file, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestRenewedFiles(t *testing.T) {
	dir := t.TempDir()
	cert, key, _ := pair(t, dir, "first.test")
	var text lockedBuffer
	c, err := New(Options{CertFile: cert, KeyFile: key}, slog.New(slog.NewTextHandler(&text, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	inUse := func() string { return c.Expiries()[0].Name }
	await := func(what string, is func() bool) {
		t.Helper()
		for deadline := time.Now().Add(30 * time.Second); !is(); time.Sleep(20 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("in vain: %s\n%s", what, &text)
			}
		}
	}
	if !c.Covers("first.test") || inUse() != "first.test" {
		t.Fatalf("in use: %s", inUse())
	}
	other := t.TempDir()
	newCert, newKey, _ := pair(t, other, "second.test")
	rename(t, newCert, cert)
	await("half of the pair is told", func() bool { return strings.Contains(text.String(), "not taken") })
	if inUse() != "first.test" {
		t.Error("half a pair was taken")
	}
	rename(t, newKey, key)
	await("the whole pair is in use", func() bool { return inUse() == "second.test" })
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func TestKeyOpenToEverybody_13_3_2(t *testing.T) {
	cert, key, _ := pair(t, t.TempDir(), "a.test")
	for mode, good := range map[os.FileMode]bool{0o600: true, 0o640: true, 0o644: false, 0o604: false} {
		if err := os.Chmod(key, mode); err != nil {
			t.Fatal(err)
		}
		c, err := New(Options{CertFile: cert, KeyFile: key}, slog.New(slog.DiscardHandler))
		if (err == nil) != good {
			t.Errorf("mode %#o: got %v, want taken %v", mode, err, good)
		}
		if err == nil {
			c.Close()
		}
	}
}

func TestForwardSecrecy_12_1_1_12_1_2(t *testing.T) {
	cert, key, root := pair(t, t.TempDir(), "a.test")
	c, err := New(Options{CertFile: cert, KeyFile: key}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	server := httptest.NewUnstartedServer(http.NotFoundHandler())
	server.Config.ErrorLog = slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	server.TLS = c.Config().Clone()
	server.StartTLS()
	defer server.Close()
	for _, k := range []struct {
		name     string
		min, max uint16
		suites   []uint16
		good     bool
	}{
		{"TLS 1.3", tls.VersionTLS13, tls.VersionTLS13, nil, true},
		{"TLS 1.2", tls.VersionTLS12, tls.VersionTLS12, nil, true},
		{"TLS 1.1", tls.VersionTLS10, tls.VersionTLS11, nil, false},
		{"CBC", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA}, false},
		{"no forward secrecy", tls.VersionTLS12, tls.VersionTLS12, []uint16{tls.TLS_RSA_WITH_AES_128_GCM_SHA256}, false},
	} {
		t.Run(k.name, func(t *testing.T) {
			conn, err := tls.Dial("tcp", server.Listener.Addr().String(), &tls.Config{ServerName: "a.test", RootCAs: root,
				MinVersion: k.min, MaxVersion: k.max, CipherSuites: k.suites, NextProtos: []string{"h2"}})
			if (err == nil) != k.good {
				t.Fatalf("handshake: got %v, want success %v", err, k.good)
			}
			if err == nil {
				if got := conn.ConnectionState().NegotiatedProtocol; got != "h2" {
					t.Errorf("protocol %q, want h2", got)
				}
				conn.Close()
			}
		})
	}
}

func TestPlain_12_2_1(t *testing.T) {
	cert, key, _ := pair(t, t.TempDir(), "a.test")
	c, err := New(Options{CertFile: cert, KeyFile: key}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, k := range []struct {
		name, method, target, host string
		header                     []string
		port                       int
		want                       string // Location; empty: refused
	}{
		{"a page", "GET", "/a%2Fb?c=d&e", "a.test", []string{"Accept", "text/html,*/*;q=0.8"}, 443, "https://a.test/a%2Fb?c=d&e"},
		{"a page at a port", "GET", "/", "a.test:8080", nil, 8443, "https://a.test:8443/"},
		{"HEAD", "HEAD", "/", "A.test", nil, 443, "https://A.test/"},
		{"two slashes", "GET", "//evil.test/x", "a.test", nil, 443, "https://a.test//evil.test/x"},
		{"a form", "POST", "/", "a.test", []string{"Accept", "text/html"}, 443, ""},
		{"a script", "GET", "/", "a.test", []string{"Accept", "application/json"}, 443, ""},
		{"with credentials", "GET", "/", "a.test", []string{"Authorization", "Basic x"}, 443, ""},
		{"a WebSocket", "GET", "/", "a.test", []string{"Upgrade", "websocket"}, 443, ""},
		{"a foreign host", "GET", "/", "evil.test", nil, 443, ""},
		{"an address", "GET", "/", "[::1]:80", nil, 443, ""},
		{"no host", "GET", "/", "", nil, 443, ""},
		{"a challenge nobody waits for", "GET", "/.well-known/acme-challenge/x", "evil.test", nil, 443, ""},
	} {
		t.Run(k.name, func(t *testing.T) {
			r := httptest.NewRequest(k.method, "/", nil)
			r.URL.Path, r.URL.RawPath, r.Host = "", "", k.host
			u, err := r.URL.Parse(strings.Replace(k.target, "//evil", "/X/evil", 1))
			if err != nil {
				t.Fatal(err)
			}
			u.Path = strings.Replace(u.Path, "/X/evil", "//evil", 1)
			r.URL = u
			for i := 0; i < len(k.header); i += 2 {
				r.Header.Set(k.header[i], k.header[i+1])
			}
			w := httptest.NewRecorder()
			Plain(func() *Certificates { return c }, k.port).ServeHTTP(w, r)
			status := http.StatusPermanentRedirect
			if k.want == "" {
				status = http.StatusForbidden
			}
			if got := w.Header().Get("Location"); w.Code != status || got != k.want {
				t.Errorf("%s %s at %s: got %d to %q, want %d to %q", k.method, k.target, k.host, w.Code, got, status, k.want)
			}
		})
	}
}
