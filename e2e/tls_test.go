package e2e

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"coatcheck/internal/testenv"
)

const tlsName = "app.coatcheck.test"

// secure is a browser that finds tlsName at the address and trusts the roots. It does not follow redirects.
func secure(t testing.TB, address string, roots *x509.CertPool) *http.Client {
	t.Helper()
	transport := &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{RootCAs: roots},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, address)
		}}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: 20 * time.Second,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// certificate writes one for tlsName that vouches for itself.
func certificate(t testing.TB, dir string) *x509.CertPool {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), DNSNames: []string{tlsName},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	keyDER, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, block := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: keyDER}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	roots := x509.NewCertPool()
	parsed, _ := x509.ParseCertificate(der)
	roots.AddCert(parsed)
	return roots
}

func (p *process) publicAddress() string { return strings.TrimPrefix(p.URL, "http://") }

func TestTLSByFiles_3_3_1_3_4_1_12_1_1_12_2_1(t *testing.T) {
	dir, plain := t.TempDir(), freeAddr(t)
	roots := certificate(t, dir)
	config := fmt.Sprintf("first_user: true\ntls: {cert_file: %q, key_file: %q, http_listen: %q}\n", dir+"/cert.pem", dir+"/key.pem", plain)
	p := serve(t, serveOptions{Config: config})
	browser := secure(t, p.publicAddress(), roots)
	_, port, _ := net.SplitHostPort(p.publicAddress())
	base := "https://" + tlsName + ":" + port

	t.Run("a login", func(t *testing.T) {
		form := url.Values{"username": {"admin"}, "password": {p.firstPassword()}}
		req, _ := http.NewRequest(http.MethodPost, base+"/.auth/login", strings.NewReader(form.Encode()))
		req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		res, err := browser.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != 303 || res.ProtoMajor != 2 || res.Header.Get("Strict-Transport-Security") != "max-age=31536000" {
			t.Errorf("got %s %s, HSTS %q; want 303 by HTTP/2, a year", res.Proto, res.Status, res.Header.Get("Strict-Transport-Security"))
		}
		cookies := res.Cookies()
		if len(cookies) == 0 || slices.ContainsFunc(cookies, func(c *http.Cookie) bool { return !c.Secure }) {
			t.Errorf("cookies %v, want all of them Secure", cookies)
		}
	})
	t.Run("http is sent on, for pages", func(t *testing.T) {
		client := secure(t, plain, nil)
		res, err := client.Get("http://" + tlsName + "/a?b")
		if err != nil || res.StatusCode != 308 || res.Header.Get("Location") != base+"/a?b" {
			t.Errorf("a page: got %v, %v; want 308 to %s/a?b", res, err, base)
		}
		if res, err := client.Post("http://"+tlsName+"/.auth/login", "application/x-www-form-urlencoded", strings.NewReader("username=a")); err != nil || res.StatusCode != 403 {
			t.Errorf("a form: got %v, %v; want 403", res, err)
		}
	})
	t.Run("no plain http at the TLS listener", func(t *testing.T) {
		res, err := http.Get(p.URL + "/")
		if err == nil && res.StatusCode != 400 {
			t.Errorf("got %s, want no answer but 400", res.Status)
		}
	})
	t.Run("its end is a metric", func(t *testing.T) {
		at := p.metrics()[`coatcheck_certificate_expiry_timestamp_seconds{name="`+tlsName+`"}`]
		if left := time.Until(time.Unix(int64(at), 0)); left < 50*time.Minute || left > time.Hour {
			t.Errorf("expiry metric says %v are left, want an hour", left)
		}
	})
	t.Run("a renewed pair is taken without a restart", func(t *testing.T) {
		renewed := secure(t, p.publicAddress(), certificate(t, dir))
		soon(t, "the renewed certificate is shown", func() bool {
			renewed.CloseIdleConnections()
			res, err := renewed.Get(base + "/.auth/login")
			if err == nil {
				res.Body.Close()
			}
			return err == nil
		})
	})
	t.Run("HSTS can be left out, by a reload", func(t *testing.T) {
		p.configure(strings.Replace(config, "tls: {", "tls: {hsts: 0, ", 1))
		if !p.reload() {
			t.Fatal("the reload was refused")
		}
		pool := x509.NewCertPool()
		text, _ := os.ReadFile(dir + "/cert.pem")
		pool.AppendCertsFromPEM(text)
		res, err := secure(t, p.publicAddress(), pool).Get(base + "/.auth/login")
		if err != nil || res.Header.Get("Strict-Transport-Security") != "" {
			t.Errorf("got %v, %v; want no HSTS", res, err)
		}
	})
	if code := p.stop(); code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}
}

// Four lines and an authority: the certificate is got, kept over reloads and restarts, and shown when the authority is down.
func TestACME_F31(t *testing.T) {
	public, plain := freeAddr(t), freeAddr(t)
	port := func(address string) int {
		_, text, _ := net.SplitHostPort(address)
		n, _ := strconv.Atoi(text)
		return n
	}
	ca := testenv.Pebble(t, port(plain), port(public), time.Hour)
	app := newEcho(t)
	config := fmt.Sprintf("upstream: %q\nroutes: [{path: /, access: public}]\ntls: {domains: [%s], ca: %q, ca_root: %q, http_listen: %q, email: ops@coatcheck.test}\n",
		app.URL, tlsName, ca.Directory, ca.RootFile, plain)
	options := serveOptions{Dir: t.TempDir(), Config: config, Env: []string{"COATCHECK_LISTEN=" + public}}
	browser := secure(t, public, ca.Roots)
	base := fmt.Sprintf("https://%s:%d", tlsName, port(public))
	ask := func() error {
		browser.CloseIdleConnections()
		res, err := browser.Get(base + "/")
		if err == nil && res.StatusCode != 200 {
			err = fmt.Errorf("answered %s", res.Status)
		}
		return err
	}

	p := serve(t, options)
	var err error
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if err = ask(); err == nil {
			break
		}
	}
	if err != nil {
		t.Fatalf("no certificate: %v", err)
	}
	if _, there := p.metrics()[`coatcheck_certificate_expiry_timestamp_seconds{name="`+tlsName+`"}`]; !there {
		t.Error("no metric of the certificate's end")
	}
	if !p.reload() || ask() != nil {
		t.Errorf("after a reload: %v", ask())
	}
	p.configure(strings.Replace(config, "ops@", "root@", 1))
	if !p.reload() || ask() != nil {
		t.Errorf("after a reload with other TLS settings: %v", ask())
	}
	if got := ca.Orders(); got != 1 {
		t.Errorf("orders: got %d, want 1", got)
	}
	if code := p.stop(); code != 0 {
		t.Errorf("exit code: got %d, want 0", code)
	}

	ca.Stop()
	again := serve(t, options)
	if err := ask(); err != nil {
		t.Errorf("with the authority down: %v", err)
	}
	again.cmd.Process.Signal(syscall.SIGTERM)
	<-again.done
}

// portOf is the port of an address.
func portOf(address string) int {
	_, text, _ := net.SplitHostPort(address)
	n, _ := strconv.Atoi(text)
	return n
}

// got waits until tlsName is served at the address by the authority's certificate, and returns its serial number.
func got(t *testing.T, p *process, address string, roots *x509.CertPool) string {
	t.Helper()
	var err error
	for deadline := time.Now().Add(60 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var conn *tls.Conn
		if conn, err = tls.Dial("tcp", address, &tls.Config{ServerName: tlsName, RootCAs: roots}); err == nil {
			defer conn.Close()
			return conn.ConnectionState().PeerCertificates[0].SerialNumber.String()
		}
	}
	t.Fatalf("no certificate: %v\n%s", err, p.stderr.String())
	return ""
}

// From nothing to a protected application: the four lines of the guide, with the test's addresses and authority.
func TestFourLines(t *testing.T) {
	public, plain := freeAddr(t), freeAddr(t)
	ca := testenv.Pebble(t, portOf(plain), portOf(public), time.Hour)
	app := newEcho(t)
	lines := guide(t, "certificates.md")["yaml"][0]
	if n := strings.Count(lines, "\n"); n != 4 {
		t.Fatalf("the guide has %d lines, want 4:\n%s", n, lines)
	}
	config := strings.NewReplacer("http://127.0.0.1:3000", app.URL, "app.example.com", tlsName).Replace(lines) +
		fmt.Sprintf("  ca: %q\n  ca_root: %q\n", ca.Directory, ca.RootFile)
	p := serve(t, serveOptions{Config: config, Env: []string{"COATCHECK_LISTEN=" + public, "COATCHECK_TLS_HTTP_LISTEN=" + plain}})
	got(t, p, public, ca.Roots)
	browser := secure(t, public, ca.Roots)
	req, _ := http.NewRequest(http.MethodGet, fmt.Sprintf("https://%s:%d/", tlsName, portOf(public)), nil)
	req.Header.Set("Sec-Fetch-Mode", "navigate")
	req.Header.Set("Accept", "text/html")
	res, err := browser.Do(req)
	if err != nil || res.StatusCode != 303 || !strings.Contains(res.Header.Get("Location"), "/.auth/login") {
		t.Errorf("a page: got %v, %v; want the way to the login page", res, err)
	}
}

// Two processes with one database, or one Redis, make one order, whichever of them the authority asks.
func TestFleetCertificates_F31(t *testing.T) {
	for name, storage := range map[string]func(*testing.T) string{
		"database": func(t *testing.T) string {
			return fmt.Sprintf("database: {url: %q}\ntls: {storage: database, ", testenv.Postgres(t))
		},
		"redis": func(t *testing.T) string {
			return fmt.Sprintf("cache: {url: %q}\ntls: {storage: redis, ", testenv.Redis(t).URL)
		},
	} {
		t.Run(name, func(t *testing.T) {
			public, plain := freeAddr(t), freeAddr(t)
			ca := testenv.Pebble(t, portOf(plain), portOf(public), time.Hour)
			config := fmt.Sprintf("secret_key: %s\n%sdomains: [%s], ca: %q, ca_root: %q}\n", strings.Repeat("s3cret", 10), storage(t), tlsName, ca.Directory, ca.RootFile)
			start := func(public, plain string) *process {
				return serve(t, serveOptions{Config: config, Env: []string{"COATCHECK_LISTEN=" + public, "COATCHECK_TLS_HTTP_LISTEN=" + plain}})
			}
			other := freeAddr(t)
			second := start(other, freeAddr(t)) // whom the authority never asks
			first := start(public, plain)
			a, b := got(t, first, public, ca.Roots), got(t, second, other, ca.Roots)
			if a != b {
				t.Errorf("the processes show the certificates %s and %s, want one", a, b)
			}
			ca.Stop()
			first.stop()
			if again := got(t, start(public, plain), public, ca.Roots); again != a {
				t.Errorf("after a restart: certificate %s, want %s", again, a)
			}
			if strings.Contains(first.stderr.String()+second.stderr.String(), "PRIVATE KEY") {
				t.Error("a log tells a private key")
			}
		})
	}
}

// Who has no certificate gets no handshake, and the log says why.
func TestClientCertificateMissing(t *testing.T) {
	dir := t.TempDir()
	roots := certificate(t, dir)
	p := serve(t, serveOptions{Config: fmt.Sprintf("tls: {cert_file: %[1]q, key_file: %[2]q, client_ca_file: %[1]q, client_auth: require}\n", dir+"/cert.pem", dir+"/key.pem")})
	if res, err := secure(t, p.publicAddress(), roots).Get("https://" + tlsName + "/"); err == nil {
		t.Errorf("without a certificate: got %s", res.Status)
	}
	soon(t, "the log says so", func() bool { return strings.Contains(p.stderr.String(), "tls.client_auth") })
}
