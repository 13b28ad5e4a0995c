package signing

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"hash"
	"strings"
	"sync"
	"time"
)

// Why a text is refused.
var (
	// ErrBadSignature: not signed with any of our keys for this salt.
	ErrBadSignature = errors.New("bad signature")
	// ErrBadTimestamp: signed by us, but what stands where the timestamp belongs is none.
	ErrBadTimestamp = errors.New("bad timestamp under a good signature")
	// ErrExpired: older than the caller allows.
	ErrExpired = errors.New("signature has expired")
	// ErrFuture: signed later than now, by more than clocks may differ.
	ErrFuture = errors.New("signature is from the future")
)

// A Signer is Django's TimestampSigner for one salt. Its keys are derived once. Safe for concurrent use.
type Signer struct {
	sign   *keyed
	accept []*keyed // in the order they are tried: the secret key, then each fallback; the SHA-1 twins behind them all
	keys   int      // of accept, those that are not SHA-1 twins
}

// NewSigner returns the signer for salt, as Django's Signer(salt=salt) derives its keys: SHA256(salt + "signer" + secret).
func NewSigner(salt string, keys Keys) *Signer {
	s := &Signer{keys: 1 + len(keys.Fallbacks)}
	for _, secret := range secrets(keys) {
		s.accept = append(s.accept, newKeyed(sha256.New, salt, secret))
	}
	s.sign = s.accept[0]
	return s
}

// NewLegacySigner returns a signer that also verifies the SHA-1 signatures of Django 3.0 and earlier, which 3.1 to 3.2
// still read (Signer.legacy_algorithm). It never makes them.
func NewLegacySigner(salt string, keys Keys) *Signer {
	s := NewSigner(salt, keys)
	for _, secret := range secrets(keys) {
		s.accept = append(s.accept, newKeyed(sha1.New, salt, secret))
	}
	return s
}

func secrets(keys Keys) []string { return append([]string{keys.Secret}, keys.Fallbacks...) }

// Sign returns payload:timestamp:signature, the timestamp in whole seconds.
func (s *Signer) Sign(payload string, now time.Time) string {
	text := make([]byte, 0, len(payload)+64)
	text = append(append(text, payload...), ':')
	text = appendBase62(text, now.Unix())
	sum := s.sign.signature(string(text))
	return string(append(append(text, ':'), sum...))
}

// Unsign takes apart what Sign made. Fallback tells that a key other than the secret key had signed it: sign anew.
// The age is not looked at; see [CheckAge].
func (s *Signer) Unsign(text string) (payload string, signedAt time.Time, fallback bool, err error) {
	i := strings.LastIndexByte(text, ':')
	if i < 0 {
		return "", time.Time{}, false, fmt.Errorf("%w: no signature", ErrBadSignature)
	}
	signed, signature := text[:i], text[i+1:]
	key := s.verify(signed, signature)
	if key < 0 {
		return "", time.Time{}, false, ErrBadSignature
	}
	payload, stamp, found := cutLast(signed)
	seconds, ok := DecodeBase62(stamp)
	if !found || !ok {
		return "", time.Time{}, false, ErrBadTimestamp
	}
	return payload, time.Unix(seconds, 0).UTC(), key%s.keys != 0, nil
}

// verify returns the index in accept of the key that made signature, or -1.
func (s *Signer) verify(signed, signature string) int {
	for i, k := range s.accept {
		if len(signature) == k.size && ConstantTimeEqual(k.signature(signed), signature) {
			return i
		}
	}
	return -1
}

func cutLast(s string) (before, after string, found bool) {
	i := strings.LastIndexByte(s, ':')
	if i < 0 {
		return "", s, false
	}
	return s[:i], s[i+1:], true
}

// MaxSkew is how far clocks may differ where a timestamp from the future is refused.
const MaxSkew = 60 * time.Second

// CheckAge refuses what was signed longer than maxAge ago; exactly maxAge is young enough (core/signing.py
// TimestampSigner.unsign). As in Django, the future is never too old; see [CheckNotFuture].
func CheckAge(signedAt, now time.Time, maxAge time.Duration) error {
	if now.Sub(signedAt) > maxAge {
		return ErrExpired
	}
	return nil
}

// CheckNotFuture refuses what was signed more than [MaxSkew] after now. Django has no such check.
func CheckNotFuture(signedAt, now time.Time) error {
	if signedAt.Sub(now) > MaxSkew {
		return ErrFuture
	}
	return nil
}

// keyed makes signatures with one derived key.
type keyed struct {
	size int // of a signature in text form
	pool sync.Pool
}

// scratch is an HMAC with room for its input and output, so that a signature costs one allocation.
type scratch struct {
	mac     hash.Hash
	in, out []byte
}

func newKeyed(h func() hash.Hash, salt, secret string) *keyed {
	key := deriveKey(h(), salt+"signer", secret)
	return &keyed{
		size: base64.RawURLEncoding.EncodedLen(h().Size()),
		pool: sync.Pool{New: func() any { return &scratch{mac: hmac.New(h, key)} }},
	}
}

// signature is Django's Signer.signature: base64url without padding.
func (k *keyed) signature(text string) string {
	s := k.pool.Get().(*scratch)
	defer k.pool.Put(s)
	s.in = append(s.in[:0], text...)
	s.mac.Reset()
	s.mac.Write(s.in)
	s.out = s.mac.Sum(s.out[:0])
	return base64.RawURLEncoding.EncodeToString(s.out)
}
