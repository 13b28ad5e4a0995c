package cmd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"time"

	"coatcheck/proxy/portal"
	"coatcheck/proxy/sessionapi"
	"coatcheck/sessionstore"
)

// openTokens makes what applications use the session API with, where it is switched on.
func (p *parts) openTokens() error {
	if p.cfg.SessionAPI.Listen == "" {
		return nil
	}
	if !p.sessions.Changes() {
		return fmt.Errorf("session.engine %s cannot serve session_api: its sessions cannot be changed by several at once", p.cfg.Session.Engine)
	}
	tokens, err := sessionapi.NewTokens(p.keys, p.visits, time.Now)
	p.tokens = tokens
	return err
}

// sessionAPI serves the applications' calls.
func (p *parts) sessionAPI(service portal.Auth) http.Handler {
	return sessionapi.New(sessionapi.Options{
		Tokens: p.tokens, Sessions: p.sessions, Logout: service.Logout, Check: func(ctx context.Context, session *sessionstore.Session) error {
			_, err := service.Principal(ctx, session)
			return err
		}, Log: p.log, Now: time.Now,
		Observe: func(o sessionapi.Observation) { p.metrics.SessionAPI(o.Method, o.Status, o.Took) },
	})
}

// lend serves the session API by the configuration in force when the call came.
func (s *server) lend(w http.ResponseWriter, r *http.Request) {
	for now := s.current.Load(); now != nil && now.api != nil; now = s.current.Load() {
		if now.enter() {
			defer now.leave()
			now.api.ServeHTTP(w, r)
			return
		}
	}
	http.Error(w, "stopped", http.StatusServiceUnavailable)
}

// socketMode is for the owner and the group: whoever may connect still needs a token.
const socketMode = 0o660

// listenAPI opens the listener of the session API: a TCP address, or unix:/path.
func listenAPI(ctx context.Context, key, address string) (net.Listener, error) {
	path, isSocket := strings.CutPrefix(address, "unix:")
	if !isSocket {
		return listen(ctx, key, address, false)
	}
	if err := removeStale(ctx, path); err != nil {
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	l, err := new(net.ListenConfig).Listen(ctx, "unix", path)
	if err != nil {
		return nil, fmt.Errorf("%s: listen on %s: %w", key, address, err)
	}
	if err := os.Chmod(path, socketMode); err != nil {
		return nil, errors.Join(fmt.Errorf("%s: %w", key, err), l.Close())
	}
	return l, nil
}

// removeStale removes a socket that a process left behind. One that answers, or a file of another kind, stays.
func removeStale(ctx context.Context, path string) error {
	info, err := os.Lstat(path)
	if err != nil || info.Mode().Type() != os.ModeSocket {
		return nil // Listen says what is wrong with it
	}
	conn, err := new(net.Dialer).DialContext(ctx, "unix", path)
	if err == nil {
		_ = conn.Close()
		return fmt.Errorf("the socket %s is in use by another process; stop it, or choose another path", path)
	}
	if !errors.Is(err, syscall.ECONNREFUSED) {
		return nil
	}
	return os.Remove(path)
}
