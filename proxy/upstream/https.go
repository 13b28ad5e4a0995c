package upstream

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
)

// TLS is how an https upstream proves who it is, and how we do. There is no way to leave the proof out: certificate chain,
// name and dates are always verified, and TLS is 1.2 at least.
type TLS struct {
	// CAFile holds the certificates (PEM) of the authorities that may sign the upstream's; empty: the system's.
	CAFile string
	// CertFile and KeyFile (PEM) are our own certificate, for an upstream that asks for one. They are read by New.
	CertFile, KeyFile string
	// ServerName is the name that the upstream's certificate must have, and that it is asked for; empty: the URL's host.
	ServerName string
}

func newHTTPS(o Options, to address, dial dialer) (*http.Transport, error) {
	config, err := o.TLS.config()
	if err != nil {
		return nil, err
	}
	if config.ServerName == "" {
		config.ServerName = to.base.Hostname()
	}
	t := newHTTP(o, dial)
	t.DialTLSContext = func(ctx context.Context, _, _ string) (net.Conn, error) {
		ctx, cancel := context.WithTimeout(ctx, o.DialTimeout)
		defer cancel()
		return dial.secure(ctx, config)
	}
	return t, nil
}

// secure makes a connection and shakes hands.
func (d dialer) secure(ctx context.Context, config *tls.Config) (net.Conn, error) {
	plain, err := d(ctx)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(plain, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		plain.Close()
		return nil, &DialError{fmt.Errorf("TLS handshake: %w", err)}
	}
	return conn, nil
}

func (t TLS) config() (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12, ServerName: t.ServerName, NextProtos: []string{"http/1.1"},
		ClientSessionCache: tls.NewLRUClientSessionCache(0)}
	if t.CAFile != "" {
		pem, err := os.ReadFile(t.CAFile)
		if err != nil {
			return nil, fmt.Errorf("read authorities: %w", err)
		}
		config.RootCAs = x509.NewCertPool()
		if !config.RootCAs.AppendCertsFromPEM(pem) {
			return nil, fmt.Errorf("read authorities: %s holds no certificate in PEM form", t.CAFile)
		}
	}
	if (t.CertFile == "") != (t.KeyFile == "") {
		return nil, errors.New("a client certificate needs both its file and the file of its key")
	}
	if t.CertFile != "" {
		pair, err := tls.LoadX509KeyPair(t.CertFile, t.KeyFile)
		if err != nil {
			return nil, fmt.Errorf("read client certificate: %w", err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return config, nil
}
