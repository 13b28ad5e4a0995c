package cmd

import (
	"context"
	"errors"
	"net/netip"

	"coatcheck/auth"
	"coatcheck/internal/audit"
	"coatcheck/proxy"
	"coatcheck/proxy/portal"
	"coatcheck/sessionstore"
)

// auditSink opens the sink that the parts' configuration names; nil: none. The parts close it.
func (s *server) auditSink(p *parts) (*audit.Sink, error) {
	o := audit.Options{Dropped: s.metrics.AuditDropped, Fault: func(err error) {
		if err != nil {
			p.log.Error("the audit log cannot be written; it is tried again until it can", "err", err)
			return
		}
		p.log.Info("the audit log can be written again")
	}}
	var sink *audit.Sink
	switch file := p.cfg.Log.Audit; file {
	case "":
		return nil, nil
	case "stderr":
		sink = audit.NewSink(s.env.Stderr, o)
	default:
		var err error
		if sink, err = audit.Open(file, o); err != nil {
			return nil, err
		}
	}
	p.closers = append(p.closers, sink.Close)
	return sink, nil
}

// auditedAuth lets nobody in, and nobody out, while the audit log has to be kept and cannot be (F32). Its errors are faults: 503.
type auditedAuth struct {
	portal.Auth
	log *audit.Log
}

// Principal implements [coatcheck/proxy.Principals].
func (a auditedAuth) Principal(ctx context.Context, session *sessionstore.Session) (auth.Principal, error) {
	if err := a.log.Ready(); err != nil {
		return auth.Principal{}, err
	}
	return a.Auth.Principal(ctx, session)
}

// Login implements [portal.Auth]. What it answers is in the audit log.
func (a auditedAuth) Login(ctx context.Context, session *sessionstore.Session, attempt auth.Attempt) (auth.Principal, error) {
	return a.entered(ctx, session, func() (auth.Principal, error) { return a.Auth.Login(ctx, session, attempt) })
}

// Confirm implements [portal.Auth]. What it answers is in the audit log.
func (a auditedAuth) Confirm(ctx context.Context, session *sessionstore.Session, c auth.Confirmation) (auth.Principal, error) {
	return a.entered(ctx, session, func() (auth.Principal, error) { return a.Auth.Confirm(ctx, session, c) })
}

// entered takes a login back that was not written down.
func (a auditedAuth) entered(ctx context.Context, session *sessionstore.Session, enter func() (auth.Principal, error)) (auth.Principal, error) {
	if err := a.log.Ready(); err != nil {
		return auth.Principal{}, err
	}
	principal, err := enter()
	unkept := a.log.Confirm(ctx)
	switch {
	case unkept == nil:
		return principal, err
	case err == nil:
		unkept = errors.Join(unkept, a.Auth.Logout(context.WithoutCancel(ctx), session))
	}
	return auth.Principal{}, unkept
}

// Logout implements [portal.Auth]. It is not begun while it could not be written down.
func (a auditedAuth) Logout(ctx context.Context, session *sessionstore.Session) error {
	if err := a.log.Ready(); err != nil {
		return err
	}
	return kept(ctx, a.log, a.Auth.Logout(ctx, session))
}

// ChangePassword implements [portal.Auth]. It is not begun while it could not be written down.
func (a auditedAuth) ChangePassword(ctx context.Context, session *sessionstore.Session, c auth.PasswordChange) error {
	if err := a.log.Ready(); err != nil {
		return err
	}
	return kept(ctx, a.log, a.Auth.ChangePassword(ctx, session, c))
}

// auditedLogins is auditedAuth for scripts.
type auditedLogins struct {
	proxy.Logins
	log *audit.Log
}

// Verify implements [proxy.Logins].
func (a auditedLogins) Verify(ctx context.Context, login, password string, client netip.Addr) (auth.Principal, error) {
	if err := a.log.Ready(); err != nil {
		return auth.Principal{}, err
	}
	principal, err := a.Logins.Verify(ctx, login, password, client)
	if err = kept(ctx, a.log, err); err != nil {
		return auth.Principal{}, err
	}
	return principal, nil
}

// kept is err, unless what happened is not in the audit log.
func kept(ctx context.Context, log *audit.Log, err error) error {
	if unkept := log.Confirm(ctx); unkept != nil {
		return unkept
	}
	return err
}
