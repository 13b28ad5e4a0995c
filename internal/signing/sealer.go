package signing

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
)

// Sealer keeps texts from readers of a store: AES-256-GCM under a key made of the secret key. New ones are sealed with the secret, and those
// that a fallback sealed are opened, too. Safe for concurrent use.
type Sealer []cipher.AEAD

// NewSealer returns the sealer of one purpose; salt makes its keys others than those of every other purpose.
func NewSealer(salt string, keys Keys) Sealer {
	all := Sealer{newAEAD(salt, keys.Secret)}
	for _, old := range keys.Fallbacks {
		all = append(all, newAEAD(salt, old))
	}
	return all
}

func newAEAD(salt, secret string) cipher.AEAD {
	block, err := aes.NewCipher(SaltedHMAC(salt, secret, "aes-256-gcm"))
	if err != nil {
		panic(err) // 32 bytes are a key
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err) // AES has its block size
	}
	return aead
}

// Seal returns text as printable ASCII that opens at the same place alone.
func (s Sealer) Seal(text []byte, place string) string {
	nonce := make([]byte, s[0].NonceSize())
	rand.Read(nonce) // never fails: it ends the process instead
	return base64.RawStdEncoding.EncodeToString(s[0].Seal(nonce, nonce, text, []byte(place)))
}

// Open returns what was sealed for place under one of the keys.
func (s Sealer) Open(sealed, place string) (text []byte, ok bool) {
	raw, err := base64.RawStdEncoding.DecodeString(sealed)
	if err != nil || len(raw) < s[0].NonceSize() {
		return nil, false
	}
	n := s[0].NonceSize()
	for _, aead := range s {
		if text, err := aead.Open(nil, raw[:n], raw[n:], []byte(place)); err == nil {
			return text, true
		}
	}
	return nil, false
}
