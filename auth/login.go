package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

// maxPasswordBytes is what is looked at at all (ASVS 6.2.9); longer ones are refused before any hashing, whoever asks.
const maxPasswordBytes = 4096

// Login checks the attempt and makes the session the user's. It returns [ErrInvalidCredentials], [ErrBusy], a
// *[ThrottledError], or a *[FactorRequiredError] where [Service.Confirm] has to follow; any other error is a fault. With an error
// nobody is logged in, and the session is as it was. After success the session has a new key and is saved.
//
// The order is that of contrib/auth/__init__.py login: password, upgrade, session hash, key, last_login.
func (s *Service) Login(ctx context.Context, session *sessionstore.Session, a Attempt) (Principal, error) {
	claim, err := s.claim(ctx, a)
	if err != nil {
		return Principal{}, err
	}
	user, err := s.authenticate(ctx, claim, a.Password)
	if err != nil {
		return Principal{}, err
	}
	if err := s.demand(ctx, claim, user, a.Remember); err != nil {
		return Principal{}, err
	}
	return s.welcome(ctx, session, claim, user, a.Remember, a.Browser)
}

// claim refuses what cannot be anybody's name or password before anything is counted.
func (s *Service) claim(ctx context.Context, a Attempt) (Claim, error) {
	login, ok := CanonicalLogin(a.Login)
	if !ok || a.Password == "" || len(a.Password) > maxPasswordBytes {
		s.event(ctx, slog.LevelWarn, eventLoginFailed, userAttr(a.Login), clientAttr(a.Client))
		return Claim{}, ErrInvalidCredentials
	}
	return Claim{Login: login, Client: a.Client, Browser: s.knownAs(login, a.Browser)}, nil
}

// welcome logs in a user who has shown everything that was asked for.
func (s *Service) welcome(ctx context.Context, session *sessionstore.Session, claim Claim, user User, remember Remember, browser *Browser) (Principal, error) {
	if remember == RememberOff { // somebody else's computer
		browser = nil
	}
	claim = claim.newBrowser(browser)
	if err := s.throttle.Succeeded(ctx, claim); err != nil {
		return Principal{}, fmt.Errorf("reset failed logins: %w", err)
	}
	if err := s.startSession(ctx, session, user, remember); err != nil {
		return Principal{}, fmt.Errorf("start session: %w", err)
	}
	s.recordLastLogin(ctx, user.ID)
	if s.rows != nil { // the check may have rewritten the row
		s.rows.Forget(user.ID)
	}
	s.remember(claim, browser)
	s.event(ctx, slog.LevelInfo, eventLoginOK, userAttr(user.Username), slog.String("user_id", user.ID),
		clientAttr(claim.Client), sessionAttr(session))
	return principalOf(user, session), nil
}

// authenticate checks the password under the throttle. The attempt counts as failed from before the password is looked at, so that
// any number of parallel attempts at any number of processes is counted (no check-then-write, ASVS 15.4.2). The caller tells the throttle of a success.
func (s *Service) authenticate(ctx context.Context, claim Claim, password string) (User, error) {
	if err := s.throttle.Begin(ctx, claim); err != nil {
		return User{}, s.throttled(ctx, claim, err)
	}
	user, err := s.checker.CheckPassword(ctx, claim.Login, password)
	switch {
	case errors.Is(err, ErrInvalidCredentials):
		s.event(ctx, slog.LevelWarn, eventLoginFailed, userAttr(claim.Login), clientAttr(claim.Client))
		return User{}, ErrInvalidCredentials
	case err != nil:
		return User{}, s.withdraw(ctx, claim, err)
	}
	if user.Upgraded {
		s.event(ctx, slog.LevelInfo, eventPasswordUpgraded, userAttr(user.Username), clientAttr(claim.Client))
	}
	return user, nil
}

func (s *Service) throttled(ctx context.Context, claim Claim, err error) error {
	var throttled *ThrottledError
	if !errors.As(err, &throttled) {
		return fmt.Errorf("count failed logins: %w", err)
	}
	s.event(ctx, slog.LevelWarn, eventLoginThrottled, userAttr(claim.Login), clientAttr(claim.Client),
		slog.Float64("retry_after_s", throttled.RetryAfter.Seconds()))
	return throttled
}

// withdraw takes back the failure that was counted for an attempt that could not be judged. A client that left keeps it: otherwise
// leaving early would be a way around the throttle.
func (s *Service) withdraw(ctx context.Context, claim Claim, cause error) error {
	cause = fmt.Errorf("check password: %w", cause)
	if ctx.Err() != nil {
		return cause
	}
	if err := s.throttle.Withdraw(ctx, claim); err != nil {
		return errors.Join(cause, fmt.Errorf("withdraw counted attempt: %w", err))
	}
	return cause
}

// startSession writes the login into the session: what another user left there is flushed, what an anonymous visitor or the same user
// left there is kept. Unlike Django the key is new after every login, also the same user's again (ASVS 7.2.4).
func (s *Service) startSession(ctx context.Context, session *sessionstore.Session, user User, remember Remember) error {
	if err := session.Reload(ctx); err != nil { // what it is decided by is not from memory
		return fmt.Errorf("read the session anew: %w", err)
	}
	backend := s.backend
	if id, loggedIn := userID(session); loggedIn {
		if id != user.ID || s.checkHash(session, user) == hashWrong {
			if err := session.Flush(ctx); err != nil {
				return fmt.Errorf("flush the session before: %w", err)
			}
		} else if kept, ok := session.GetString(keyBackend); ok && s.accepts(kept) {
			backend = kept
		}
	}
	if err := setAll(session, [][2]string{{keyUserID, user.ID}, {keyBackend, backend}, {keyHash, s.currentHash(user)}}); err != nil {
		return err
	}
	s.applyRemember(session, remember)
	if err := session.CycleKey(ctx); err != nil {
		return fmt.Errorf("cycle key: %w", err)
	}
	return nil
}

func setAll(session *sessionstore.Session, pairs [][2]string) error {
	for _, pair := range pairs {
		if err := session.Set(pair[0], pair[1]); err != nil {
			return fmt.Errorf("set %s: %w", pair[0], err)
		}
	}
	return nil
}

// applyRemember sets how long the browser keeps the cookie. Only integers are written, never dates: Django 3.2 fails on those
// (SPEC 5). An expiry that an application chose for the visitor's session stays.
func (s *Service) applyRemember(session *sessionstore.Session, remember Remember) {
	atClose := s.sessions.ExpireAtBrowserClose
	switch {
	case remember == RememberOn && atClose:
		session.SetExpiry(sessionstore.Inactive(s.sessions.CookieAge))
	case remember == RememberOff && !atClose:
		session.SetExpiry(sessionstore.AtBrowserClose())
	case s.ownExpiry(session):
		session.SetExpiry(sessionstore.DefaultExpiry())
	}
}

// ownExpiry reports whether the session's custom expiry is one that applyRemember wrote at an earlier login.
func (s *Service) ownExpiry(session *sessionstore.Session) bool {
	value, _ := session.Get(keyExpiry)
	number, ok := value.(pyvalue.Int)
	if !ok {
		return false
	}
	n, fits := number.Int64()
	return fits && (n == 0 || n == int64(s.sessions.CookieAge/time.Second))
}

// recordLastLogin fails softly: a table we may only read must not keep anybody out. It says so once.
func (s *Service) recordLastLogin(ctx context.Context, id string) {
	if s.recordLogin == nil {
		return
	}
	err := s.recordLogin(ctx, id, s.now())
	if err == nil || ctx.Err() != nil {
		return
	}
	s.lastLoginWarning.Do(func() {
		s.log.LogAttrs(ctx, slog.LevelWarn, "last_login is not recorded; this is said once", slog.Any("err", err))
	})
}

// Logout ends the session: the record is deleted and the key is gone, whoever it belonged to. An error is a fault, and the
// session may live on.
func (s *Service) Logout(ctx context.Context, session *sessionstore.Session) error {
	id, loggedIn := userID(session)
	who := sessionAttr(session)
	if err := session.Flush(ctx); err != nil {
		return fmt.Errorf("log out: %w", err)
	}
	if loggedIn {
		s.event(ctx, slog.LevelInfo, eventLogout, slog.String("user_id", clip(id)), who)
	}
	return nil
}
