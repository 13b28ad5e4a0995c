package auth

import (
	"crypto/rand"
	"strings"
	"time"

	"coatcheck/internal/signing"
)

// BrowserAge is how long a browser is known after a login.
const BrowserAge = 90 * 24 * time.Hour

// browserSalt is completed by the login name: the token of one account is nothing to another, and names nobody.
const browserSalt = "coatcheck.known_browser."

// Browser is what a visitor's browser remembers of earlier logins.
type Browser struct {
	// Token is what the browser shows; "" for one that was never here. A login replaces it by the one to be kept from now on, for
	// [BrowserAge]. It opens nothing: it only spares its account the delays that strangers have caused.
	Token string
}

func (s *Service) browserSigner(login string) *signing.Signer {
	return signing.NewSigner(browserSalt+strings.ToLower(login), s.keys)
}

// knownAs is the id of a browser that the account logged in from; "" for every other.
func (s *Service) knownAs(login string, b *Browser) string {
	if b == nil || b.Token == "" {
		return ""
	}
	id, signedAt, _, err := s.browserSigner(login).Unsign(b.Token)
	now := s.now()
	if err != nil || signing.CheckAge(signedAt, now, BrowserAge) != nil || signing.CheckNotFuture(signedAt, now) != nil {
		return ""
	}
	return id
}

// remember makes the browser a known one from this login on.
func (s *Service) remember(claim Claim, b *Browser) {
	if b != nil {
		b.Token = s.browserSigner(claim.Login).Sign(claim.Browser, s.now())
	}
}

// newBrowser is the claim of an attempt that succeeded: a browser that was a stranger gets an id.
func (c Claim) newBrowser(b *Browser) Claim {
	if b != nil && c.Browser == "" {
		c.Browser = rand.Text()
	}
	return c
}
