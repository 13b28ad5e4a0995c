package cmd

import (
	"crypto/tls"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"path/filepath"
	"reflect"
	"strconv"
	"time"

	"coatcheck/internal/config"
	"coatcheck/internal/metrics"
	"coatcheck/internal/tlsconf"
)

// certify opens the certificates that cfg names.
func (s *server) certify(cfg config.Config, log *slog.Logger) (*tlsconf.Certificates, error) {
	if len(cfg.TLS.Domains) > 0 {
		if err := makeDataDir(cfg.DataDir); err != nil {
			return nil, err
		}
	}
	t := cfg.TLS
	host, _, _ := net.SplitHostPort(cfg.Listen)
	o := tlsconf.Options{CertFile: t.CertFile, KeyFile: t.KeyFile, Domains: t.Domains, Email: t.Email, CA: t.CA, CARoot: t.CARoot,
		Dir: filepath.Join(cfg.DataDir, "certificates"), Host: host, TLSPort: tlsconf.Port(s.doors.public.Addr())}
	if s.doors.plain != nil {
		o.HTTPPort = tlsconf.Port(s.doors.plain.Addr())
	}
	return tlsconf.New(o, log)
}

// recertify opens the certificates anew if what names them was changed; otherwise it returns those in use.
func (s *server) recertify(cfg, before config.Config, log *slog.Logger) (*tlsconf.Certificates, error) {
	now := s.certificates.Load()
	if now == nil || reflect.DeepEqual(cfg.TLS, before.TLS) {
		return now, nil
	}
	return s.certify(cfg, log)
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
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			if now := s.certificates.Load(); now != nil {
				return now.Config(), nil
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
