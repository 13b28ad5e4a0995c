package cmd

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"strconv"
	"time"

	"coatcheck/internal/certtable"
	"coatcheck/internal/config"
	"coatcheck/internal/metrics"
	"coatcheck/internal/signing"
	"coatcheck/internal/sqlconn"
	"coatcheck/internal/tlsconf"
	"coatcheck/sessionstore/cache"
)

// certify opens the certificates that cfg names.
func (s *server) certify(cfg config.Config, keys signing.Keys, log *slog.Logger) (*tlsconf.Certificates, error) {
	if cfg.TLS.ByACME() {
		if err := makeDataDir(cfg.DataDir); err != nil {
			return nil, err
		}
	}
	t := cfg.TLS
	host, _, _ := net.SplitHostPort(cfg.Listen)
	shelf, shut, err := openShelf(cfg)
	if err != nil {
		return nil, err
	}
	rule, err := demandRule(cfg)
	if err != nil {
		return nil, errors.Join(err, shut())
	}
	o := tlsconf.Options{CertFile: t.CertFile, KeyFile: t.KeyFile, Domains: t.Domains, Email: t.Email, CA: t.CA, CARoot: t.CARoot,
		Dir: filepath.Join(cfg.DataDir, "certificates"), Host: host, TLSPort: tlsconf.Port(s.doors.public.Addr()),
		Shelf: shelf, Keys: keys, OnDemand: rule, ClientCA: t.ClientCA, ClientAuth: t.ClientAuth, Closed: shut}
	if s.doors.plain != nil {
		o.HTTPPort = tlsconf.Port(s.doors.plain.Addr())
	}
	return tlsconf.New(o, log)
}

// openShelf opens the storage that a fleet shares, by connections of its own: it outlives a configuration. Files are nil.
func openShelf(cfg config.Config) (shelf tlsconf.Shelf, shut func() error, err error) {
	switch cfg.TLS.Storage {
	case "redis":
		s, err := cache.OpenShelf(cfg.Cache.URL.Reveal(), cache.Options{KeyPrefix: cfg.Cache.KeyPrefix, CAFile: cfg.Cache.CAFile, MaxConns: shelfConns})
		if err != nil {
			return nil, nil, fmt.Errorf("tls.storage: %w", err)
		}
		return s, s.Close, nil
	case "database":
		db, err := sqlconn.Open(databaseURL(cfg), sqlconn.Options{MaxConns: shelfConns})
		if err != nil {
			return nil, nil, fmt.Errorf("%w (key database.url)", err)
		}
		return certtable.New(db), db.Close, nil
	}
	return nil, func() error { return nil }, nil
}

// shelfConns are enough for the little that is asked.
const shelfConns = 2

// demandRule is nil where every certificate is known beforehand.
func demandRule(cfg config.Config) (*tlsconf.Rule, error) {
	switch ask := cfg.TLS.OnDemand.Ask; ask {
	case "":
		return nil, nil
	case "routes":
		var hosts []string
		for _, r := range cfg.Routes {
			hosts = append(hosts, r.Host)
		}
		return tlsconf.RuleHosts(hosts), nil
	default:
		return tlsconf.RuleAsk(ask)
	}
}

// certifiers are what certificates are made of: when it is the same, they stay.
func certifiers(cfg config.Config) []any {
	all := []any{cfg.TLS}
	if cfg.TLS.Storage != "file" {
		all = append(all, cfg.Database.URL, cfg.Cache, cfg.SecretKey, cfg.SecretKeyFallbacks)
	}
	if cfg.TLS.OnDemand.Ask == "routes" {
		for _, r := range cfg.Routes {
			all = append(all, r.Host)
		}
	}
	return all
}

// recertify opens the certificates anew if what names them was changed; otherwise it returns those in use.
func (s *server) recertify(cfg, before config.Config, keys signing.Keys, log *slog.Logger) (*tlsconf.Certificates, error) {
	now := s.certificates.Load()
	if now == nil || reflect.DeepEqual(certifiers(cfg), certifiers(before)) {
		return now, nil
	}
	next, err := s.certify(cfg, keys, log)
	if err == nil {
		next.Begin()
	}
	return next, err
}

// present shows the certificates in handshakes from now on.
func (s *server) present(next *tlsconf.Certificates) {
	if old := s.certificates.Swap(next); old != nil && old != next {
		s.retiring.Go(old.Close)
	}
}

// tlsConfig follows what is presented.
func (s *server) tlsConfig() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		NextProtos: []string{"h2", "http/1.1"}, // for net/http; handshakes have those of the configuration below
		GetConfigForClient: func(hello *tls.ClientHelloInfo) (*tls.Config, error) {
			if now := s.certificates.Load(); now != nil {
				return now.For(hello), nil
			}
			return nil, http.ErrServerClosed
		},
	}
}

// plainServer is for the listener without TLS. All it serves is small.
func (s *server) plainServer(cfg config.Config) *http.Server {
	const patience = 10 * time.Second
	return &http.Server{
		Handler:           tlsconf.Plain(s.certificates.Load, publicPort(cfg, s.doors.public)),
		ReadHeaderTimeout: patience, ReadTimeout: patience, WriteTimeout: patience, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}

// publicPort is where browsers find https: behind a container's port mapping, public_url knows.
func publicPort(cfg config.Config, l net.Listener) int {
	u, err := url.Parse(cfg.PublicURL)
	if err != nil || u.Scheme != "https" {
		return tlsconf.Port(l.Addr())
	}
	if port, err := strconv.Atoi(u.Port()); err == nil {
		return port
	}
	return 443
}

// expiries are for the metrics.
func (s *server) expiries() []metrics.Certificate {
	now := s.certificates.Load()
	if now == nil {
		return nil
	}
	var list []metrics.Certificate
	for _, e := range now.Expiries() {
		list = append(list, metrics.Certificate(e))
	}
	return list
}
