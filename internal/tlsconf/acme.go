package tlsconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/caddyserver/certmagic"
	"go.uber.org/zap"
)

// alpnChallenge is the protocol by which an authority asks within TLS (RFC 8737).
const alpnChallenge = "acme-tls/1"

// managed are certificates that we get and renew ourselves. One that could not be renewed is shown as long as there is no other.
type managed struct {
	domains []string
	magic   *certmagic.Config
	issuer  *certmagic.ACMEIssuer
	cache   *certmagic.Cache
	stop    context.CancelFunc
	work    sync.WaitGroup
	closed  sync.Once
}

func manage(o Options, log *slog.Logger) (*managed, error) {
	roots, err := readRoots(o.CARoot)
	if err != nil {
		return nil, err
	}
	m := &managed{domains: o.Domains}
	logger := zap.New(bridge{log})
	m.cache = certmagic.NewCache(certmagic.CacheOptions{
		GetConfigForCert: func(certmagic.Certificate) (*certmagic.Config, error) { return m.magic, nil },
		Logger:           logger,
	})
	m.magic = certmagic.New(m.cache, certmagic.Config{
		Storage: &certmagic.FileStorage{Path: o.Dir}, RenewalWindowRatio: o.renewalWindow, DisableARI: o.renewalWindow != 0, Logger: logger,
	})
	m.issuer = certmagic.NewACMEIssuer(m.magic, certmagic.ACMEIssuer{
		CA: o.CA, Email: o.Email, Agreed: true, TrustedRoots: roots, Logger: logger,
		// A private authority has no staging twin to try first.
		TestCA:               testAuthority(o.CA),
		ListenHost:           o.Host,
		AltTLSALPNPort:       o.TLSPort,
		AltHTTPPort:          o.HTTPPort,
		DisableHTTPChallenge: o.HTTPPort == 0,
	})
	m.magic.Issuers = []certmagic.Issuer{m.issuer}
	return m, m.begin(log)
}

// loadTime bounds how long the start waits for the certificates that are there; an authority that is asked for a staple may be slow.
const loadTime = 3 * time.Second

// begin loads the certificates that are there, so that the first handshakes have them, and begins to get and renew the others.
func (m *managed) begin(log *slog.Logger) error {
	ctx, stop := context.WithCancel(context.Background())
	m.stop = stop
	soon, done := context.WithTimeout(ctx, loadTime)
	defer done()
	for _, name := range m.domains {
		if _, err := m.magic.CacheManagedCertificate(soon, name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			log.Warn("load certificate", "name", name, "err", err)
		}
	}
	if err := m.magic.ManageAsync(ctx, m.domains); err != nil {
		m.close()
		return fmt.Errorf("tls.domains: %w", err)
	}
	m.work.Go(func() {
		if err := m.cache.RenewManagedCertificates(ctx); err != nil {
			log.Warn("renew certificates", "err", err)
		}
	})
	return nil
}

func testAuthority(ca string) string {
	if ca == "" {
		return certmagic.LetsEncryptStagingCA
	}
	return ""
}

func readRoots(file string) (*x509.CertPool, error) {
	if file == "" {
		return nil, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, fmt.Errorf("tls.ca_root: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, errors.New("tls.ca_root: holds no certificate in PEM")
	}
	return pool, nil
}

func (m *managed) certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	return m.magic.GetCertificate(hello)
}

func (m *managed) expiries() []Expiry {
	var list []Expiry
	for _, name := range m.domains {
		for _, c := range m.cache.AllMatchingCertificates(name) {
			if c.Leaf != nil {
				list = append(list, Expiry{name, c.Leaf.NotAfter})
				break
			}
		}
	}
	return list
}

func (m *managed) covers(host string) bool {
	return slices.ContainsFunc(m.domains, func(name string) bool { return strings.EqualFold(name, host) })
}

func (m *managed) protocols() []string { return []string{alpnChallenge} }

func (m *managed) close() {
	m.closed.Do(func() {
		m.stop()
		m.work.Wait()
		m.cache.Stop()
	})
}

// challenge answers the authority's question by HTTP, if that is what r is.
func (m *managed) challenge(w http.ResponseWriter, r *http.Request) bool {
	return m.issuer.HandleHTTPChallenge(w, r)
}

// Port is the port of a listener's address.
func Port(addr net.Addr) int {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}
