package auth

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"coatcheck/internal/pyvalue"
	"coatcheck/sessionstore"
)

// Names in the session data that are Django's (contrib/auth/__init__.py, contrib/sessions/backends/base.py).
const (
	keyUserID  = "_auth_user_id"
	keyBackend = "_auth_user_backend"
	keyHash    = "_auth_user_hash"
	keyExpiry  = "_session_expiry"
)

// Principal says whom the session speaks for, by the rules of contrib/auth/__init__.py get_user and in their order. Nobody is
// the anonymous principal; an error means that it could not be found out, and is never "anonymous".
//
// It may change the session: a session hash that is missing or wrong flushes it, one made with a fallback key is renewed. The
// caller saves it.
func (s *Service) Principal(ctx context.Context, session *sessionstore.Session) (Principal, error) {
	p, known, err := s.near(ctx, session)
	if known || err != nil {
		return p, err
	}
	// What is in memory may be older than what it is held against: nothing is denied, or changed, by it.
	if err := session.Reload(ctx); err != nil {
		return Principal{}, fmt.Errorf("read the session anew: %w", err)
	}
	return s.asked(ctx, session)
}

// asked is Principal out of the session as it is and the directory.
func (s *Service) asked(ctx context.Context, session *sessionstore.Session) (Principal, error) {
	if err := session.Refused(); err != nil {
		s.event(ctx, slog.LevelWarn, eventSessionRefused, slog.String("reason", refusal(err)))
		return anonymous(session), nil
	}
	id, ok := s.claimed(session)
	if !ok {
		return anonymous(session), nil
	}
	user, err := s.directory.User(ctx, id)
	switch {
	case errors.Is(err, ErrNoUser):
		return anonymous(session), nil
	case err != nil:
		return Principal{}, fmt.Errorf("look up the session's user: %w", err)
	case !user.Active: // the session stays: reactivating the user revives it
		return anonymous(session), nil
	}
	return s.verified(ctx, session, user)
}

// verified holds the session's hash against the user's password column, so that a changed password ends the session.
func (s *Service) verified(ctx context.Context, session *sessionstore.Session, user User) (Principal, error) {
	switch s.checkHash(session, user) {
	case hashCurrent:
	case hashFallback:
		// Django also cycles the key here. We do not: of the parallel requests of one browser all but one would then come with a
		// key that is gone, and be logged out.
		if err := session.Set(keyHash, s.currentHash(user)); err != nil {
			return Principal{}, fmt.Errorf("renew session hash: %w", err)
		}
		s.event(ctx, slog.LevelInfo, eventSessionRenewed, userAttr(user.Username), sessionAttr(session))
	default:
		return s.flushed(ctx, session, user)
	}
	return principalOf(user, session), nil
}

func (s *Service) flushed(ctx context.Context, session *sessionstore.Session, user User) (Principal, error) {
	reason := "hash_mismatch"
	if stored, _ := session.GetString(keyHash); stored == "" {
		reason = "hash_missing"
	}
	who := sessionAttr(session)
	if err := session.Flush(ctx); err != nil {
		return Principal{}, fmt.Errorf("flush session with a wrong session hash: %w", err)
	}
	s.event(ctx, slog.LevelWarn, eventSessionFlushed, slog.String("reason", reason), userAttr(user.Username),
		slog.String("user_id", user.ID), who)
	return anonymous(session), nil
}

// claimed is the user that the session says it belongs to, by a backend that counts here.
func (s *Service) claimed(session *sessionstore.Session) (id string, ok bool) {
	id, ok = userID(session)
	backend, _ := session.GetString(keyBackend)
	return id, ok && s.accepts(backend)
}

// userID returns the user id in the session as text; Django writes text and also reads a number.
func userID(session *sessionstore.Session) (string, bool) {
	value, _ := session.Get(keyUserID)
	switch id := value.(type) {
	case pyvalue.Str:
		return string(id), id != ""
	case pyvalue.Int:
		return id.String(), true
	}
	return "", false
}

func anonymous(session *sessionstore.Session) Principal {
	if session.Empty() {
		return Principal{}
	}
	return Principal{Session: session}
}

func principalOf(u User, session *sessionstore.Session) Principal {
	return Principal{
		ID: u.ID, Username: u.Username, Email: u.Email, Groups: u.Groups, Staff: u.Staff, Superuser: u.Superuser,
		Name:    strings.TrimSpace(u.FirstName + " " + u.LastName), // contrib/auth/models.py get_full_name
		Session: session,
	}
}

func refusal(err error) string {
	var refused *sessionstore.RefusedError
	if errors.As(err, &refused) {
		return refused.Reason
	}
	return "unreadable"
}
