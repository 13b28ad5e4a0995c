package assertion

import (
	"crypto"
	"crypto/ed25519"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"

	"github.com/go-jose/go-jose/v4"
)

const (
	// MinSecret is the shortest secret key that assertions are signed with, in bytes: everybody may read the public key, and could
	// try guesses of the secret against it at leisure.
	MinSecret = 32

	keyInfo = "coatcheck identity assertion: Ed25519 seed, version 1" // HKDF info; another text would be another key
	keyAge  = 300                                                     // seconds that others may cache the key set
)

// deriveKey makes the key pair of a secret key (RFC 5869 with SHA-256, RFC 8032 seed). Derived, not made and stored: every process
// of a fleet has it without any sharing of files, and it is rotated with the secret key.
func deriveKey(secret string) (jose.JSONWebKey, error) {
	if len(secret) < MinSecret {
		return jose.JSONWebKey{}, fmt.Errorf("derive key of identity assertions: the secret key has fewer than %d bytes; make one with: openssl rand -base64 48", MinSecret)
	}
	seed, err := hkdf.Key(sha256.New, []byte(secret), nil, keyInfo, ed25519.SeedSize)
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("derive key of identity assertions: %w", err)
	}
	key := jose.JSONWebKey{Key: ed25519.NewKeyFromSeed(seed), Algorithm: string(jose.EdDSA), Use: "sig"}
	name, err := key.Thumbprint(crypto.SHA256) // RFC 7638
	if err != nil {
		return jose.JSONWebKey{}, fmt.Errorf("name key of identity assertions: %w", err)
	}
	key.KeyID = base64.RawURLEncoding.EncodeToString(name)
	return key, nil
}

// keySet is the JWKS document (RFC 7517 section 5): the current key first, then those of the fallbacks.
func keySet(keys []jose.JSONWebKey) ([]byte, error) {
	var set jose.JSONWebKeySet
	for _, key := range keys {
		set.Keys = append(set.Keys, key.Public())
	}
	text, err := json.Marshal(set)
	if err != nil {
		return nil, fmt.Errorf("write key set: %w", err)
	}
	return append(text, '\n'), nil
}

// ServeHTTP serves the public keys, to everybody.
func (s *Signer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		w.WriteHeader(http.StatusMethodNotAllowed)
		return
	}
	h.Set("Content-Type", "application/jwk-set+json")
	h.Set("Cache-Control", "public, max-age="+strconv.Itoa(keyAge))
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Length", strconv.Itoa(len(s.set)))
	if r.Method == http.MethodGet {
		_, _ = w.Write(s.set) // a client that left
	}
}
