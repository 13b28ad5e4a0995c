package cmd

import (
	"context"
	"log/slog"
	"time"

	"coatcheck/auth"
	"coatcheck/auth/activity"
	"coatcheck/proxy/facts"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/cookiestore"
)

// register knows the sessions in use, by the configured limits.
func (p *parts) register() *activity.Register {
	s := p.cfg.Session
	o := activity.Options{
		Records: p.ledger, Sessions: p.sessions, Visitor: visitorOf, Entries: s.NearCacheEntries, Log: p.log, Attrs: requestAttrs,
		Limits: activity.Limits{Idle: s.IdleTimeout, Lifetime: s.MaxLifetime, PerUser: s.MaxPerUser, AuthTime: p.wantsAuthTime()},
	}
	o.Digest, o.Remember = p.digest(), p.mark()
	if p.live != nil {
		o.Ended = p.live.End
	}
	return activity.New(o)
}

// digest names a session in our own table. The keys of signed cookies change.
func (p *parts) digest() func(key string) string {
	if cookies, ok := p.store.(*cookiestore.Store); ok {
		return cookies.Digest
	}
	return sessionstore.KeyDigest
}

// mark is how long an ended session is remembered. For signed cookies it is what ends them.
func (p *parts) mark() time.Duration {
	if _, ok := p.store.(*cookiestore.Store); ok {
		return p.settings.CookieAge + time.Hour
	}
	return time.Hour
}

func (p *parts) wantsAuthTime() bool {
	for _, r := range p.cfg.Routes {
		if r.MaxAuthAge > 0 {
			return true
		}
	}
	return false
}

// visitorOf tells where the request in ctx comes from.
func visitorOf(ctx context.Context) activity.Visitor {
	f := facts.From(ctx)
	return activity.Visitor{Address: f.Client, Agent: f.Agent}
}

// sessionAuth is logins under the limits, and tells the register and live connections of sessions that begin and end here.
type sessionAuth struct {
	*auth.Service
	register *activity.Register
	log      *slog.Logger
}

// Principal implements [coatcheck/proxy.Principals].
func (a sessionAuth) Principal(ctx context.Context, session *sessionstore.Session) (auth.Principal, error) {
	key := session.Key()
	principal, err := a.Service.Principal(ctx, session)
	switch {
	case err != nil:
		return principal, err
	case key != "" && session.Empty(): // the password was changed
		a.register.Left(ctx, key)
		return principal, nil
	}
	return a.register.Check(ctx, session, principal)
}

// Login implements [coatcheck/proxy/portal.Auth].
func (a sessionAuth) Login(ctx context.Context, session *sessionstore.Session, attempt auth.Attempt) (auth.Principal, error) {
	former := session.Key()
	principal, err := a.Service.Login(ctx, session, attempt)
	return a.began(ctx, session, principal, former, err)
}

// Confirm implements [coatcheck/proxy/portal.Auth].
func (a sessionAuth) Confirm(ctx context.Context, session *sessionstore.Session, c auth.Confirmation) (auth.Principal, error) {
	former := session.Key()
	principal, err := a.Service.Confirm(ctx, session, c)
	return a.began(ctx, session, principal, former, err)
}

func (a sessionAuth) began(ctx context.Context, session *sessionstore.Session, principal auth.Principal, former string, err error) (auth.Principal, error) {
	if err == nil {
		return a.register.Began(ctx, principal, former)
	}
	if former != session.Key() { // another user's was flushed
		a.register.Left(ctx, former)
	}
	return principal, err
}

// ChangePassword implements [coatcheck/proxy/portal.Auth].
func (a sessionAuth) ChangePassword(ctx context.Context, session *sessionstore.Session, c auth.PasswordChange) error {
	former := session.Key()
	if err := a.Service.ChangePassword(ctx, session, c); err != nil {
		return err
	}
	id, _ := auth.UserID(session)
	if err := a.register.Moved(ctx, former, session, id); err != nil { // the password is changed whatever the list says
		a.log.LogAttrs(ctx, slog.LevelWarn, "a session is not in the list under its new key yet", slog.Any("err", err))
	}
	return nil
}

// Logout implements [coatcheck/proxy/portal.Auth].
func (a sessionAuth) Logout(ctx context.Context, session *sessionstore.Session) error {
	key := session.Key()
	err := a.Service.Logout(ctx, session)
	if err == nil {
		a.register.Left(ctx, key)
	}
	return err
}
