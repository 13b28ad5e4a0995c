package tlsconf

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"

	"coatcheck/internal/watch"
)

// clients is the listener's configuration that asks clients for a certificate. The authorities' file is read again when it changes.
type clients struct {
	file     string
	auth     tls.ClientAuthType
	base     *tls.Config
	log      *slog.Logger
	current  atomic.Pointer[tls.Config]
	stop     context.CancelFunc
	watching sync.WaitGroup
}

// clientAuth is the way to ask. A certificate that is shown is always verified.
func clientAuth(word string) (auth tls.ClientAuthType, known bool) {
	switch word {
	case "request":
		return tls.VerifyClientCertIfGiven, true
	case "require":
		return tls.RequireAndVerifyClientCert, true
	}
	return tls.NoClientCert, false
}

// openClients returns nil where nobody is asked.
func openClients(o Options, base *tls.Config, log *slog.Logger) (*clients, error) {
	if o.ClientAuth == "" || o.ClientAuth == "off" {
		return nil, nil
	}
	auth, known := clientAuth(o.ClientAuth)
	if !known {
		return nil, fmt.Errorf("tls.client_auth: %q is neither off, request nor require", o.ClientAuth)
	}
	c := &clients{file: o.ClientCA, auth: auth, base: base, log: log}
	file := watch.Begin(func() []string { return []string{c.file} })
	if err := c.load(); err != nil {
		return nil, err
	}
	ctx, stop := context.WithCancel(context.Background())
	c.stop = stop
	c.watching.Go(func() { file.Run(ctx, c.reload) })
	return c, nil
}

func (c *clients) load() error {
	text, err := os.ReadFile(c.file)
	if err != nil {
		return fmt.Errorf("tls.client_ca_file: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return errors.New("tls.client_ca_file: holds no certificate in PEM")
	}
	config := c.base.Clone()
	config.ClientAuth, config.ClientCAs = c.auth, pool
	// A ticket would let a client in by an authority that is not trusted any more.
	config.SessionTicketsDisabled = true
	c.current.Store(config)
	return nil
}

func (c *clients) reload() {
	if err := c.load(); err != nil {
		c.log.Error("the changed authorities of clients were not taken; those before stay in use", "err", err)
		return
	}
	c.log.Info("authorities of clients loaded anew")
}

func (c *clients) close() {
	c.stop()
	c.watching.Wait()
}
