package tlsconf

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"coatcheck/internal/testenv"
)

// stand is two listeners that an authority can ask.
type stand struct {
	t          testing.TB
	ca         *testenv.Authority
	plain, tls net.Listener
	dir        string
	domain     string // of its own: certmagic remembers failures by name
	log        lockedBuffer
}

type lockedBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func listen(t testing.TB) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

func newStand(t testing.TB) *stand {
	t.Helper()
	s := &stand{t: t, plain: listen(t), tls: listen(t), dir: t.TempDir(), domain: strings.ToLower(strings.NewReplacer("/", "-", "_", "-").Replace(t.Name())) + ".coatcheck.test"}
	s.ca = testenv.Pebble(t, Port(s.plain.Addr()), Port(s.tls.Addr()), time.Hour)
	return s
}

func (s *stand) options() Options {
	return Options{Domains: []string{s.domain}, CA: s.ca.Directory, CARoot: s.ca.RootFile, Dir: s.dir,
		Host: "127.0.0.1", TLSPort: Port(s.tls.Addr()), HTTPPort: Port(s.plain.Addr())}
}

func (s *stand) open(o Options) *Certificates {
	s.t.Helper()
	c, err := New(o, slog.New(slog.NewTextHandler(&s.log, &slog.HandlerOptions{Level: slog.LevelDebug})))
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(c.Close)
	c.Begin()
	return c
}

// serve answers at both listeners.
func (s *stand) serve(c *Certificates, config *tls.Config) {
	hello := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte(r.Proto)) })
	quiet := slog.NewLogLogger(slog.DiscardHandler, slog.LevelDebug)
	secure := &http.Server{Handler: hello, TLSConfig: config, ErrorLog: quiet}
	plain := &http.Server{Handler: Plain(func() *Certificates { return c }, Port(s.tls.Addr()))}
	go func() { _ = secure.ServeTLS(s.tls, "", "") }()
	go func() { _ = plain.Serve(s.plain) }()
	s.t.Cleanup(func() { secure.Close(); plain.Close() })
}

// leaf is the certificate that a browser gets, which has to be the authority's.
func (s *stand) leaf() (*x509.Certificate, error) {
	conn, err := tls.Dial("tcp", s.tls.Addr().String(), &tls.Config{ServerName: s.domain, RootCAs: s.ca.Roots})
	if err != nil {
		return nil, err
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0], nil
}

// said waits for a line of the log.
func (s *stand) said(text string) {
	s.t.Helper()
	for deadline := time.Now().Add(20 * time.Second); !strings.Contains(s.log.String(), text); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			s.t.Fatalf("the log lacks %q\n%s", text, s.log.String())
		}
	}
}

// await waits for a certificate that is not the one with the serial number.
func (s *stand) await(other string) *x509.Certificate {
	s.t.Helper()
	var err error
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		var leaf *x509.Certificate
		if leaf, err = s.leaf(); err == nil && leaf.SerialNumber.String() != other {
			return leaf
		}
	}
	s.t.Fatalf("no certificate: %v\n%s", err, s.log.String())
	return nil
}

func TestIssue(t *testing.T) {
	withoutALPN := func(c *tls.Config) { c.NextProtos = []string{"h2", "http/1.1"} }
	for _, c := range []struct {
		name   string
		change func(*Options)
		config func(*tls.Config)
	}{
		{"TLS-ALPN-01", func(o *Options) { o.HTTPPort = 0 }, func(*tls.Config) {}},
		{"HTTP-01", func(*Options) {}, withoutALPN},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStand(t)
			o := s.options()
			c.change(&o)
			certificates := s.open(o)
			config := certificates.Config().Clone()
			c.config(config)
			s.serve(certificates, config)
			leaf := s.await("")
			if got := certificates.Expiries(); len(got) != 1 || got[0].Name != s.domain || !got[0].NotAfter.Equal(leaf.NotAfter) {
				t.Errorf("expiries: got %v, want %s until %v", got, s.domain, leaf.NotAfter)
			}
			if !certificates.Covers(strings.ToUpper(s.domain)) || certificates.Covers("other.test") {
				t.Error("covers: want the domain alone, in any case")
			}
			client := &http.Client{Transport: &http.Transport{ForceAttemptHTTP2: true, TLSClientConfig: &tls.Config{ServerName: s.domain, RootCAs: s.ca.Roots}}}
			defer client.CloseIdleConnections()
			if res, err := client.Get("https://" + s.tls.Addr().String()); err != nil || res.ProtoMajor != 2 {
				t.Errorf("got %v, %v; want an answer over HTTP/2", res, err)
			}
			err := filepath.WalkDir(s.dir, func(path string, d fs.DirEntry, err error) error {
				if err != nil {
					return err
				}
				info, err := d.Info()
				if err == nil && info.Mode().Perm()&0o077 != 0 && strings.HasSuffix(path, ".key") {
					t.Errorf("%s has mode %#o; a key is the owner's alone", path, info.Mode().Perm())
				}
				return err
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

// switched is a TLS configuration that follows the pointer, as a reload does it.
func switched(to *atomic.Pointer[Certificates]) *tls.Config {
	return &tls.Config{GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) { return to.Load().Config(), nil }}
}

// A certificate that ends soon is renewed at the start, once.
func TestRenewal(t *testing.T) {
	s := newStand(t)
	first := s.open(s.options())
	var current atomic.Pointer[Certificates]
	current.Store(first)
	s.serve(first, switched(&current))
	serial := s.await("").SerialNumber.String()
	first.Close()
	before := s.ca.Orders()
	o := s.options()
	o.renewalWindow = 0.99999 // at once
	current.Store(s.open(o))
	s.await(serial)
	if got := s.ca.Orders() - before; got != 1 {
		t.Errorf("orders for one renewal: got %d, want 1", got)
	}
}

// While the authority is down the certificate that there is, is shown, and the authority is left in peace.
func TestAuthorityDown_F31(t *testing.T) {
	s := newStand(t)
	first := s.open(s.options())
	var current atomic.Pointer[Certificates]
	current.Store(first)
	s.serve(first, switched(&current))
	serial := s.await("").SerialNumber.String()
	first.Close()
	s.ca.Stop()
	o := s.options()
	o.renewalWindow = 0.99999 // at once
	current.Store(s.open(o))
	for _, when := range []string{"at the start", "after a renewal that failed"} {
		if leaf, err := s.leaf(); err != nil || leaf.SerialNumber.String() != serial {
			t.Errorf("%s: got %v, %v, want the certificate that there is", when, leaf, err)
		}
		s.said("HTTP request failed")
	}
}

// Processes that share a directory get one certificate between them.
func TestSharedStorage_F31(t *testing.T) {
	s := newStand(t)
	fleet := []*Certificates{s.open(s.options()), s.open(s.options()), s.open(s.options())}
	s.serve(fleet[0], fleet[0].Config())
	s.await("")
	for _, c := range fleet {
		for deadline := time.Now().Add(20 * time.Second); len(c.Expiries()) == 0; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("one process of three has no certificate\n%s", s.log.String())
			}
		}
	}
	if got := s.ca.Orders(); got != 1 {
		t.Errorf("orders for one certificate in three processes: got %d, want 1", got)
	}
}

func TestOptionsThatCannotBe(t *testing.T) {
	junk := filepath.Join(t.TempDir(), "junk")
	if err := os.WriteFile(junk, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, want string
		o          Options
	}{
		{"nothing", "neither files nor domains", Options{}},
		{"no root file", "tls.ca_root", Options{Domains: []string{"a.test"}, CARoot: junk + "none"}},
		{"a root file without certificate", "tls.ca_root", Options{Domains: []string{"a.test"}, CARoot: junk}},
		{"no certificate file", "tls.key_file", Options{CertFile: junk, KeyFile: junk + "none"}},
		{"no certificate in it", "tls.cert_file and tls.key_file", Options{CertFile: junk, KeyFile: junk}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := New(c.o, slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, %v, want an error that names %s", got, err, c.want)
			}
			if c.name == "no root file" && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("got %v, want fs.ErrNotExist within", err)
			}
		})
	}
}
