package auth

import (
	"context"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"coatcheck/internal/signing"
)

// Factor is something a user shows besides the password: a one-time code, a passkey.
type Factor interface {
	// Required reports whether the user has set this factor up. An error means that it could not be found out.
	Required(ctx context.Context, u User) (bool, error)
	// Verify returns nil for a right answer and [ErrInvalidCredentials] for a wrong one; any other error means that it could not be
	// checked. It must take an answer only once (NIST SP 800-63B-4 3.2.7).
	Verify(ctx context.Context, u User, answer string) error
}

// pendingAge is how long a visitor may take for the second step.
const pendingAge = 5 * time.Minute

// Salts of what stands between password and factor.
const (
	pendingSalt  = "coatcheck.login.pending"
	passwordSalt = "coatcheck.login.pending.password"
)

// maxAnswer is the longest answer looked at, in bytes; a passkey's is some hundreds.
const maxAnswer = 16 << 10

// ErrPendingExpired: the login that the answer belongs to is too old, is none of ours, or the password was changed meanwhile.
var ErrPendingExpired = errors.New("the login has expired before its second step")

// FactorRequiredError: the password is right, and a factor has to be shown now. Nobody is logged in.
type FactorRequiredError struct {
	// Pending is handed back with the answer, see [Confirmation]. It is signed, good for five minutes, and grants nothing by itself:
	// it is in no session and no cookie.
	Pending string
}

func (*FactorRequiredError) Error() string { return "a second factor is required" }

// pending is what is remembered of a login between password and factor. Its order is nobody's format: both ends are here.
type pending struct {
	ID       string   `json:"i"`
	Login    string   `json:"l"`
	Password string   `json:"p"` // of the password column, so that a changed one ends it
	Remember Remember `json:"r"`
}

// demand asks for the factors that the user has. The password was right, so the attempt is not a failed one; each answer will
// be counted by itself. It must not be a success either: who knows the password could reset the count of wrong answers with it.
func (s *Service) demand(ctx context.Context, claim Claim, user User, remember Remember) error {
	required, err := s.required(ctx, user)
	if err != nil {
		return s.withdraw(ctx, claim, err)
	}
	if len(required) == 0 {
		return nil
	}
	if err := s.throttle.Withdraw(ctx, claim); err != nil {
		return fmt.Errorf("withdraw counted attempt: %w", err)
	}
	token, err := s.pend(pending{ID: user.ID, Login: claim.Login, Password: s.stamp(user), Remember: remember})
	if err != nil {
		return err
	}
	s.event(ctx, slog.LevelInfo, eventFactorAsked, userAttr(user.Username), slog.String("user_id", user.ID), clientAttr(claim.Client))
	return &FactorRequiredError{Pending: token}
}

// required are the factors that the user has set up.
func (s *Service) required(ctx context.Context, user User) ([]Factor, error) {
	var found []Factor
	for _, f := range s.factors {
		yes, err := f.Required(ctx, user)
		if err != nil {
			return nil, fmt.Errorf("look up factor: %w", err)
		}
		if yes {
			found = append(found, f)
		}
	}
	return found, nil
}

func (s *Service) pend(p pending) (string, error) {
	text, err := json.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("write pending login: %w", err)
	}
	return s.pendingSigner.Sign(base64.RawURLEncoding.EncodeToString(text), s.now()), nil
}

func (s *Service) unpend(token string) (pending, error) {
	var p pending
	encoded, signedAt, _, err := s.pendingSigner.Unsign(token)
	if now := s.now(); err != nil || signing.CheckAge(signedAt, now, pendingAge) != nil || signing.CheckNotFuture(signedAt, now) != nil {
		return p, ErrPendingExpired
	}
	text, err := base64.RawURLEncoding.DecodeString(encoded)
	if err != nil || json.Unmarshal(text, &p) != nil {
		return p, ErrPendingExpired
	}
	return p, nil
}

// stamp names the password column without telling it.
func (s *Service) stamp(u User) string {
	return hex.EncodeToString(signing.SaltedHMAC(passwordSalt, s.keys.Secret, u.Password))
}
