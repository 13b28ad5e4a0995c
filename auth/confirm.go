package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"

	"coatcheck/sessionstore"
)

// Confirmation is the second step of a login: the answer to a [FactorRequiredError].
type Confirmation struct {
	Pending string // of the error
	Answer  string
	Client  netip.Addr
	Browser *Browser // as in [Attempt]
}

// Confirm checks the answer and makes the session the user's, as [Service.Login] does. Its errors are those of Login and
// [ErrPendingExpired]. The password is not asked again, but it must still be the same one, and the user active.
func (s *Service) Confirm(ctx context.Context, session *sessionstore.Session, c Confirmation) (Principal, error) {
	p, err := s.unpend(c.Pending)
	if err != nil {
		return Principal{}, err
	}
	user, err := s.directory.User(ctx, p.ID)
	switch {
	case errors.Is(err, ErrNoUser), err == nil && (!user.Active || s.stamp(user) != p.Password):
		return Principal{}, ErrPendingExpired
	case err != nil:
		return Principal{}, fmt.Errorf("look up the user of a pending login: %w", err)
	}
	claim := Claim{Login: p.Login, Client: c.Client, Browser: s.knownAs(p.Login, c.Browser)}
	if err := s.answer(ctx, claim, user, c.Answer); err != nil {
		return Principal{}, err
	}
	return s.welcome(ctx, session, claim, user, p.Remember, c.Browser)
}

// answer holds the answer against the user's factors, under the throttle of the password: the first that takes it will do.
func (s *Service) answer(ctx context.Context, claim Claim, user User, answer string) error {
	if err := s.throttle.Begin(ctx, claim); err != nil {
		return s.throttled(ctx, claim, err)
	}
	required, err := s.required(ctx, user)
	if err != nil {
		return s.withdraw(ctx, claim, err)
	}
	if len(required) == 0 { // switched off between the steps: the password was right
		return nil
	}
	if len(answer) <= maxAnswer {
		for _, f := range required {
			err := f.Verify(ctx, user, answer)
			if err == nil {
				return nil
			}
			if !errors.Is(err, ErrInvalidCredentials) {
				return s.withdraw(ctx, claim, fmt.Errorf("verify factor: %w", err))
			}
		}
	}
	s.event(ctx, slog.LevelWarn, eventLoginFailed, slog.String("reason", "factor"), userAttr(claim.Login), slog.String("user_id", user.ID), clientAttr(claim.Client))
	return ErrInvalidCredentials
}
