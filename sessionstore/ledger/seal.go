package ledger

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"

	"coatcheck/internal/signing"
)

// sealSalt makes the sealing key another than every signing key.
const sealSalt = "coatcheck.ledger.session_key"

// sealer keeps session keys from readers of the table: AES-256-GCM under a key made of the secret key, bound to the row's hash. New ones are
// sealed with the first.
type sealer []cipher.AEAD

func newSealer(keys signing.Keys) sealer {
	all := sealer{newAEAD(keys.Secret)}
	for _, old := range keys.Fallbacks {
		all = append(all, newAEAD(old))
	}
	return all
}

func newAEAD(secret string) cipher.AEAD {
	block, err := aes.NewCipher(signing.SaltedHMAC(sealSalt, secret, "aes-256-gcm"))
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has its block size
	}
	return aead
}

func (s sealer) seal(key, hash string) string {
	nonce := make([]byte, s[0].NonceSize())
	rand.Read(nonce) // never fails: it ends the process instead
	return base64.RawStdEncoding.EncodeToString(s[0].Seal(nonce, nonce, []byte(key), []byte(hash)))
}

// open tries the secret key and its fallbacks.
func (s sealer) open(sealed, hash string) (key string, ok bool) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < s[0].NonceSize() {
		return "", false
	}
	n := s[0].NonceSize()
	for _, aead := range s {
		if text, err := aead.Open(nil, raw[:n], raw[n:], []byte(hash)); err == nil {
			return string(text), true
		}
	}
	return "", false
}
