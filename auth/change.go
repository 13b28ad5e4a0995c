package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"strings"

	"coatcheck/sessionstore"
)

// Passwords is a user table whose password column may be written.
type Passwords interface {
	// MayReplace reports whether it may at all; an error means that it could not be asked.
	MayReplace(ctx context.Context) (bool, error)
	// ReplacePassword writes the new password over the one in u, and returns the user as the table has it then. [ErrInvalidCredentials]
	// when the column holds another one by now, [ErrBusy] when nothing was done.
	ReplacePassword(ctx context.Context, u User, plain string) (User, error)
}

// PasswordPolicy says what is wrong with a new password; nothing, if it will do.
type PasswordPolicy interface {
	Check(plain string, u User) []PasswordFault
}

// PasswordFault is one reason why a password is not taken. Its names never change.
type PasswordFault struct {
	Name string // length, long, common, numeric, or similar-ATTRIBUTE
	N    int    // length: the fewest characters
}

// PasswordRejectedError: the new password will not do.
type PasswordRejectedError struct {
	Faults []PasswordFault
}

func (e *PasswordRejectedError) Error() string {
	var names []string
	for _, f := range e.Faults {
		names = append(names, f.Name)
	}
	return "the new password is refused: " + strings.Join(names, ", ")
}

// ErrNotLoggedIn: the session speaks for nobody.
var ErrNotLoggedIn = errors.New("nobody is logged in")

// PasswordChange is what somebody who is logged in asks for.
type PasswordChange struct {
	Current, New string
	Client       netip.Addr
	Browser      *Browser
}

// ChangesPasswords reports whether users can change their passwords here.
func (s *Service) ChangesPasswords(ctx context.Context) (bool, error) {
	if s.passwords == nil {
		return false, nil
	}
	return s.passwords.MayReplace(ctx)
}

// ChangePassword gives the session's user a new password, which ends all other sessions; this one goes on with a new key and the
// new session hash (contrib/auth/__init__.py update_session_auth_hash). The current password is checked under the throttle, like
// a login. The errors are [ErrNotLoggedIn], *[PasswordRejectedError], [ErrInvalidCredentials], [ErrBusy] and *[ThrottledError]; any
// other is a fault.
func (s *Service) ChangePassword(ctx context.Context, session *sessionstore.Session, c PasswordChange) error {
	principal, err := s.Principal(ctx, session)
	switch {
	case err != nil:
		return err
	case principal.Anonymous() || s.passwords == nil:
		return ErrNotLoggedIn
	}
	user, err := s.directory.User(ctx, principal.ID)
	if err != nil {
		return fmt.Errorf("look up the user of a new password: %w", err)
	}
	if faults := s.faults(c.New, user); len(faults) > 0 {
		return &PasswordRejectedError{faults}
	}
	claim, err := s.claim(ctx, Attempt{Login: user.Username, Password: c.Current, Client: c.Client, Browser: c.Browser})
	if err != nil {
		return err
	}
	checked, err := s.authenticate(ctx, claim, c.Current)
	switch {
	case err != nil:
		return err
	case checked.ID != user.ID: // a name that two rows share
		return ErrInvalidCredentials
	}
	if err := s.throttle.Succeeded(ctx, claim); err != nil {
		return fmt.Errorf("reset failed logins: %w", err)
	}
	return s.replacePassword(ctx, session, claim, checked, c.New)
}

func (s *Service) faults(plain string, user User) []PasswordFault {
	if len(plain) > maxPasswordBytes {
		return []PasswordFault{{Name: "long"}}
	}
	if plain == "" {
		return []PasswordFault{{Name: "length", N: 1}}
	}
	if s.policy == nil {
		return nil
	}
	return s.policy.Check(plain, user)
}

func (s *Service) replacePassword(ctx context.Context, session *sessionstore.Session, claim Claim, user User, plain string) error {
	changed, err := s.passwords.ReplacePassword(ctx, user, plain)
	if err != nil {
		return fmt.Errorf("replace password: %w", err)
	}
	if s.rows != nil { // what it keeps would end this session, too
		s.rows.Forget(user.ID)
	}
	if err := session.Set(keyHash, s.currentHash(changed)); err != nil {
		return fmt.Errorf("set session hash: %w", err)
	}
	if err := session.CycleKey(ctx); err != nil {
		return fmt.Errorf("cycle key: %w", err)
	}
	s.event(ctx, slog.LevelInfo, eventPasswordChanged, userAttr(user.Username), slog.String("user_id", user.ID), clientAttr(claim.Client), sessionAttr(session))
	return nil
}
