package cmd

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"coatcheck/internal/config"
	"coatcheck/internal/systemd"
	"coatcheck/internal/tlsconf"
)

// reloadTime bounds how long a new configuration may take to be ready, so that the process goes on listening to its signals.
const reloadTime = 30 * time.Second

// reload puts the configuration in force that the files now hold, as a whole, or leaves everything as it is and says why.
func (s *server) reload(ctx context.Context, why string) {
	ctx, cancel := context.WithTimeout(ctx, reloadTime)
	defer cancel()
	s.tell(systemd.Reloading)
	defer s.tell(systemd.Ready)
	next, certificates, err := s.next(ctx)
	if err == nil {
		s.install(next)
		s.present(certificates)
		s.log.Info("the configuration was loaded anew", "because", why)
		return
	}
	s.metrics.Loaded(time.Now(), err)
	var problems config.Problems
	if errors.As(err, &problems) {
		for _, p := range problems {
			s.log.Error("configuration: " + p.String())
		}
		err = fmt.Errorf("it has %d mistakes", len(problems))
	}
	s.log.Error("the configuration was not loaded; the one before stays in force", "because", why, "err", err)
}

// next is what the files now describe, ready to be put in force.
func (s *server) next(ctx context.Context) (*running, *tlsconf.Certificates, error) {
	cfg, err := config.Load(s.env.options(s.flags))
	s.watched(cfg)
	if err != nil {
		return nil, nil, err
	}
	for _, w := range cfg.Warnings {
		s.log.Warn("configuration: " + w.String())
	}
	before := s.current.Load().cfg
	s.keep(&cfg, before)
	next, err := s.build(cfg)
	if err != nil {
		return nil, nil, err
	}
	var certificates *tlsconf.Certificates
	if err = s.usable(ctx, next, before); err == nil {
		certificates, err = s.recertify(cfg, before, next.parts.keys, next.parts.log)
	}
	if err != nil {
		return nil, nil, errors.Join(err, next.parts.close())
	}
	return next, certificates, nil
}

// keep leaves as they are the keys that a running process cannot change.
func (s *server) keep(cfg *config.Config, before config.Config) {
	for _, fixed := range []struct {
		key      string
		now, was *string
	}{
		{"listen", &cfg.Listen, &before.Listen},
		{"admin_listen", &cfg.AdminListen, &before.AdminListen},
		{"data_dir", &cfg.DataDir, &before.DataDir},
		{"fast_lane", &cfg.FastLane, &before.FastLane},
		{"session_api.listen", &cfg.SessionAPI.Listen, &before.SessionAPI.Listen},
	} {
		if *fixed.now != *fixed.was {
			s.log.Warn("configuration: this key changes with the next start only", "key", fixed.key, "in_force", *fixed.was)
			*fixed.now = *fixed.was
		}
	}
	if cfg.ProxyProtocol != before.ProxyProtocol || cfg.ProxyProtocol && !slices.Equal(cfg.TrustedProxies, before.TrustedProxies) {
		s.log.Warn("configuration: this key changes with the next start only, and so does who is trusted with it", "key", "proxy_protocol")
		cfg.ProxyProtocol = before.ProxyProtocol
	}
	if cfg.ReusePort != before.ReusePort {
		s.log.Warn("configuration: this key changes with the next start only", "key", "reuse_port")
		cfg.ReusePort = before.ReusePort
	}
	if cfg.TLS.On() != before.TLS.On() || cfg.TLS.PlainListen() != before.TLS.PlainListen() {
		s.log.Warn("configuration: this key changes with the next start only", "key", "tls")
		cfg.TLS = before.TLS
	}
}

// usable asks the databases of next. The one that is in use already may be down: the rest of the configuration does not wait for it.
func (s *server) usable(ctx context.Context, next *running, before config.Config) error {
	same := next.cfg.Database.URL == before.Database.URL && next.cfg.Users.URL == before.Users.URL
	if same {
		return next.prepare(ctx, next.parts.prepare)
	}
	return next.parts.prepare(ctx)
}

// watched notes the files whose change calls for a reload.
func (s *server) watched(cfg config.Config) {
	files := cfg.Files
	if s.env.configPath != "" {
		files = append([]string{s.env.configPath}, files...)
	}
	s.files.Store(&files)
}
