package auth

import (
	"encoding/hex"

	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
)

// Salt of the session hash (contrib/auth/base_user.py get_session_auth_hash). The hash covers the whole password column, so that
// every rewrite of the column ends the sessions made before.
const sessionHashSalt = "django.contrib.auth.models.AbstractBaseUser.get_session_auth_hash"

type hashVerdict int

const (
	hashWrong hashVerdict = iota // or missing
	hashFallback
	hashCurrent
)

func sessionHash(secret, password string) string {
	return hex.EncodeToString(signing.SaltedHMAC(sessionHashSalt, secret, password))
}

func (s *Service) currentHash(u User) string { return sessionHash(s.keys.Secret, u.Password) }

func (s *Service) checkHash(session *sessionstore.Session, u User) hashVerdict {
	stored, _ := session.GetString(keyHash)
	if stored == "" {
		return hashWrong
	}
	if signing.ConstantTimeEqual(stored, s.currentHash(u)) {
		return hashCurrent
	}
	for _, secret := range s.keys.Fallbacks {
		if signing.ConstantTimeEqual(stored, sessionHash(secret, u.Password)) {
			return hashFallback
		}
	}
	return hashWrong
}
