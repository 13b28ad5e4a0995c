package sessionstore

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

const (
	keyAlphabet = "0123456789abcdefghijklmnopqrstuvwxyz"
	// keyLength gives 165 bits (Django contrib/sessions/backends/base.py _get_new_session_key).
	keyLength = 32
	// minKeyLength is Django's base.py _validate_session_key; maxKeyLength the width of its column.
	minKeyLength, maxKeyLength = 8, 40
)

// KeyGrammar is a [Store] whose keys are not those of [ValidKey] (signed cookies: the key is the data).
type KeyGrammar interface {
	// ValidKey reports whether key, as a client sent it, may be given to the store. It bounds the length.
	ValidKey(key string) bool
}

// NewKey returns a fresh session key: 32 characters of base36 from crypto/rand.
func NewKey() string {
	key := make([]byte, 0, keyLength)
	var random [keyLength + 16]byte
	for len(key) < keyLength {
		rand.Read(random[:]) // never fails: it ends the process instead
		key = appendKey(key, random[:])
	}
	return string(key)
}

// appendKey rejects bytes from 252 on, so that no character is likelier than another (modulo bias, ASVS 7.2.2).
func appendKey(key, random []byte) []byte {
	const limit = 256 - 256%len(keyAlphabet)
	for _, b := range random {
		if len(key) == keyLength {
			break
		}
		if int(b) < limit {
			key = append(key, keyAlphabet[int(b)%len(keyAlphabet)])
		}
	}
	return key
}

// ValidKey reports whether key may be shown to a store: 8 to 40 characters of a-z0-9. Django takes more where its store
// does, but never makes any other (ASVS 1.3.9).
func ValidKey(key string) bool {
	if len(key) < minKeyLength || len(key) > maxKeyLength {
		return false
	}
	for i := range len(key) {
		if c := key[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') {
			return false
		}
	}
	return true
}

// KeyHash names a session in logs, lists and commands: the first 12 hexadecimal digits of a hash of its key, from which the
// key cannot be told (ASVS 16.2.5). It is the same in every process; "" for "".
func KeyHash(key string) string {
	if key == "" {
		return ""
	}
	return KeyDigest(key)[:12]
}

// KeyDigest is the whole of the hash that [KeyHash] begins: 64 hexadecimal digits, for tables that know sessions by hash.
func KeyDigest(key string) string {
	mac := hmac.New(sha256.New, []byte("coatcheck.session.key"))
	mac.Write([]byte(key))
	return hex.EncodeToString(mac.Sum(nil))
}
