package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"

	"coatcheck/internal/config"
	"coatcheck/internal/systemd"
	"coatcheck/proxy/proxyprotocol"
)

// doors are the listeners. They are opened before anything is made or printed: a taken port must not cost the first password.
type doors struct {
	public net.Listener
	admin  net.Listener // nil: none
	plain  net.Listener // nil: none; http beside https
	api    net.Listener // nil: none; the session API
}

// openDoors takes over what systemd has opened, and opens the rest.
func openDoors(ctx context.Context, cfg config.Config, environ []string) (d doors, err error) {
	if d, err = handedDoors(environ); err != nil {
		return d, err
	}
	open := func(door *net.Listener, key, address string) {
		if err == nil && *door == nil && address != "" {
			var l net.Listener
			if l, err = listen(ctx, key, address, cfg.ReusePort); err == nil {
				*door = l
			}
		}
	}
	open(&d.public, "listen", cfg.Listen)
	open(&d.admin, "admin_listen", cfg.AdminListen)
	if cfg.TLS.On() {
		open(&d.plain, "tls.http_listen", cfg.TLS.PlainListen())
	}
	if err == nil && d.api == nil && cfg.SessionAPI.Listen != "" {
		d.api, err = listenAPI(ctx, "session_api.listen", cfg.SessionAPI.Listen)
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

// handedDoors are the sockets of systemd whose names are those of keys; one with any other name is the public one.
func handedDoors(environ []string) (d doors, err error) {
	sockets, err := systemd.Sockets(environ, os.Getpid())
	for name, l := range sockets {
		door := &d.public
		switch name {
		case "admin_listen":
			door = &d.admin
		case "http_listen":
			door = &d.plain
		case "session_api_listen":
			door = &d.api
		}
		if *door != nil {
			err = errors.Join(err, fmt.Errorf("systemd passes the socket %s, which has no use; name one listen, one admin_listen, one http_listen, one session_api_listen (FileDescriptorName=)", name))
		}
		*door = l
	}
	return d, err
}

// close closes the doors that no server has closed already.
func (d doors) close() {
	for _, l := range []net.Listener{d.public, d.admin, d.plain, d.api} {
		if l != nil {
			_ = l.Close() // of a listener: nothing can be lost
		}
	}
}

// listen opens a listener; when it cannot, the message names the key.
func listen(ctx context.Context, key, address string, shared bool) (net.Listener, error) {
	var c net.ListenConfig
	if shared {
		c.Control = sharePort
	}
	l, err := c.Listen(ctx, "tcp", address)
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
