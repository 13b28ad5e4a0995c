// Package assertion tells upstreams who their visitor is in a form that they can check: a JWT, signed by a key whose public half
// is at /.auth/jwks.json.
package assertion

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/go-jose/go-jose/v4/jwt"

	"coatcheck/auth"
	"coatcheck/proxy/identity"
)

// Options are what a [Signer] is made of. Secret, Issuer and Now are required.
type Options struct {
	// Secret is the secret key; Fallbacks are former ones, or the next one, whose assertions can be checked, too.
	Secret    string
	Fallbacks []string
	Issuer    string // the public URL
	Now       func() time.Time
}

// Signer makes assertions, and serves the keys to check them. Safe for concurrent use.
type Signer struct {
	signer jose.Signer
	set    []byte // JWKS
	issuer string
	now    func() time.Time
	cache  cache
}

// claims are those of RFC 7519 and OpenID Connect Core 5.1, as applications know them. ID is the primary key: a name can be given to
// somebody else one day.
type claims struct {
	jwt.Claims
	Username  string   `json:"preferred_username"`
	Email     string   `json:"email,omitempty"`
	Name      string   `json:"name,omitempty"`
	Groups    []string `json:"groups"`
	Staff     bool     `json:"staff,omitempty"`
	Superuser bool     `json:"superuser,omitempty"`
}

// New derives the keys.
func New(o Options) (*Signer, error) {
	if o.Issuer == "" || o.Now == nil {
		return nil, errors.New("identity assertions need an issuer and a clock")
	}
	keys := make([]jose.JSONWebKey, 0, 1+len(o.Fallbacks))
	for _, secret := range append([]string{o.Secret}, o.Fallbacks...) {
		key, err := deriveKey(secret)
		if err != nil && len(keys) > 0 {
			continue // a fallback that was too short has never signed one
		} else if err != nil {
			return nil, err
		}
		keys = append(keys, key)
	}
	set, err := keySet(keys)
	if err != nil {
		return nil, err
	}
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: jose.EdDSA, Key: keys[0]}, (&jose.SignerOptions{}).WithType("JWT"))
	if err != nil {
		return nil, fmt.Errorf("make signer of identity assertions: %w", err)
	}
	return &Signer{signer: signer, set: set, issuer: o.Issuer, now: o.Now, cache: newCache()}, nil
}

// Header sends assertions for one audience under one name; it is the identity of a route.
type Header struct {
	signer   *Signer
	name     string
	audience string
	ttl      time.Duration
}

// Header returns the header called name whose assertions are meant for audience, the route's host. One is good for ttl, of which at
// least half is left when it is sent.
func (s *Signer) Header(name, audience string, ttl time.Duration) *Header {
	return &Header{s, http.CanonicalHeaderKey(name), audience, ttl}
}

// Names are the name.
func (h *Header) Names() []string { return []string{h.name} }

// Fields returns the assertion for p; nothing is said of an anonymous principal. It comes from a cache until half its time is
// over, so that requests cost no signature.
func (h *Header) Fields(p auth.Principal) ([]identity.Field, error) {
	if p.Anonymous() {
		return nil, nil
	}
	token, err := h.signer.assert(p, h.audience, h.ttl)
	if err != nil {
		return nil, err
	}
	if h.name == "Authorization" {
		token = "Bearer " + token // RFC 6750 2.1
	}
	return []identity.Field{{Name: h.name, Value: token}}, nil
}

func (s *Signer) assert(p auth.Principal, audience string, ttl time.Duration) (string, error) {
	now, key := s.now(), cacheKey{p.ID, audience, ttl}
	if token, ok := s.cache.get(key, p, now); ok {
		return token, nil
	}
	token, err := s.sign(p, audience, now, ttl)
	if err != nil {
		return "", fmt.Errorf("sign identity assertion: %w", err)
	}
	s.cache.put(key, p, token, now, now.Add(ttl/2))
	return token, nil
}

func (s *Signer) sign(p auth.Principal, audience string, now time.Time, ttl time.Duration) (string, error) {
	c := claims{
		Claims: jwt.Claims{
			Issuer: s.issuer, Subject: p.ID, Audience: jwt.Audience{audience},
			IssuedAt: jwt.NewNumericDate(now), Expiry: jwt.NewNumericDate(now.Add(ttl)),
		},
		Username: p.Username, Email: p.Email, Name: p.Name, Groups: append([]string{}, p.Groups...), Staff: p.Staff, Superuser: p.Superuser,
	}
	return jwt.Signed(s.signer).Claims(c).Serialize()
}
