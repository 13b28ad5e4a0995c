// Package tlsconf gives the listener its certificates: from files that are read again when they change, or from a certificate
// authority by ACME. It is the only user of certmagic.
package tlsconf

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"sync"
	"time"

	"coatcheck/internal/signing"
)

// Options say where certificates come from: CertFile and KeyFile, or Domains.
type Options struct {
	CertFile, KeyFile string // PEM; the chain, and its key

	Domains []string
	Email   string // for the authority's notices; may be empty
	CA      string // directory URL; empty: Let's Encrypt
	CARoot  string // PEM file of the roots to trust when talking to CA; empty: the system's
	Dir     string // where accounts, keys and certificates are kept, unless there is a Shelf
	Shelf   Shelf  // where a fleet keeps them, sealed under Keys; nil: in Dir
	Keys    signing.Keys
	Closed  func() error // called when the Shelf is not needed any more; may be nil
	// OnDemand are the names beside Domains that get a certificate when a browser asks for them; nil: none.
	OnDemand *Rule
	// Host, TLSPort and HTTPPort are where the authority's questions arrive; no HTTPPort: only by TLS.
	Host              string
	TLSPort, HTTPPort int

	// ClientCA is a PEM file of the authorities that vouch for clients, where ClientAuth is not "off" (or empty): "request" takes clients without a
	// certificate, too, "require" does not.
	ClientCA, ClientAuth string

	renewalWindow float64 // share of a certificate's life, at its end, in which it is renewed; 0: a third
}

// Certificates are those of one listener. Safe for concurrent use.
type Certificates struct {
	source
	config  *tls.Config
	clients *clients // nil: nobody is asked for a certificate
	log     *slog.Logger
	closed  func() error
	stop    context.CancelFunc
	alarms  sync.WaitGroup
}

// source is where certificates come from.
type source interface {
	// begin starts the work in the background.
	begin()
	// certificate answers a handshake.
	certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
	// lives are the certificates in use, by name. A name without one is left out.
	lives() []life
	// covers reports whether host is one of ours.
	covers(host string) bool
	protocols() []string
	close()
}

// Expiry is the end of the certificate in use for a name.
type Expiry struct {
	Name     string
	NotAfter time.Time
}

// New opens the certificates. Those of files have to be there; those of an authority are got from [Certificates.Begin] on.
func New(o Options, log *slog.Logger) (*Certificates, error) {
	var from source
	var err error
	switch {
	case o.CertFile != "":
		from, err = openFiles(o.CertFile, o.KeyFile, log)
	case len(o.Domains) > 0 || o.OnDemand != nil:
		from, err = manage(o, log)
	default:
		err = errors.New("tls: neither files nor domains")
	}
	if err != nil {
		return nil, errors.Join(err, o.closed())
	}
	c := &Certificates{source: from, log: log, stop: func() {}, closed: o.closed, config: &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   forwardSecret(),
		NextProtos:     append([]string{"h2", "http/1.1"}, from.protocols()...),
		GetCertificate: from.certificate,
	}}
	if c.clients, err = openClients(o, c.config, log); err != nil {
		from.close()
		return nil, errors.Join(err, o.closed())
	}
	return c, nil
}

// Begin loads what is there, and begins to get, renew and watch certificates, until [Certificates.Close].
func (c *Certificates) Begin() {
	c.source.begin()
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.alarms.Go(func() { c.alarm(ctx) })
}

// forwardSecret are the suites of TLS 1.2 with forward secrecy and authenticated encryption (ASVS 12.1.2); those of 1.3 all are.
func forwardSecret() []uint16 {
	return []uint16{
		tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
		tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
		tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	}
}

// Config is for the listener. It must not be changed.
func (c *Certificates) Config() *tls.Config {
	if c.clients != nil {
		return c.clients.current.Load()
	}
	return c.config
}

// For is the configuration for one handshake: the authority that asks by TLS has no client's certificate, and gets nothing but the answer to its
// question (net/http closes connections of that protocol).
func (c *Certificates) For(hello *tls.ClientHelloInfo) *tls.Config {
	if isChallenge(hello) {
		return c.config
	}
	return c.Config()
}

// isChallenge reports whether an authority asks (RFC 8737 section 3: this protocol alone).
func isChallenge(hello *tls.ClientHelloInfo) bool {
	return len(hello.SupportedProtos) == 1 && hello.SupportedProtos[0] == alpnChallenge
}

// Expiries tells when the certificates in use end.
func (c *Certificates) Expiries() []Expiry {
	var list []Expiry
	for _, l := range c.lives() {
		list = append(list, Expiry{l.name, l.until})
	}
	return list
}

// Covers reports whether host, without port, is a name of ours.
func (c *Certificates) Covers(host string) bool { return c.covers(host) }

// Close ends the work in the background. Handshakes go on as before, with what there is.
func (c *Certificates) Close() {
	c.stop()
	c.alarms.Wait()
	if c.clients != nil {
		c.clients.close()
	}
	c.close()
	if err := c.closed(); err != nil {
		c.log.Warn("close the storage of certificates", "err", err)
	}
}

func (o Options) closed() error {
	if o.Closed == nil {
		return nil
	}
	return o.Closed()
}
