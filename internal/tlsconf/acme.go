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
	rule    *Rule // nil: there are only the domains
	magic   *certmagic.Config
	demand  *certmagic.Config // of names that the rule allows
	issuer  *certmagic.ACMEIssuer
	cache   *certmagic.Cache
	shared  *shared // nil: the storage is files
	orders  *limit
	log     *slog.Logger
	ctx     context.Context
	stop    context.CancelFunc
	work    sync.WaitGroup
	closed  sync.Once
}

func manage(o Options, log *slog.Logger) (*managed, error) {
	roots, err := readRoots(o.CARoot)
	if err != nil {
		return nil, err
	}
	m := &managed{domains: o.Domains, rule: o.OnDemand, log: log, orders: &limit{most: mostOrders, time: ordersTime, now: time.Now}}
	m.ctx, m.stop = context.WithCancel(context.Background())
	logger := zap.New(bridge{log})
	m.cache = certmagic.NewCache(certmagic.CacheOptions{GetConfigForCert: m.configOf, Logger: logger})
	var storage certmagic.Storage = &local{certmagic.FileStorage{Path: o.Dir}}
	if o.Shelf != nil {
		m.shared = newShared(o.Shelf, o.Keys, log)
		storage = m.shared
	}
	config := certmagic.Config{Storage: storage, RenewalWindowRatio: o.renewalWindow, DisableARI: o.renewalWindow != 0, Logger: logger, OnEvent: m.event}
	m.magic, m.issuer = m.configure(config, o, roots, logger)
	if m.rule != nil {
		config.OnDemand = &certmagic.OnDemandConfig{DecisionFunc: m.decide}
		m.demand, _ = m.configure(config, o, roots, logger)
	}
	return m, nil
}

func (m *managed) configure(config certmagic.Config, o Options, roots *x509.CertPool, logger *zap.Logger) (*certmagic.Config, *certmagic.ACMEIssuer) {
	magic := certmagic.New(m.cache, config)
	issuer := certmagic.NewACMEIssuer(magic, certmagic.ACMEIssuer{
		CA: o.CA, Email: o.Email, Agreed: true, TrustedRoots: roots, Logger: logger,
		// A private authority has no staging twin to try first.
		TestCA:               testAuthority(o.CA),
		ListenHost:           o.Host,
		AltTLSALPNPort:       o.TLSPort,
		AltHTTPPort:          o.HTTPPort,
		DisableHTTPChallenge: o.HTTPPort == 0,
	})
	magic.Issuers = []certmagic.Issuer{issuer}
	return magic, issuer
}

// configOf: certificates on demand are renewed when they are asked for.
func (m *managed) configOf(c certmagic.Certificate) (*certmagic.Config, error) {
	if m.demand != nil && !slices.ContainsFunc(c.Names, m.domain) {
		return m.demand, nil
	}
	return m.magic, nil
}

// domain reports whether name is one of those that always have a certificate.
func (m *managed) domain(name string) bool {
	return slices.ContainsFunc(m.domains, func(d string) bool { return strings.EqualFold(d, name) })
}

// decide is asked before a certificate is looked for, ordered or renewed on demand. Where nobody knows, a certificate that there is stays.
func (m *managed) decide(ctx context.Context, name string) error {
	err := m.rule.allows(ctx, name)
	if err != nil && !errors.Is(err, ErrRefused) {
		m.log.Warn("certificate on demand", "name", name, "err", err)
		if len(m.cache.AllMatchingCertificates(name)) > 0 {
			return nil
		}
	}
	return err
}

// event bounds the orders. A handshake does not wait for its turn: who asks for many names would let all others wait.
func (m *managed) event(ctx context.Context, name string, data map[string]any) error {
	if name != "cert_obtaining" {
		return nil
	}
	if who, _ := data["identifier"].(string); m.domain(who) {
		return m.orders.pass(ctx)
	}
	if m.orders.wait() > 0 {
		return certmagic.ErrNoRetry{Err: errLimit}
	}
	return nil
}

// loadTime bounds how long the start waits for the certificates that are there; an authority that is asked for a staple may be slow.
const loadTime = 3 * time.Second

// begin loads the certificates that are there, so that the first handshakes have them, and begins to get and renew the others.
func (m *managed) begin() {
	soon, done := context.WithTimeout(m.ctx, loadTime)
	defer done()
	for _, name := range m.domains {
		_, err := m.magic.CacheManagedCertificate(soon, name)
		if err == nil {
			continue
		}
		if !errors.Is(err, fs.ErrNotExist) {
			m.log.Warn("load certificate; it is tried again", "name", name, "err", err)
		}
		m.work.Go(func() { m.obtain(name) })
	}
	m.work.Go(func() {
		if err := m.cache.RenewManagedCertificates(m.ctx); err != nil {
			m.log.Warn("renew certificates", "err", err)
		}
	})
}

// Waits between attempts of obtain.
const (
	firstWait   = time.Second
	longestWait = time.Minute
)

// obtain loads or orders a certificate until there is one. Certmagic repeats what the authority refuses, in ever longer times; what fails before,
// such as a storage that does not answer, is repeated here.
func (m *managed) obtain(name string) {
	for wait := firstWait; ; wait = min(2*wait, longestWait) {
		err := m.attempt(name)
		if err == nil || m.ctx.Err() != nil {
			return
		}
		m.log.Error("there is no certificate yet; it is tried again", "name", name, "again_in", wait.String(), "err", err)
		select {
		case <-m.ctx.Done():
			return
		case <-time.After(wait):
		}
	}
}

func (m *managed) attempt(name string) error {
	_, err := m.magic.CacheManagedCertificate(m.ctx, name)
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := m.magic.ObtainCertAsync(m.ctx, name); err != nil {
		return err
	}
	_, err = m.magic.CacheManagedCertificate(m.ctx, name)
	return err
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
	if m.demand != nil && !isChallenge(hello) && hello.ServerName != "" && !m.domain(hello.ServerName) {
		return m.demand.GetCertificate(hello)
	}
	return m.magic.GetCertificate(hello)
}

func (m *managed) lives() []life {
	var list []life
	for _, name := range m.domains {
		for _, c := range m.cache.AllMatchingCertificates(name) {
			if c.Leaf != nil {
				list = append(list, life{name, c.Leaf.NotBefore, c.Leaf.NotAfter})
				break
			}
		}
	}
	return list
}

// covers asks the rule, too: a page at http leads to https, where the certificate is got.
func (m *managed) covers(host string) bool {
	if m.domain(host) {
		return true
	}
	if m.rule == nil || !certmagic.SubjectQualifiesForPublicCert(host) {
		return false
	}
	return m.decide(m.ctx, host) == nil
}

func (m *managed) protocols() []string { return []string{alpnChallenge} }

func (m *managed) close() {
	m.closed.Do(func() {
		m.stop()
		m.work.Wait()
		m.cache.Stop()
		if m.shared != nil {
			m.shared.free()
		}
		if m.rule != nil {
			m.rule.close()
		}
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
