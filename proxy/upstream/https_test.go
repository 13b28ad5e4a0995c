package upstream_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"coatcheck/proxy/upstream"
)

// authority signs certificates for a test and writes them to files.
type authority struct {
	t    *testing.T
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
	file string
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key, a.file, _ = a.issue(&x509.Certificate{IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign})
	return a
}

// issue makes a certificate of the template; the first one signs itself.
func (a *authority) issue(template *x509.Certificate) (*x509.Certificate, *ecdsa.PrivateKey, string, string) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, template.Subject = big.NewInt(time.Now().UnixNano()), pkix.Name{CommonName: "test"}
	template.NotBefore = time.Now().Add(-2 * time.Hour)
	if template.NotAfter.IsZero() {
		template.NotAfter = time.Now().Add(time.Hour)
	}
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	folder := a.t.TempDir()
	write := func(name, kind string, der []byte) string {
		file := filepath.Join(folder, name)
		if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
			a.t.Fatal(err)
		}
		return file
	}
	return cert, key, write("cert.pem", "CERTIFICATE", der), write("key.pem", "PRIVATE KEY", keyDER)
}

// serve starts a server with a certificate of the template.
func (a *authority) serve(template *x509.Certificate, config *tls.Config) *httptest.Server {
	a.t.Helper()
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	_, _, cert, key := a.issue(template)
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		a.t.Fatal(err)
	}
	s := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, r.TLS.ServerName)
	}))
	s.Config.ErrorLog = log.New(io.Discard, "", 0)
	config.Certificates = []tls.Certificate{pair}
	s.TLS = config
	s.StartTLS()
	a.t.Cleanup(s.Close)
	return s
}

// A certificate of another authority, for another name, or out of date, and an old TLS are all refused, and none of them leads
// to a request in the clear.
func TestHTTPSVerifies_12_3_1(t *testing.T) {
	ca, other := newAuthority(t), newAuthority(t)
	here := []net.IP{net.IPv4(127, 0, 0, 1)}
	named := []string{"app.internal"}
	for name, c := range map[string]struct {
		template *x509.Certificate
		config   *tls.Config
		options  upstream.TLS
		ok       bool
	}{
		"address":      {&x509.Certificate{IPAddresses: here}, &tls.Config{}, upstream.TLS{CAFile: ca.file}, true},
		"server name":  {&x509.Certificate{DNSNames: named}, &tls.Config{}, upstream.TLS{CAFile: ca.file, ServerName: "app.internal"}, true},
		"another CA":   {&x509.Certificate{IPAddresses: here}, &tls.Config{}, upstream.TLS{CAFile: other.file}, false},
		"system's CAs": {&x509.Certificate{IPAddresses: here}, &tls.Config{}, upstream.TLS{}, false},
		"another name": {&x509.Certificate{DNSNames: named}, &tls.Config{}, upstream.TLS{CAFile: ca.file}, false},
		"another name 2": {&x509.Certificate{IPAddresses: here}, &tls.Config{},
			upstream.TLS{CAFile: ca.file, ServerName: "app.internal"}, false},
		"out of date": {&x509.Certificate{IPAddresses: here, NotAfter: time.Now().Add(-time.Hour)}, &tls.Config{},
			upstream.TLS{CAFile: ca.file}, false},
		"TLS 1.1": {&x509.Certificate{IPAddresses: here}, &tls.Config{MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11},
			upstream.TLS{CAFile: ca.file}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := ca.serve(c.template, c.config)
			_, body, err := get(t, open(t, upstream.Options{URL: s.URL, TLS: c.options}))
			var dial *upstream.DialError
			if c.ok && (err != nil || body != c.options.ServerName) || !c.ok && !errors.As(err, &dial) {
				t.Errorf("%q, %v, want an answer: %v", body, err, c.ok)
			}
		})
	}
}

func TestHTTPSClientCertificate(t *testing.T) {
	ca := newAuthority(t)
	pool := x509.NewCertPool()
	pool.AddCert(ca.cert)
	s := ca.serve(&x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}},
		&tls.Config{ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: pool})
	_, _, cert, key := ca.issue(&x509.Certificate{ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth}})
	with := upstream.TLS{CAFile: ca.file, CertFile: cert, KeyFile: key}
	if _, _, err := get(t, open(t, upstream.Options{URL: s.URL, TLS: with})); err != nil {
		t.Errorf("with a certificate: %v", err)
	}
	if _, body, err := get(t, open(t, upstream.Options{URL: s.URL, TLS: upstream.TLS{CAFile: ca.file}})); err == nil {
		t.Errorf("without a certificate: %q, want an error", body)
	}
	for name, bad := range map[string]upstream.TLS{
		"no key": {CertFile: cert}, "no file": {CAFile: filepath.Join(t.TempDir(), "none")}, "no PEM": {CAFile: "https_test.go"},
		"key of another": {CertFile: ca.file, KeyFile: key},
	} {
		if _, err := upstream.New(upstream.Options{URL: s.URL, TLS: bad}); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}
