package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"syscall"

	"coatcheck/internal/config"
	"coatcheck/proxy/proxyprotocol"
)

// doors are the listeners. They are opened before anything is made or printed: a taken port must not cost the first password.
type doors struct {
	public net.Listener
	admin  net.Listener // nil: none
	plain  net.Listener // nil: none; http beside https
}

func openDoors(ctx context.Context, cfg config.Config) (d doors, err error) {
	if d.public, err = listen(ctx, "listen", cfg.Listen); err != nil {
		return d, err
	}
	if cfg.AdminListen != "" {
		d.admin, err = listen(ctx, "admin_listen", cfg.AdminListen)
	}
	if plain := cfg.TLS.PlainListen(); err == nil && cfg.TLS.On() && plain != "" {
		d.plain, err = listen(ctx, "tls.http_listen", plain)
	}
	if err != nil {
		d.close()
		return d, err
	}
	d.public, d.plain = announced(cfg, d.public), announced(cfg, d.plain)
	return d, nil
}

// announced is l with the clients that load balancers announce, where they do.
func announced(cfg config.Config, l net.Listener) net.Listener {
	if !cfg.ProxyProtocol || l == nil {
		return l
	}
	return proxyprotocol.Listener(l, cfg.TrustedProxies)
}

// close closes the doors that no server has closed already.
func (d doors) close() {
	for _, l := range []net.Listener{d.public, d.admin, d.plain} {
		if l != nil {
			_ = l.Close() // of a listener: nothing can be lost
		}
	}
}

// listen opens a listener; when it cannot, the message names the key.
func listen(ctx context.Context, key, address string) (net.Listener, error) {
	l, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: the address %s is in use by another process; stop it, or set %s (or COATCHECK_%s) to a free one",
			key, address, key, strings.ToUpper(strings.ReplaceAll(key, ".", "_")))
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: the address %s needs a privilege; use a port from 1024 on, or grant CAP_NET_BIND_SERVICE", key, address)
	case err != nil:
		return nil, fmt.Errorf("%s: listen on %s: %w", key, address, err)
	}
	return l, nil
}

// address is what to type into a browser.
func address(cfg config.Config, l net.Listener) string {
	if cfg.PublicURL != "" {
		return cfg.PublicURL
	}
	_, port, _ := net.SplitHostPort(l.Addr().String())
	host, _, _ := net.SplitHostPort(cfg.Listen)
	if ip := net.ParseIP(host); host == "" || ip != nil && (ip.IsUnspecified() || ip.IsLoopback()) {
		host = "localhost"
	}
	if len(cfg.TLS.Domains) > 0 {
		host = cfg.TLS.Domains[0]
	}
	if cfg.TLS.On() {
		return "https://" + net.JoinHostPort(host, port) + "/"
	}
	return "http://" + net.JoinHostPort(host, port) + "/"
}
