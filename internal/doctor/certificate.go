package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"net/url"
	"time"
)

// soon is how long before its end a certificate that somebody renews ought to have been.
const soon = 14 * 24 * time.Hour

func lookAtCertificate(_ context.Context, p *Patient, n *notes) {
	t := p.Config.TLS
	if t.CertFile == "" {
		return
	}
	pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
	if err != nil {
		n.problem("tls.cert_file", "certificate and key cannot be read: "+err.Error(), "give a PEM certificate chain in tls.cert_file and its key in tls.key_file")
		return
	}
	judgeDates(p, n, "tls.cert_file", pair.Leaf)
	names := []string{}
	if u, err := url.Parse(p.Config.PublicURL); err == nil && u.Hostname() != "" {
		names = append(names, u.Hostname())
	}
	for _, r := range p.Config.Routes {
		if r.Host != "" {
			names = append(names, r.Host)
		}
	}
	for _, name := range names {
		if err := pair.Leaf.VerifyHostname(name); err != nil {
			n.problem("tls.cert_file", "the certificate is not for "+name, "get one that names "+name)
		}
	}
	n.well("the certificate is good until %s", pair.Leaf.NotAfter.UTC().Format(time.DateOnly))
}

func judgeDates(p *Patient, n *notes, key string, leaf *x509.Certificate) {
	now := p.Now()
	switch left := leaf.NotAfter.Sub(now); {
	case now.Before(leaf.NotBefore):
		n.problem(key, "the certificate is not good before "+leaf.NotBefore.UTC().Format(time.RFC3339), "look at this machine's clock, or wait")
	case left <= 0:
		n.problem(key, "the certificate has ended on "+leaf.NotAfter.UTC().Format(time.DateOnly)+": browsers refuse it", "renew it")
	case left < soon:
		n.warning(key, fmt.Sprintf("the certificate ends in %d days", int(left.Hours()/24)), "look at what renews it")
	}
}
