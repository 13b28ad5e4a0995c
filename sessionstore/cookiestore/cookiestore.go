// Package cookiestore keeps no records: the session is the cookie, signed, as in Django's signed_cookies engine
// (contrib/sessions/backends/signed_cookies.py). The session key is the cookie's value.
//
// Where Django's engine cannot end a session, this one remembers what was logged out, by hash, until it would have expired.
package cookiestore

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"coatcheck/internal/pyvalue"
	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
	"coatcheck/sessionstore/codec"
)

// MaxValue is the longest cookie value that is made, in bytes: browsers drop cookies over 4096 bytes, name and attributes included (RFC 6265bis 5.6).
const MaxValue = 3800

// maxPresented is the longest value that is looked at: Django sets no limit for its own.
const maxPresented = 4096

// nonceName holds 128 bits of ours in the session data: what a logout ends is everything that was ever signed with it, and two
// logins in one second are two sessions.
const nonceName = "_coatcheck_nonce"

// ErrTooLarge: the session does not fit into a cookie. Nothing was changed.
var ErrTooLarge = errors.New("session is too large for a cookie")

// Revocations remember logged-out sessions by the digest of their name. Safe for concurrent use.
type Revocations interface {
	// Revoke keeps digest at least until then.
	Revoke(ctx context.Context, digest string, until time.Time) error
	Revoked(ctx context.Context, digest string) (bool, error)
	// ClearRevoked forgets those whose time has come and says how many.
	ClearRevoked(ctx context.Context) (int64, error)
}

// Store is the signed_cookies engine.
type Store struct {
	codec       *codec.Signed
	revocations Revocations
	age         time.Duration
	now         func() time.Time
}

var (
	_ sessionstore.Store      = (*Store)(nil)
	_ sessionstore.KeyGrammar = (*Store)(nil)
)

// New returns a store whose cookies are valid for age (SESSION_COOKIE_AGE) from their signing, whatever the session's own expiry says.
func New(keys signing.Keys, revocations Revocations, age time.Duration, now func() time.Time) *Store {
	return &Store{
		codec:       codec.NewSignedWith(codec.SignedOptions{Keys: keys, Now: now, Salt: codec.CookieSalt}),
		revocations: revocations, age: age, now: now,
	}
}

// ValidKey implements [sessionstore.KeyGrammar]: base64url, dots and the colons between payload, timestamp and signature.
func (s *Store) ValidKey(key string) bool {
	if key == "" || len(key) > maxPresented {
		return false
	}
	for i := range len(key) {
		switch c := key[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == ':', c == '=':
		default:
			return false
		}
	}
	return true
}

// Load implements [sessionstore.Store]. The signature is checked before anything is decoded (ASVS 9.1.1), then the age, then whether it was logged out.
func (s *Store) Load(ctx context.Context, key string) (sessionstore.Record, error) {
	cookie, err := s.open(ctx, key)
	if err != nil {
		return sessionstore.Record{}, err
	}
	return sessionstore.Record{Data: cookie.Data, Expires: cookie.SignedAt.Add(s.age), Resign: cookie.Fallback}, nil
}

// opened is a cookie that counts.
type opened struct {
	codec.Opened
	nonce  string // "" where a Django made the cookie
	digest string // names what a logout of this cookie ends: all that carry its nonce, or else this very cookie
}

// open returns the cookie if it is good and was not logged out; its errors are those of Load.
func (s *Store) open(ctx context.Context, key string) (opened, error) {
	o, err := s.verify(key)
	if err != nil {
		return opened{}, err
	}
	revoked, err := s.revocations.Revoked(ctx, o.digest)
	if err != nil {
		return opened{}, fmt.Errorf("look for logout: %w", err)
	}
	if revoked {
		return opened{}, sessionstore.ErrNotFound
	}
	return o, nil
}

// verify checks signature and age. Like Django it takes a cookie of exactly the age; unlike Django none from the future.
func (s *Store) verify(key string) (opened, error) {
	if strings.Count(key, ":") != 2 {
		return opened{}, sessionstore.ErrNotFound // a key of another engine
	}
	o, err := s.codec.Open([]byte(key))
	if err != nil {
		return opened{}, &sessionstore.RefusedError{Reason: "session cookie does not verify", Err: err}
	}
	if err := signing.CheckNotFuture(o.SignedAt, s.now()); err != nil {
		return opened{}, &sessionstore.RefusedError{Reason: "session cookie is from the future", Err: err}
	}
	if signing.CheckAge(o.SignedAt, s.now(), s.age) != nil {
		return opened{}, sessionstore.ErrNotFound
	}
	value, _ := o.Data.Get(nonceName)
	nonce, _ := value.(pyvalue.Str)
	if nonce == "" {
		return opened{Opened: o, digest: sessionstore.KeyDigest(key)}, nil
	}
	o.Data.Delete(nonceName) // the store's own business
	return opened{Opened: o, nonce: string(nonce), digest: nonceDigest(string(nonce))}, nil
}

// Digest names the session in the table of revocations: the same for all cookies that carry one nonce. A cookie that does not verify is named by itself.
func (s *Store) Digest(key string) string {
	o, err := s.verify(key)
	if err != nil {
		return sessionstore.KeyDigest(key)
	}
	return o.digest
}

func nonceDigest(nonce string) string { return sessionstore.KeyDigest("nonce:" + nonce) }

// Create implements [sessionstore.Store]; the key that was proposed becomes the nonce. A login is not acknowledged while nobody could check its cookie.
func (s *Store) Create(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	revoked, err := s.revocations.Revoked(ctx, nonceDigest(key))
	if err != nil {
		return "", fmt.Errorf("look for logout: %w", err)
	}
	if revoked {
		return "", sessionstore.ErrExists
	}
	return s.sign(rec, key)
}

// Update implements [sessionstore.Store]. The new cookie carries the old one's nonce, so that a logout that happens meanwhile ends it too: there is
// nothing to race with. A Django's cookie gets a nonce.
func (s *Store) Update(ctx context.Context, key string, rec sessionstore.Record) (string, error) {
	old, err := s.open(ctx, key)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return "", sessionstore.ErrGone
	}
	if err != nil {
		return "", err
	}
	return s.sign(rec, cmp.Or(old.nonce, sessionstore.NewKey()))
}

func (s *Store) sign(rec sessionstore.Record, nonce string) (string, error) {
	text, err := s.codec.Encode(rec.Data.With(nonceName, pyvalue.Str(nonce)))
	if err != nil {
		return "", fmt.Errorf("sign session cookie: %w", err)
	}
	if len(text) > MaxValue {
		return "", fmt.Errorf("sign session cookie: %w: %d bytes, at most %d; keep less in the session or choose another session.engine",
			ErrTooLarge, len(text), MaxValue)
	}
	return string(text), nil
}

// Delete implements [sessionstore.Store]: the cookie, and all that were signed with its nonce, are remembered as logged out until the last of
// them has expired.
func (s *Store) Delete(ctx context.Context, key string) error {
	o, err := s.verify(key)
	if errors.Is(err, sessionstore.ErrNotFound) {
		return nil // nobody would accept it
	}
	if err := s.revocations.Revoke(ctx, o.digest, s.now().Add(s.age+signing.MaxSkew)); err != nil {
		return fmt.Errorf("remember logout: %w", err)
	}
	return nil
}

// ClearExpired implements [sessionstore.Store]: cookies expire by themselves; what is cleared is the memory of old logouts, which does not count.
func (s *Store) ClearExpired(ctx context.Context) (int64, error) {
	if _, err := s.revocations.ClearRevoked(ctx); err != nil {
		return 0, fmt.Errorf("forget old logouts: %w", err)
	}
	return 0, nil
}
