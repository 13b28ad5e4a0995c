package doctor_test

import (
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"
	"time"

	"coatcheck/internal/config"
	"coatcheck/internal/doctor"
)

type transport struct {
	http.RoundTripper
	target *url.URL
}

func (t transport) Target() *url.URL { return t.target }

func reach(address string, _ config.Route) (doctor.Upstream, error) {
	u, err := url.Parse(address)
	return transport{&http.Transport{DisableKeepAlives: true}, u}, err
}

type nothing struct{}

func (nothing) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	w.WriteHeader(http.StatusNoContent)
	return w.Result(), nil
}

// silent reaches an upstream about which there is nothing to say.
func silent(address string, _ config.Route) (doctor.Upstream, error) {
	u, err := url.Parse(address)
	return transport{nothing{}, u}, err
}

func TestUpstreams(t *testing.T) {
	for _, c := range []struct {
		name   string
		answer http.HandlerFunc
		want   []string
	}{
		{"well", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) }, nil},
		{"fails", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, []string{"warning upstream: answers 500"}},
		{"its own login", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/accounts/login/?next=/", http.StatusFound)
		}, []string{"warning identity: its own login, /accounts/login/"}},
		{"elsewhere", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/authors/", http.StatusFound) }, nil},
		{"a coatcheck", func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/.auth/login?next=/", http.StatusSeeOther)
		}, []string{"problem upstream: in circles"}},
		{"Basic", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("WWW-Authenticate", `Basic realm="x"`)
			w.WriteHeader(401)
		}, []string{"warning identity: of its own (Basic)"}},
		{"our cookie", func(w http.ResponseWriter, _ *http.Request) {
			http.SetCookie(w, &http.Cookie{Name: "sessionid", Value: "x"})
		}, []string{"warning session.cookie_name: sets a cookie sessionid"}},
		{"another host", func(w http.ResponseWriter, r *http.Request) {
			if r.Host == "app.example.com" {
				w.WriteHeader(400)
			}
		}, []string{"warning upstream: answers 400 to the host app.example.com"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := httptest.NewServer(c.answer)
			defer s.Close()
			p := admit(t, "public_url: http://app.example.com\nupstream: "+s.URL)
			p.Reach = reach
			expect(t, p, "upstream", c.want...)
		})
	}
	t.Run("nobody there", func(t *testing.T) {
		p := admit(t, "routes: [{path: /a, upstream: 'http://127.0.0.1:1'}]")
		p.Reach = reach
		expect(t, p, "upstream", "problem routes[0].upstream: does not answer")
	})
}

func TestURL(t *testing.T) {
	page := func(location string) http.HandlerFunc {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/.auth/login" {
				w.Header().Set("Location", location)
				w.WriteHeader(http.StatusSeeOther)
			}
		}
	}
	ask := func(s *httptest.Server) *doctor.Patient {
		p := admit(t, "")
		p.URL = s.URL
		return p
	}
	t.Run("well", func(t *testing.T) {
		s := httptest.NewServer(page("/.auth/login?next=/"))
		defer s.Close()
		expect(t, ask(s), "url")
	})
	t.Run("clock", func(t *testing.T) {
		s := httptest.NewServer(page("/.auth/login?next=/"))
		defer s.Close()
		p := ask(s)
		p.Now = func() time.Time { return time.Now().Add(10 * time.Minute) }
		expect(t, p, "url", "problem : 10m0s apart")
	})
	t.Run("another host", func(t *testing.T) {
		s := httptest.NewServer(page("http://inner.example/.auth/login"))
		defer s.Close()
		expect(t, ask(s), "url", "problem public_url: sends to the host inner.example")
	})
	t.Run("not ours", func(t *testing.T) {
		s := httptest.NewServer(http.NotFoundHandler())
		defer s.Close()
		expect(t, ask(s), "url", "problem auth_prefix: answered 404")
	})
	t.Run("nobody", func(t *testing.T) {
		s := httptest.NewServer(nil)
		s.Close()
		expect(t, ask(s), "url", "problem listen: does not answer")
	})
	t.Run("certificate of nobody's", func(t *testing.T) {
		s := httptest.NewTLSServer(page("/"))
		defer s.Close()
		s.Config.ErrorLog = nil
		expect(t, ask(s), "url", "problem tls: nobody that this machine trusts")
	})
	t.Run("Secure by http", func(t *testing.T) {
		s := httptest.NewServer(page("/.auth/login?next=/"))
		defer s.Close()
		p := ask(s)
		p.Config.Session.CookieSecure = "true"
		expect(t, p, "url", "problem session.cookie_secure: asked by http")
	})
}

// httptest's certificate names example.com and 127.0.0.1, and is good until 2084.
func TestCertificate(t *testing.T) {
	s := httptest.NewTLSServer(nil)
	defer s.Close()
	cert, key := writePair(t, s.TLS.Certificates[0])
	p := admit(t, "public_url: https://example.com\ntls: {cert_file: "+cert+", key_file: "+key+"}")
	expect(t, p, "certificate")
	p.Config.PublicURL = "https://app.example.org"
	expect(t, p, "certificate", "problem tls.cert_file: not for app.example.org")
	p.Config.PublicURL = "https://example.com"
	end := s.Certificate().NotAfter
	p.Now = func() time.Time { return end.Add(-3 * 24 * time.Hour) }
	expect(t, p, "certificate", "warning tls.cert_file: ends in 3 days")
	p.Now = func() time.Time { return end.Add(time.Second) }
	expect(t, p, "certificate", "problem tls.cert_file: has ended")
	if err := os.WriteFile(cert, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	expect(t, p, "certificate", "problem tls.cert_file: cannot be read")
}

func writePair(t *testing.T, pair tls.Certificate) (cert, key string) {
	t.Helper()
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for path, block := range map[string]*pem.Block{cert: {Type: "CERTIFICATE", Bytes: pair.Certificate[0]}, key: privateBlock(t, pair)} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return cert, key
}

func privateBlock(t *testing.T, pair tls.Certificate) *pem.Block {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(pair.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	return &pem.Block{Type: "PRIVATE KEY", Bytes: der}
}
