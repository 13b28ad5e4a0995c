package sessionapi

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"coatcheck/internal/signing"
	"coatcheck/sessionstore"
)

// Header is the request header that carries the token to the application.
const Header = "X-Session-Token"

// TokenLife is how long a token is taken.
const TokenLife = 5 * time.Minute

const (
	tokenSalt = "coatcheck.sessionapi.token"
	version   = 1
	// maxToken bounds what is looked at, in characters; ours have about a hundred.
	maxToken  = 256
	nonceSize = 12
	houseSize = 8
	// headSize: version, kind, seconds, house; the session key follows.
	headSize = 2 + 8 + houseSize
)

// Why a token is refused.
var (
	errToken   = errors.New("not a token of ours")
	errExpired = errors.New("the token has expired")
)

// claim is what a token says.
type claim struct {
	key string
	// fresh: nobody but us knows the key yet; there is a session under it when the application has begun one.
	fresh bool
	until time.Time
	local bool // the token was made by this process
}

// Tokens makes tokens and reads them. A token is sealed: whoever sees it learns nothing of the session key. Safe for concurrent use.
type Tokens struct {
	seals  []seal // the first makes tokens, all read them
	visits *Visits
	now    func() time.Time
}

// seal is one secret key's. The nonce is a MAC of what is sealed, so that any number of tokens is safe (random ones of 96 bits are
// for 2^32 messages, NIST SP 800-38D 8.3), and equal ones tell no more than that they are equal.
type seal struct {
	aead  cipher.AEAD
	nonce []byte
}

// NewTokens returns the tokens under the secret key of keys; tokens of its fallbacks are read, too.
func NewTokens(keys signing.Keys, visits *Visits, now func() time.Time) (*Tokens, error) {
	t := &Tokens{visits: visits, now: now}
	for _, secret := range append([]string{keys.Secret}, keys.Fallbacks...) {
		block, err := aes.NewCipher(signing.SaltedHMAC(tokenSalt, secret, "key"))
		if err != nil {
			return nil, fmt.Errorf("seal session tokens: %w", err)
		}
		aead, err := cipher.NewGCM(block)
		if err != nil {
			return nil, fmt.Errorf("seal session tokens: %w", err)
		}
		t.seals = append(t.seals, seal{aead, signing.SaltedHMAC(tokenSalt, secret, "nonce")})
	}
	return t, nil
}

// Visit begins a visit to an application, with a token for the session under key; with "" for a session that the application may begin.
// [Visit.End] has to follow.
func (t *Tokens) Visit(key string) *Visit {
	fresh := key == ""
	if fresh {
		key = sessionstore.NewKey()
	}
	v := t.visits.enter(key, fresh)
	v.Token = t.issue(key, fresh)
	return v
}

func (t *Tokens) issue(key string, fresh bool) string {
	plain := make([]byte, headSize, headSize+len(key))
	plain[0] = version
	if fresh {
		plain[1] = 1
	}
	binary.BigEndian.PutUint64(plain[2:], uint64(t.now().Add(TokenLife).Unix()))
	copy(plain[10:], t.visits.house[:])
	return t.seals[0].close(append(plain, key...))
}

func (s seal) close(plain []byte) string {
	mac := hmac.New(sha256.New, s.nonce)
	mac.Write(plain)
	nonce := mac.Sum(nil)[:nonceSize:nonceSize]
	return base64.RawURLEncoding.EncodeToString(s.aead.Seal(nonce, nonce, plain, nil))
}

// read returns what the token says, or errToken, or errExpired.
func (t *Tokens) read(token string) (claim, error) {
	if len(token) > maxToken {
		return claim{}, errToken
	}
	sealed, err := base64.RawURLEncoding.Strict().DecodeString(token)
	if err != nil || len(sealed) < nonceSize {
		return claim{}, errToken
	}
	for _, s := range t.seals {
		if plain, err := s.aead.Open(nil, sealed[:nonceSize], sealed[nonceSize:], nil); err == nil {
			return t.claim(plain)
		}
	}
	return claim{}, errToken
}

func (t *Tokens) claim(plain []byte) (claim, error) {
	if len(plain) <= headSize || plain[0] != version {
		return claim{}, errToken
	}
	c := claim{
		key: string(plain[headSize:]), fresh: plain[1] == 1, until: time.Unix(int64(binary.BigEndian.Uint64(plain[2:])), 0), //nolint:gosec // our own number
		local: [houseSize]byte(plain[10:headSize]) == t.visits.house,
	}
	// One from the far future is another clock's: it would be good for longer than a token should be.
	if left := c.until.Sub(t.now()); left <= 0 || left > TokenLife+signing.MaxSkew {
		return claim{}, errExpired
	}
	return c, nil
}
