package auth

import "coatcheck/internal/signing"

// The names under which a session's data says whose it is, for those who read data that no [sessionstore.Session] has opened.
const (
	DataUserID  = keyUserID
	DataBackend = keyBackend
	DataHash    = keyHash
)

// HashFits reports whether a session with this session hash is u's, under the secret key or one of the fallbacks.
func HashFits(keys signing.Keys, u User, hash string) bool {
	for _, secret := range append([]string{keys.Secret}, keys.Fallbacks...) {
		if signing.ConstantTimeEqual(hash, sessionHash(secret, u.Password)) {
			return true
		}
	}
	return false
}
