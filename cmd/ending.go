package cmd

import (
	"context"

	"coatcheck/auth"
	"coatcheck/proxy"
	"coatcheck/sessionstore"
)

// endingAuth ends the live connections of the sessions that end here: by a logout, or by a login that takes a new key.
type endingAuth struct {
	*auth.Service
	live *proxy.Live
}

// Login implements [coatcheck/proxy/portal.Auth].
func (e endingAuth) Login(ctx context.Context, session *sessionstore.Session, attempt auth.Attempt) (auth.Principal, error) {
	former := session.Key()
	principal, err := e.Service.Login(ctx, session, attempt)
	if former != "" && former != session.Key() {
		e.live.End(former)
	}
	return principal, err
}

// Logout implements [coatcheck/proxy/portal.Auth].
func (e endingAuth) Logout(ctx context.Context, session *sessionstore.Session) error {
	key := session.Key()
	err := e.Service.Logout(ctx, session)
	if err == nil {
		e.live.End(key)
	}
	return err
}
