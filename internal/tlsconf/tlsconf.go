// Package tlsconf gives the listener its certificates: from files that are read again when they change, or from a certificate
// authority by ACME. It is the only user of certmagic.
package tlsconf

import (
	"crypto/tls"
	"errors"
	"log/slog"
	"time"
)

// Options say where certificates come from: CertFile and KeyFile, or Domains.
type Options struct {
	CertFile, KeyFile string // PEM; the chain, and its key

	Domains []string
	Email   string // for the authority's notices; may be empty
	CA      string // directory URL; empty: Let's Encrypt
	CARoot  string // PEM file of the roots to trust when talking to CA; empty: the system's
	Dir     string // where accounts, keys and certificates are kept
	// Host, TLSPort and HTTPPort are where the authority's questions arrive; no HTTPPort: only by TLS.
	Host              string
	TLSPort, HTTPPort int

	renewalWindow float64 // share of a certificate's life, at its end, in which it is renewed; 0: a third
}

// Certificates are those of one listener. Safe for concurrent use.
type Certificates struct {
	source
	config *tls.Config
}

// source is where certificates come from.
type source interface {
	// certificate answers a handshake.
	certificate(hello *tls.ClientHelloInfo) (*tls.Certificate, error)
	// expiries are when the certificates in use end, by name. A name without certificate is left out.
	expiries() []Expiry
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

// New opens the certificates. Those of files have to be there; those of an authority are got in the background, until [Certificates.Close].
func New(o Options, log *slog.Logger) (*Certificates, error) {
	var from source
	var err error
	switch {
	case o.CertFile != "":
		from, err = openFiles(o.CertFile, o.KeyFile, log)
	case len(o.Domains) > 0:
		from, err = manage(o, log)
	default:
		err = errors.New("tls: neither files nor domains")
	}
	if err != nil {
		return nil, err
	}
	return &Certificates{source: from, config: &tls.Config{
		MinVersion:     tls.VersionTLS12,
		CipherSuites:   forwardSecret(),
		NextProtos:     append([]string{"h2", "http/1.1"}, from.protocols()...),
		GetCertificate: from.certificate,
	}}, nil
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
func (c *Certificates) Config() *tls.Config { return c.config }

// Expiries tells when the certificates in use end.
func (c *Certificates) Expiries() []Expiry { return c.expiries() }

// Covers reports whether host, without port, is a name of ours.
func (c *Certificates) Covers(host string) bool { return c.covers(host) }

// Close ends the work in the background. Handshakes go on with what is there.
func (c *Certificates) Close() { c.close() }
