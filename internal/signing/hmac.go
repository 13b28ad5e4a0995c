package signing

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/subtle"
	"hash"
)

// Keys are the configuration's secret keys: Secret signs, the fallbacks (SECRET_KEY_FALLBACKS) only verify.
type Keys struct {
	Secret    string
	Fallbacks []string
}

// SaltedHMAC is the raw HMAC-SHA256 of Django's salted_hmac(salt, value, secret, algorithm="sha256")
// (utils/crypto.py): its key is SHA256(salt + secret).
func SaltedHMAC(salt, secret, value string) []byte {
	return saltedHMAC(sha256.New, salt, secret, value)
}

// SaltedHMACSHA1 is the same with SHA-1, Django's default before 3.1. Only for reading what old releases wrote.
func SaltedHMACSHA1(salt, secret, value string) []byte {
	return saltedHMAC(sha1.New, salt, secret, value)
}

// ConstantTimeEqual compares two signatures without telling, by its time, where they differ. Their lengths are no secret.
func ConstantTimeEqual(a, b string) bool {
	return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1
}

func saltedHMAC(h func() hash.Hash, salt, secret, value string) []byte {
	mac := hmac.New(h, deriveKey(h(), salt, secret))
	mac.Write([]byte(value))
	return mac.Sum(nil)
}

func deriveKey(h hash.Hash, salt, secret string) []byte {
	h.Write([]byte(salt + secret))
	return h.Sum(nil)
}
